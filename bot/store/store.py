"""The store: every method of the port, written once over a backend. The port says what they promise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.answers import Awaited
from bot.domain.chat_keys import ACCOUNTS_AT_MOST, ChatKey, chat_id_of, key_of, keys_of, slot_of
from bot.domain.chats import Chat, Link, Member, Preferences, Silence, Token
from bot.domain.credit import CreditWatch
from bot.domain.documents import SentDocument
from bot.domain.due_calendar import DueCalendar
from bot.domain.invitations import Invitation
from bot.domain.live_messages import LiveMessage
from bot.domain.service_names import Service
from bot.domain.token_offers import OfferedToken
from bot.errors import ChatUnreadable, TooManyAccounts
from bot.ports import Pending, PendingItem, Waiting
from bot.store.backend import Backend, StoredChat, Transaction
from bot.store.checks import StoredChecks
from bot.store.claims import Claims
from bot.store.finding import accounts_of, lock, locked, present_id, record_of
from bot.store.operators import OperatorsView
from bot.store.outbox import StoredOutbox
from bot.store.packs import StoredPacks
from bot.store.payments import ChangePayment, StoredPayments, change_payments, payments_of_chat
from bot.store.reading import readable
from bot.store.rules import chats as chat_rules, payments as payment_rules
from bot.store.rules.records import ChatRecord, LinkRow, open_chat
from bot.store.vault import SealBroken, Vault, account_fingerprint, signature

OFFERED = "offered token"
"""What the vault calls a token that waits for a yes."""

ChangeChat = Callable[[ChatRecord], ChatRecord | None]
"""What becomes of a chat. None: there is nothing to change."""


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
        self._claims = Claims(backend)
        self._unreadable: set[int] = set()  # the operator was told of these chats
        self.take_lease = backend.take_lease
        self.give_back_lease = backend.give_back_lease
        self.take_from_bucket = backend.take_from_bucket

        checks = StoredChecks(backend, self._claims, self._chat, self._open_token, self._unreadable)
        self.claim_checks, self.claim_check = checks.claim_due, checks.claim
        self.finish_check, self.postpone_check = checks.finish, checks.postpone
        self.whole_check, self.end_glance = checks.whole, checks.end_glance

        outbox = StoredOutbox(backend, self._claims, self._chat, self._unreadable)
        self.claim_alerts, self.alerts_sent = outbox.claim, outbox.alerts_sent
        self.alerts_failed, self.defer_alerts = outbox.alerts_failed, outbox.defer_alerts
        self.hold_alerts, self.move_to_dead_letters = outbox.hold_alerts, outbox.move_to_dead_letters
        self.message_edited, self.message_folded = outbox.message_edited, outbox.message_folded
        self.board_shown, self.close_chat = outbox.board_shown, outbox.close_chat

        packs = StoredPacks(backend, self._chat)
        self.add_pack, self.claim_packs, self.save_pack = packs.add, packs.claim, packs.save
        self.end_pack, self.stop_pack = packs.end, packs.stop

        payments = StoredPayments(backend)
        self.add_payment, self.add_payments = payments.add_one, payments.add
        self.advance_payment, self.advance_payments = payments.advance_one, payments.advance
        self.payment, self.batch_of, self.payments_of_chat = payments.one, payments.batch_of, payments.of_chat
        self.unsettled_payments, self.drop_questions = payments.unsettled, payments.drop_questions

        operators = OperatorsView(backend, vault, self._unreadable)
        self.backlog, self.newest_wait = operators.backlog, operators.newest_wait
        self.overview, self.overviews = operators.overview, operators.overviews
        self.alerts, self.retry_alerts, self.drop_alerts = (
            operators.alerts,
            operators.retry_alerts,
            operators.drop_alerts,
        )

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
            present, stored, bad = await accounts_of(t, chat_id, self._unreadable)
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
            chat_id, found, bad = await accounts_of(t, place.chat_id, self._unreadable, lock=True)
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
            await change_payments(t, chat_id, payment_rules.given_up, only=replaced - {link.account})
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
            await change_payments(t, chat_id, payment_rules.without_chat, only={account})
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
            present, stored, bad = await accounts_of(t, chat_id, self._unreadable)
            if bad:
                raise next(iter(bad.values()))
            records = [each.record for each in stored] or [ChatRecord(present)]
            return chat_rules.everything_in(records, await payments_of_chat(t, present))

        return await self._backend.run(read)

    async def unlink(self, chat_id: int) -> bool:
        return bool(await self._backend.run(partial(_delete_all, chat_id=chat_id, change=payment_rules.without_chat)))

    async def forget(self, chat_id: int) -> bool:
        return await self._backend.run(partial(_delete_all, chat_id=chat_id, change=payment_rules.given_up)) is not None

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Move all. A lease on the chat's message goes on under its new id, unless the link there stays."""

        async def move(t: Transaction) -> None:
            stored = await locked(t, *keys_of(old_id), *keys_of(new_id))
            old: dict[int, StoredChat] = {key: stored[key] for key in keys_of(old_id) if key in stored}
            if any(each.record.chat.moved_to is not None for each in old.values()):
                return
            if old and old_id not in old:
                old[old_id] = await t.lock_or_make(old_id)  # this one says where all have gone
            for key, each in old.items():
                new_key = key_of(new_id, slot_of(key))
                await self._move_record(t, each, stored.get(new_key) or await t.lock_or_make(new_key))
            await _note_company(t, new_id)
            await change_payments(t, old_id, partial(payment_rules.moved, new_id=new_id))
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

    # --- pending items ---

    async def put_pending(self, item: Pending, now: datetime) -> None:
        async def put(t: Transaction) -> None:
            place = item.place.in_chat(await present_id(t, item.place.chat_id))
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

    # --- what they share ---

    async def _read(self, chat_id: int) -> ChatRecord:
        return await self._backend.run(lambda t: record_of(t, chat_id))

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
            there, stored, bad = await accounts_of(t, chat_id, self._unreadable, lock=True)
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
            for each in (await accounts_of(t, own.record.chat_id, self._unreadable, lock=True))[1]:
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
            await change_payments(t, there.record.chat_id, payment_rules.without_chat, only=gone)
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
        await change_payments(t, chat_id, change)
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
    old = (await locked(t, old_key)).get(old_key)
    if old is not None and old.record.chat.moved_to == key:
        await t.delete_chat(old_key)
