"""The store: every method of the port, written once over a backend. The port says what they promise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.answers import Awaited
from bot.domain.chat_keys import ACCOUNTS_AT_MOST, ChatKey, chat_id_of, key_of, keys_of, slot_of
from bot.domain.chats import Chat, Link, Member, Preferences, Silence, Token
from bot.domain.credit import CreditWatch
from bot.domain.documents import SentDocument
from bot.domain.due_calendar import DueCalendar
from bot.domain.invitations import Invitation
from bot.domain.live_messages import LiveMessage
from bot.domain.payments import Payment, State, batch_of
from bot.domain.service_names import Service
from bot.domain.token_offers import OfferedToken
from bot.errors import ChatUnreadable, PaymentsUnreadable, StartError, TooManyAccounts
from bot.ports import Backlog, Overview, Pending, PendingItem, Waiting, WaitingAlert
from bot.store.backend import Backend, FoundChat, StoredChat, Transaction
from bot.store.checks import StoredChecks
from bot.store.claims import Claims
from bot.store.inspection import problem_of
from bot.store.outbox import StoredOutbox
from bot.store.packs import StoredPacks, lock
from bot.store.reading import note_unreadable, readable
from bot.store.rules import alerts as alert_rules, chats as chat_rules, payments as payment_rules
from bot.store.rules.records import AlertRow, ChatRecord, LinkRow, PaymentRow, open_chat
from bot.store.vault import SealBroken, Vault, account_fingerprint, signature

log = structlog.get_logger()

T = TypeVar("T")

OFFERED = "offered token"
"""What the vault calls a token that waits for a yes."""

READ_TOGETHER = 500
"""How many chats an operator's command reads in one transaction."""

ChangeChat = Callable[[ChatRecord], ChatRecord | None]
"""What becomes of a chat. None: there is nothing to change."""

ChangePayment = Callable[[PaymentRow], PaymentRow | None]
"""What becomes of a payment. None: it goes."""


class _NotAccepted(Exception):
    """An invitation does not hold any more."""


class Store:
    """Implement :class:`bot.ports.Store`. Each method is one transaction, unless it says otherwise.

    ``secret`` is the key of the account fingerprints.
    """

    def __init__(self, backend: Backend, vault: Vault, secret: str) -> None:
        self._backend = backend
        self._vault = vault
        self._secret = secret
        self.take_lease = backend.take_lease
        self.give_back_lease = backend.give_back_lease
        self.take_from_bucket = backend.take_from_bucket
        packs = StoredPacks(backend, self._chat)
        self.add_pack, self.claim_packs, self.save_pack = packs.add, packs.claim, packs.save
        self.end_pack, self.stop_pack = packs.end, packs.stop
        self._unreadable: set[int] = set()  # the operator was told of these chats
        self._claims = Claims(backend)
        checks = StoredChecks(backend, self._claims, self._chat, self._open_token, self._unreadable)
        self.claim_checks, self.claim_check = checks.claim_due, checks.claim
        self.finish_check, self.postpone_check = checks.finish, checks.postpone
        self.whole_check, self.end_glance = checks.whole, checks.end_glance
        outbox = StoredOutbox(backend, self._claims, self._chat, self._unreadable)
        self.claim_alerts, self.alerts_sent, self.message_edited = (
            outbox.claim,
            outbox.alerts_sent,
            outbox.message_edited,
        )
        self.message_folded, self.board_shown = outbox.message_folded, outbox.board_shown
        self.alerts_failed, self.defer_alerts = outbox.alerts_failed, outbox.defer_alerts
        self.close_chat, self.hold_alerts = outbox.close_chat, outbox.hold_alerts
        self.move_to_dead_letters = outbox.move_to_dead_letters

    def account_of(self, base_url: str, token: Token) -> str:
        return account_fingerprint(self._secret, base_url, token)

    def sign(self, text: str) -> str:
        return signature(self._secret, text)

    def seal_offer(self, offer: OfferedToken, token: Token) -> OfferedToken:
        return replace(offer, sealed_token=self._vault.seal(OFFERED, offer.id, token.reveal()))

    def token_of(self, offer: OfferedToken) -> Token | None:
        try:
            return Token(self._vault.open(OFFERED, offer.id, offer.sealed_token))
        except SealBroken:
            return None

    async def close(self) -> None:
        """Finish what was begun, and let go of the backend."""
        await self._claims.settled()
        await self._backend.close()

    # --- chats ---

    async def chat(self, key: int) -> Chat:
        return self._chat(await self._read(key))

    async def accounts(self, chat_id: int) -> Sequence[Chat]:
        async def read(t: Transaction) -> list[Chat]:
            present, stored, bad = await _accounts(t, chat_id, self._unreadable)
            chats, sealed = list[Chat](), list[ChatUnreadable]()
            for each in stored:
                try:
                    chats.append(self._chat(each.record))
                except ChatUnreadable as error:
                    sealed.append(error)
            linked = [chat for chat in chats if chat.link is not None]
            unreadable = [*bad.values(), *sealed]
            if not linked and unreadable:
                raise unreadable[0]
            linked = [replace(chat, unreadable_beside=len(unreadable)) for chat in linked]
            return linked or [chat for chat in chats if chat.slot == 0] or [Chat(present)]

        return await self._backend.run(read)

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        keys = [key for chat_id in chat_ids for key in keys_of(chat_id)]
        return {chat_id_of(key) for key in await self._backend.run(lambda t: t.linked_among(keys))}

    async def set_language(self, chat_id: int, language: str | None) -> None:
        await self._change_all(chat_id, lambda r: replace(r, chat=replace(r.chat, language=language)), make=True)

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        await self._change_all(chat_id, lambda r: replace(r, chat=replace(r.chat, telegram_language=language)))

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        def awaiting(record: ChatRecord) -> ChatRecord:
            return chat_rules.awaiting_token(record, until, invitation)

        await self._change_all(chat_id, awaiting, make=True)

    async def await_answer(self, key: ChatKey, account: str, awaited: Awaited) -> bool:
        await self.await_token(chat_id_of(key), None)
        return await self._change(key, lambda r: chat_rules.awaiting(r, account, awaited))

    async def name_service(self, key: ChatKey, account: str, service: Service, name: str) -> bool:
        return await self._change(key, lambda r: chat_rules.with_name(r, account, service, name))

    async def set_reference(self, key: ChatKey, account: str, reference: str) -> bool:
        return await self._change(key, lambda r: chat_rules.with_reference(r, account, reference))

    async def set_calendar(self, key: ChatKey, account: str, old: DueCalendar | None, new: DueCalendar | None) -> bool:
        return await self._change(key, lambda r: chat_rules.with_calendar(r, account, old, new))

    async def name_account(self, key: ChatKey, account: str, name: str) -> bool:
        return await self._change(key, lambda r: chat_rules.with_account_name(r, account, name))

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        await self._change_all(chat_id, lambda r: chat_rules.preferring(r, preferences, now), make=True, void=True)

    async def silence(self, key: ChatKey, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        return await self._change(key, lambda r: chat_rules.silenced(r, account, silences, now), void=True)

    async def note_credit(self, key: ChatKey, account: str, credit: CreditWatch) -> None:
        await self._change(key, lambda r: chat_rules.with_credit(r, account, credit))

    async def wish_for_credit(self, key: ChatKey, account: str, invoice_id: int, now: datetime) -> bool:
        return await self._change(key, lambda r: chat_rules.wishing_for_credit(r, account, invoice_id, now))

    async def set_live_message(self, key: ChatKey, old: LiveMessage | None, new: LiveMessage | None) -> bool:
        return await self._change(key, lambda r: chat_rules.with_live_message(r, old, new))

    async def keep_document(self, key: ChatKey, account: str, document: SentDocument) -> None:
        await self._change(key, lambda r: chat_rules.keeping_document(r, account, document))

    async def known_invoices(self, key: ChatKey) -> Mapping[int, KnownInvoice]:
        return (await self._read(key)).known

    async def sent_messages(self, key: ChatKey) -> Sequence[SentMessage]:
        return (await self._read(key)).sent

    async def waiting_alerts(self, key: ChatKey) -> Waiting:
        return chat_rules.waiting_in(await self._read(key))

    async def link(
        self,
        link: Link,
        known: Mapping[int, KnownInvoice],
        invitation_id: str | None = None,
        *,
        slot: int | None = 0,
    ) -> bool:
        """Link the chat. Leases on an older link's check and message are void."""

        async def write(t: Transaction) -> None:
            place, invitation = link.place, None
            if invitation_id is not None:
                if (invitation := await t.take_pending(Invitation, invitation_id)) is None:
                    raise _NotAccepted
                place = invitation.place
            chat_id, found, bad = await _accounts(t, place.chat_id, self._unreadable, lock=True)
            if not found and not bad:
                found = [await t.lock_or_make(chat_id)]  # whoever links the chat at the same time waits here
            records = [each.record for each in found]
            linked = [record.link for record in records if record.link is not None]
            if invitation is not None and not invitation.fits(linked[0] if linked else None):
                raise _NotAccepted  # which undoes the taking
            key = key_of(chat_id, _free_slot(records, bad) if slot is None else slot)
            if key in bad:
                raise bad[key]
            there = next((each for each in found if each.record.id == key), None) or await t.lock_or_make(key)
            replaced = {there.record.link.account} if there.record.link is not None else set[str]()
            await _change_payments(t, chat_id, payment_rules.given_up, only=replaced - {link.account})
            payers = link.payers or chat_rules.payers_beside(link.linked_by, records)
            here = replace(link, place=place.in_chat(chat_id), payers=payers)
            sealed = self._vault.seal_token(key, link.token)
            record = chat_rules.beside(there.record, records)
            await t.save_chat(there, StoredChat(chat_rules.relinked(record, here, sealed, known)))
            await _note_company(t, chat_id)

        try:
            await self._backend.run(write)
        except _NotAccepted:
            return False
        return True

    async def remove_account(self, key: ChatKey, account: str) -> bool:
        """Forget one of several accounts of a chat."""

        async def remove(t: Transaction) -> bool:
            stored = await lock(t, key)
            if stored is None or stored.record.link is None or stored.record.link.account != account:
                return False
            chat_id = stored.record.chat_id
            await _change_payments(t, chat_id, payment_rules.without_chat, only={account})
            await t.save_chat(stored, StoredChat(chat_rules.without_account(stored.record)))
            await _note_company(t, chat_id)
            return True

        return await self._backend.run(remove)

    async def add_payer(self, key: ChatKey, payer: Member) -> None:
        await self._change_owned(key, lambda link: link.with_payer(payer))

    async def remove_payer(self, key: ChatKey, user_id: int) -> None:
        await self._change_owned(key, lambda link: link.without_payer(user_id))

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        async def read(t: Transaction) -> Mapping[str, Any]:
            present, stored, bad = await _accounts(t, chat_id, self._unreadable)
            if bad:
                raise next(iter(bad.values()))
            records = [each.record for each in stored] or [ChatRecord(present)]
            return chat_rules.everything_in(records, await _payments_of_chat(t, present))

        return await self._backend.run(read)

    async def unlink(self, chat_id: int) -> bool:
        return bool(await self._backend.run(partial(_delete_all, chat_id=chat_id, change=payment_rules.without_chat)))

    async def forget(self, chat_id: int) -> bool:
        return await self._backend.run(partial(_delete_all, chat_id=chat_id, change=payment_rules.given_up)) is not None

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Move all. A lease on the chat's message goes on under its new id, unless the link there stays."""

        async def move(t: Transaction) -> None:
            stored = await _locked(t, *keys_of(old_id), *keys_of(new_id))
            old: dict[int, StoredChat] = {key: stored[key] for key in keys_of(old_id) if key in stored}
            if any(each.record.chat.moved_to is not None for each in old.values()):
                return
            if old and old_id not in old:
                old[old_id] = await t.lock_or_make(old_id)  # this one says where all have gone
            for key, each in old.items():
                new_key = key_of(new_id, slot_of(key))
                await self._move_record(t, each, stored.get(new_key) or await t.lock_or_make(new_key))
            await _note_company(t, new_id)
            await _change_payments(t, old_id, partial(payment_rules.moved, new_id=new_id))
            await t.move_pending(old_id, new_id)

        if old_id != new_id:
            await self._backend.run(move)

    async def rest(self, chat_id: int, reason: str) -> None:
        await self._change_all(chat_id, lambda r: replace(r, chat=replace(r.chat, resting=reason)), exact=True)

    async def wake(self, chat_id: int, now: datetime) -> bool:
        return await self._change_all(chat_id, lambda record: chat_rules.woken(record, now), void=True, exact=True)

    # --- checks ---

    async def hasten_checks(self, account: str, now: datetime) -> None:
        await self._change_account(account, lambda record: chat_rules.moved_money(record, now))

    async def end_refusal(self, account: str, now: datetime) -> None:
        await self._change_account(account, lambda record: chat_rules.trusted(record, now))

    # --- payments ---

    async def add_payment(self, payment: Payment) -> None:
        await self.add_payments([payment])

    async def add_payments(self, payments: Sequence[Payment], instead_of: Collection[str] = ()) -> bool:
        """Store a question. Old records of its account are cleared out with it."""

        async def add(t: Transaction) -> bool:
            account, place = payments[0].account, payments[0].place
            for payment in payments:
                if await t.account_of(payment.id) is not None:
                    raise ValueError(f"there is a payment {payment.id} already")
            stored = [row.payment for row in await t.payments_of(account, lock=True)]
            if not payment_rules.can_be_replaced(stored, instead_of):
                return False
            gone = {*payment_rules.too_old(stored, payments[0].since), *instead_of}
            place = place.in_chat(await _present_id(t, place.chat_id))
            new = {payment.id: PaymentRow(replace(payment, place=place)) for payment in payments}
            await t.save_payments(account, {**dict.fromkeys(gone), **new})
            return True

        return await self._backend.run(add)

    async def drop_questions(self, account: str, payment_ids: Collection[str]) -> bool:
        async def drop(t: Transaction) -> bool:
            stored = [row.payment for row in await t.payments_of(account, lock=True)]
            if not payment_rules.can_be_replaced(stored, payment_ids):
                return False
            await t.save_payments(account, dict.fromkeys(payment_ids))
            return True

        return await self._backend.run(drop)

    async def payment(self, payment_id: str) -> Payment | None:
        payments = await self._backend.run(lambda t: _beside(t, payment_id))
        return next((payment for payment in payments if payment.id == payment_id), None)

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        return batch_of(await self._backend.run(lambda t: _beside(t, payment_id)), payment_id)

    async def payments_of_chat(self, chat_id: int, account: str | None = None) -> Sequence[Payment]:
        rows = await self._backend.run(lambda t: _payments_of_chat(t, chat_id))
        return payment_rules.journal_of(row for row in rows if account in {None, row.payment.account})

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        return await self.advance_payments([payment], expected)

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        async def advance(t: Transaction) -> bool:
            account = await t.account_of(payments[0].id)
            if account is None:
                return False
            advanced = payment_rules.advanced(await t.payments_of(account, lock=True), payments, expected)
            if advanced is not None:
                await t.save_payments(account, advanced)
            return advanced is not None

        return await self._backend.run(advance)

    async def unsettled_payments(self) -> Sequence[Payment]:
        rows = await self._backend.run(lambda t: t.unsettled_payments())
        return sorted((row.payment for row in rows), key=lambda payment: payment.since)

    # --- pending items ---

    async def put_pending(self, item: Pending, now: datetime) -> None:
        async def put(t: Transaction) -> None:
            place = item.place.in_chat(await _present_id(t, item.place.chat_id))
            await t.put_pending(replace(item, place=place), now)

        await self._backend.run(put)

    async def pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        return await self._backend.run(lambda t: t.pending(kind, item_id))

    async def pending_of(self, kind: type[PendingItem], chat_id: int, user_id: int) -> Sequence[PendingItem]:
        return await self._backend.run(lambda t: t.pending_of(kind, chat_id, user_id))

    async def take_pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        return await self._backend.run(lambda t: t.take_pending(kind, item_id))

    async def drop_expired(self, now: datetime) -> None:
        await self._backend.run(lambda t: t.drop_expired(now))

    # --- for operators: one transaction for each chat that is changed, and for some hundred that are read ---

    async def backlog(self, now: datetime) -> Backlog:
        return await self._backend.run(lambda t: t.backlog(now))

    async def newest_wait(self) -> datetime | None:
        return await self._backend.run(lambda t: t.newest_wait())

    async def overviews(self) -> Sequence[Overview]:
        async def read(ids: Sequence[int], t: Transaction) -> list[Overview | None]:
            return [self._overview(chat) for chat in await t.find_chats(ids)]

        return [overview for part in await self._in_parts(read) for overview in part if overview is not None]

    async def overview(self, chat_id: int) -> Overview | None:
        _, stored, bad = await self._backend.run(lambda t: _accounts(t, chat_id, self._unreadable))
        for error in bad.values():
            raise StartError(f"Chat {chat_id} can't be read ({error.reason}). It can be forgotten.") from error
        return chat_rules.overview_of(stored[0].record) if stored else None

    async def alerts(self) -> Sequence[WaitingAlert]:
        return [alert for record in await self._records() for alert in alert_rules.alerts_in(record)]

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, alert_rules.retried)

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, alert_rules.dropped)

    # --- what they share ---

    async def _read(self, chat_id: int) -> ChatRecord:
        return await self._backend.run(lambda t: _record(t, chat_id))

    async def _records(self) -> list[ChatRecord]:
        """Return all chats. Skip those that have moved. Log and skip those that can't be read."""

        async def read(ids: Sequence[int], t: Transaction) -> list[ChatRecord]:
            return readable("chat can't be read", await t.find_chats(ids), lambda chat: chat.load().record)

        records = [record for part in await self._in_parts(read) for record in part]
        return [record for record in records if record.chat.moved_to is None]

    async def _in_parts(self, read: Callable[[Sequence[int], Transaction], Awaitable[T]]) -> list[T]:
        """Read all chats, some hundred in each transaction."""
        ids = await self._backend.run(lambda t: t.chat_ids())
        parts = [ids[start : start + READ_TOGETHER] for start in range(0, len(ids), READ_TOGETHER)]
        return [await self._backend.run(partial(read, part)) for part in parts]

    def _overview(self, chat: FoundChat) -> Overview | None:
        """Return a chat as an operator sees it. None: it has moved."""
        try:
            record = chat.load().record
        except ChatUnreadable as error:
            return chat_rules.overview_of(ChatRecord(chat.id), error.reason)
        if record.chat.moved_to is not None:
            return None
        return chat_rules.overview_of(record, problem_of(chat, self._vault))

    async def _change_alerts(
        self, alert_ids: Collection[str], change: Callable[[ChatRecord, Collection[AlertRow]], ChatRecord]
    ) -> int:
        async def change_chat(t: Transaction, chat_id: int) -> int:
            stored = (await _locked(t, chat_id)).get(chat_id)
            rows = alert_rules.changeable(stored.record, alert_ids) if stored else []
            if stored and rows:
                new = change(stored.record, rows)
                await t.save_chat(stored, replace(stored, record=new))
            return len(rows)

        concerned = [each.id for each in await self._records() if alert_rules.changeable(each, alert_ids)]
        return sum([await self._backend.run(partial(change_chat, chat_id=chat_id)) for chat_id in concerned])

    async def _change(self, key: ChatKey, change: ChangeChat, *, void: bool = False) -> bool:
        """Change an account of a chat, if it is stored. ``void``: refuse the check under way, it may be outdated.

        A chat that has moved is changed under its new id.
        """

        async def write(t: Transaction) -> bool:
            stored = await lock(t, key)
            new = change(stored.record) if stored else None
            if stored is None or new is None:
                return False
            await t.save_chat(stored, StoredChat(new, None if void else stored.check, stored.message))
            return True

        return await self._backend.run(write)

    async def _change_all(
        self, chat_id: int, change: ChangeChat, *, make: bool = False, void: bool = False, exact: bool = False
    ) -> bool:
        """Change all accounts of a chat that can be read, in one transaction, as :meth:`_change` does.

        ``make``: make a record if there is none.

        ``exact``: a chat that has moved is not changed, because what happens concerns its old id.
        """

        async def write(t: Transaction) -> bool:
            there, stored, bad = await _accounts(t, chat_id, self._unreadable, lock=True)
            if bad and not stored:
                raise next(iter(bad.values()))
            if exact and there != chat_id:
                return False
            if make and not stored:
                stored = [await t.lock_or_make(there)]
            new = [change(each.record) for each in stored]
            for each, record in zip(stored, new, strict=True):
                if record is not None or make:
                    check = None if void and record else each.check
                    await t.save_chat(each, StoredChat(record or each.record, check, each.message))
            return any(record is not None for record in new)

        return await self._backend.run(write)

    async def _change_owned(self, key: ChatKey, change: Callable[[LinkRow], LinkRow]) -> None:
        """Change all links of a chat that have the same owner as this one."""

        async def write(t: Transaction) -> None:
            own = await lock(t, key)
            if own is None or own.record.link is None:
                return
            for each in (await _accounts(t, own.record.chat_id, self._unreadable, lock=True))[1]:
                link = each.record.link
                if link is not None and link.linked_by == own.record.link.linked_by:
                    await t.save_chat(each, replace(each, record=replace(each.record, link=change(link))))

        await self._backend.run(write)

    async def _change_account(self, account: str, change: ChangeChat) -> None:
        """Change chats of an account, and refuse their checks under way: they may be outdated."""

        async def write(t: Transaction) -> None:
            found = await t.find_chats(await t.linked_chats(account), lock=True)
            for stored in readable("chat can't be read", found, lambda chat: chat.load(), self._unreadable):
                if stored.record.link is not None and stored.record.link.account == account:
                    new = change(stored.record)
                    if new is not None:
                        await t.save_chat(stored, StoredChat(new, message=stored.message))

        await self._backend.run(write)

    async def _move_record(self, t: Transaction, old: StoredChat, there: StoredChat) -> None:
        """Put what is stored of a chat to what is stored under its new id."""
        new_id = there.record.id
        stays = chat_rules.keeps_its_link(there.record, old.record)
        if not stays and old.record.link is not None and there.record.link is not None:
            gone = {there.record.link.account} - {old.record.link.account}
            await _change_payments(t, there.record.chat_id, payment_rules.without_chat, only=gone)
        record = chat_rules.merged(old.record, there.record, self._sealed_for(old.record, new_id))
        kept = there if stays else StoredChat(record, message=old.message)
        await t.save_chat(old, StoredChat(chat_rules.moved_away(old.record, new_id)))
        await t.save_chat(there, replace(kept, record=record))

    def _chat(self, record: ChatRecord) -> Chat:
        """Open the chat's token. Raise :class:`ChatUnreadable`."""
        link = record.link
        return open_chat(record, None if link is None else self._open_token(record.id, link.sealed_token))

    def _open_token(self, key: int, sealed: str) -> Token:
        try:
            return self._vault.open_token(key, sealed)
        except SealBroken as error:
            raise ChatUnreadable(error.reason) from error

    def _sealed_for(self, record: ChatRecord, chat_id: int) -> str:
        """Return the token of a chat's link sealed for another id. One that does not open stays as it is."""
        if record.link is None:
            return ""
        try:
            return self._vault.seal_token(chat_id, self._vault.open_token(record.id, record.link.sealed_token))
        except SealBroken:
            return record.link.sealed_token


async def _present(t: Transaction, chat_id: int) -> tuple[int, StoredChat | None]:
    """Return a chat's present id, and what is stored there. The id is another one if the chat has moved.

    This never goes in a circle: what is stored under a new id replaces what was there, also a reference to another id.
    """
    found = await t.find_chats([chat_id])
    stored = found[0].load() if found else None
    if stored is None or stored.record.chat.moved_to is None:
        return chat_id, stored
    return await _present(t, stored.record.chat.moved_to)


async def _present_id(t: Transaction, chat_id: int) -> int:
    """Return a chat's present id. Where its first record can't be read, nobody knows of another one."""
    try:
        return (await _present(t, chat_id))[0]
    except ChatUnreadable:
        return chat_id


async def _record(t: Transaction, chat_id: int) -> ChatRecord:
    """Return what is stored of a chat, under its present id."""
    number, stored = await _present(t, chat_id)
    return stored.record if stored else ChatRecord(number)


async def _locked(t: Transaction, *chat_ids: int) -> dict[int, StoredChat]:
    """Return the stored ones among these chats, locked until the transaction ends."""
    return {found.id: found.load() for found in await t.find_chats(chat_ids, lock=True)}


async def _accounts(
    t: Transaction, chat_id: int, said: set[int], *, lock: bool = False
) -> tuple[int, list[StoredChat], dict[int, ChatUnreadable]]:
    """Return a chat's present id, what is stored of its accounts, and by key why others can't be read."""
    stored, bad = list[StoredChat](), dict[int, ChatUnreadable]()
    for found in await t.find_chats(keys_of(chat_id), lock=lock):
        try:
            stored.append(found.load())
        except ChatUnreadable as error:
            note_unreadable("account can't be read", found.id, error, said)
            bad[found.id] = error
    moved_to = next((each.record.chat.moved_to for each in stored if each.record.chat.moved_to is not None), None)
    return (chat_id, stored, bad) if moved_to is None else await _accounts(t, chat_id_of(moved_to), said, lock=lock)


def _free_slot(records: Iterable[ChatRecord], unreadable: Iterable[int]) -> int:
    """Return the first slot of a chat that no account has. Raise :class:`TooManyAccounts`."""
    taken = {slot_of(key) for key in (*(record.id for record in records if record.link is not None), *unreadable)}
    free = [slot for slot in range(ACCOUNTS_AT_MOST) if slot not in taken]
    if not free:
        raise TooManyAccounts(len(taken))
    return free[0]


async def _note_company(t: Transaction, chat_id: int) -> None:
    """Note in a chat's links whether there are others."""
    stored = readable(
        "account can't be read", await t.find_chats(keys_of(chat_id), lock=True), lambda chat: chat.load()
    )
    linked = [each for each in stored if each.record.link is not None]
    for each in linked:
        link = each.record.link
        if link is not None and link.among_others is not (len(linked) > 1):
            record = replace(each.record, link=replace(link, among_others=len(linked) > 1))
            await t.save_chat(each, replace(each, record=record))


async def _delete_all(t: Transaction, *, chat_id: int, change: ChangePayment) -> bool | None:
    """Delete all of a chat, even if it can't be read. ``change`` says what becomes of its payments.

    Return whether it was linked, as far as it can be read. None: it was not stored.
    """
    found = await t.find_chats(keys_of(chat_id), lock=True)
    records = readable("deleted chat can't be read", found, lambda chat: chat.load().record)
    moved_to = next((record.chat.moved_to for record in records if record.chat.moved_to is not None), None)
    if moved_to is None:
        await t.clear_pending(chat_id)
        await _change_payments(t, chat_id, change)
    for chat in found:
        await t.delete_chat(chat.id)
    if moved_to is not None:
        return await _delete_all(t, chat_id=chat_id_of(moved_to), change=change)
    for record in records:
        if record.chat.moved_from is not None:
            await _forget_old_id(t, record.chat.moved_from, record.id)
    return None if not found else len(records) < len(found) or any(record.link is not None for record in records)


async def _forget_old_id(t: Transaction, old_key: int, key: int) -> None:
    """Forget that a chat had this id before."""
    old = (await _locked(t, old_key)).get(old_key)
    if old is not None and old.record.chat.moved_to == key:
        await t.delete_chat(old_key)


async def _change_payments(
    t: Transaction, chat_id: int, change: ChangePayment, *, only: Collection[str] | None = None
) -> None:
    """Change the payments of a chat: all, or ``only`` those of some accounts."""
    for account in await t.accounts_of_chat(chat_id):
        if only is None or account in only:
            try:
                rows = await t.payments_of(account, lock=True)
            except PaymentsUnreadable as error:
                log.warning("payments can't be read, so they stay as they are", chat=chat_id, reason=error.reason)
                continue
            changed = {row.payment.id: change(row) for row in rows if row.payment.place.chat_id == chat_id}
            await t.save_payments(account, changed)


async def _payments_of_chat(t: Transaction, chat_id: int) -> list[PaymentRow]:
    rows = [row for account in await t.accounts_of_chat(chat_id) for row in await t.payments_of(account)]
    return [row for row in rows if row.payment.place.chat_id == chat_id]


async def _beside(t: Transaction, payment_id: str) -> list[Payment]:
    """Return all payments of the account that has this one."""
    account = await t.account_of(payment_id)
    return [] if account is None else [row.payment for row in await t.payments_of(account)]
