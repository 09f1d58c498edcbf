"""Chats and their links, in the store's thread. The promises are those of :class:`bot.ports.ChatStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.domain.alerts import AlertState, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Place, Silence
from bot.domain.preferences import Preferences
from bot.ports import Waiting
from bot.store.database import Database
from bot.store.desk import Desk
from bot.store.records import ChatRecord, ChatRow, PaymentRow, chat_of, link_row

CHECK_FIRST = timedelta(seconds=30)
"""How long the alerts of a chat that is back wait, so that they say what its check has found."""


class ChatRecords:
    """Each method is one transaction."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._db = database
        self._desk = desk

    def chat(self, chat_id: int) -> Chat:
        record = self._db.chat(chat_id)
        return Chat(chat_id) if record is None else chat_of(record, self._db.vault)

    def set_language(self, chat_id: int, language: str | None) -> None:
        record = self._record(chat_id)
        self._save_row(record, replace(record.chat, language=language))

    def note_telegram_language(self, chat_id: int, language: str) -> None:
        record = self._db.chat(chat_id)
        if record is not None:
            self._save_row(record, replace(record.chat, telegram_language=language))

    def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        record = self._record(chat_id)
        self._save_row(record, replace(record.chat, awaiting_token_until=until, awaiting_for=invitation))

    def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        record = self._record(chat_id)
        row = replace(record.chat, preferences=preferences)
        if row != record.chat:
            self._change_rules(replace(record, chat=row), now)

    def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        record = self._db.chat(chat_id)
        if record is None or record.link is None or record.link.account != account:
            return False
        after = {**record.silences, **{number: silence for number, silence in silences.items() if silence}}
        after = {number: silence for number, silence in after.items() if silences.get(number, silence)}
        ends = [silence.until if silence else now for silence in silences.values()]
        look = min((end for end in ends if end is not None), default=record.link.next_check_at)
        self._change_rules(replace(record, silences=after), look)
        return True

    def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        record = self._db.chat(chat_id)
        return record.known if record else {}

    def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        record = self._db.chat(chat_id)
        return record.sent if record else ()

    def link(self, link: Link, known: Mapping[int, KnownInvoice]) -> None:
        """Languages and preferences outlive an older link. Leases on the older one's checks and alerts are void."""
        chat_id = link.place.chat_id
        row = self._record(chat_id).chat
        record = ChatRecord(
            id=chat_id,
            chat=ChatRow(language=row.language, telegram_language=row.telegram_language, preferences=row.preferences),
            link=link_row(link, self._db.vault.seal_token(chat_id, link.token)),
            known=dict(known),
        )
        self._db.chats.void_check(chat_id)
        with self._db.change() as change:
            change.save_chat(record)

    def add_payer(self, chat_id: int, payer: Member) -> None:
        self._save_payers(chat_id, lambda payers: [*_without(payers, payer.id), payer])

    def remove_payer(self, chat_id: int, user_id: int) -> None:
        self._save_payers(chat_id, lambda payers: _without(payers, user_id))

    def everything(self, chat_id: int) -> Mapping[str, Any]:
        record = self._db.chat(chat_id) or ChatRecord(chat_id)
        content: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
        if content["link"]:
            del content["link"]["sealed_token"]
        accounts = self._db.payments.accounts_of_chat(chat_id)
        rows = [row for account in accounts for row in self._db.payments_of(account)]
        payments = [row.payment for row in rows if row.payment.place.chat_id == chat_id]
        return content | {"payments": msgspec.to_builtins(payments)}

    def unlink(self, chat_id: int) -> bool:
        record = self._db.chat(chat_id)
        with self._db.change() as change:
            self._desk.clear(change, chat_id)
            for account in self._db.payments.accounts_of_chat(chat_id):
                rows = self._db.payments_of(account)
                change.save_payments(account, [kept for row in rows if (kept := _without_chat(row, chat_id))])
            if record is not None:
                change.delete_chat(chat_id)
        return record is not None and record.link is not None

    def move_chat(self, old_id: int, new_id: int) -> None:
        """Of a chat that stands under the new id, what it has of its own stays; the link goes with what hangs on it."""
        if old_id == new_id:
            return
        old, new = self._db.chat(old_id), self._db.chat(new_id)
        with self._db.change() as change:
            for account in self._db.payments.accounts_of_chat(old_id):
                rows = [_moved_payment(row, old_id, new_id) for row in self._db.payments_of(account)]
                change.save_payments(account, rows)
            if old is not None:
                change.save_chat(self._merged(old, new, new_id))
                change.delete_chat(old_id)
                if new is None or new.link is None:
                    change.hand_on_alerts(old_id, new_id)

    def rest(self, chat_id: int, reason: str) -> None:
        record = self._db.chat(chat_id)
        if record is not None:
            self._save_row(record, replace(record.chat, resting=reason))

    def wake(self, chat_id: int, now: datetime) -> bool:
        record = self._db.chat(chat_id)
        if record is None or record.chat.resting is None:
            return False
        link = record.link and replace(record.link, next_check_at=now)
        alerts_at = max(now + CHECK_FIRST, record.chat.alerts_at or now)
        record = replace(record, chat=replace(record.chat, resting=None, alerts_at=alerts_at), link=link)
        self._db.chats.void_check(chat_id)
        with self._db.change() as change:
            change.save_chat(record)
        return True

    def waiting_alerts(self, chat_id: int) -> Waiting:
        record = self._db.chat(chat_id)
        states = [row.alert.state for row in record.alerts] if record else []
        aside = states.count(AlertState.SET_ASIDE)
        return Waiting(waiting=len(states) - aside, set_aside=aside)

    def _save_payers(self, chat_id: int, change_them: Callable[[tuple[Member, ...]], Iterable[Member]]) -> None:
        record = self._db.chat(chat_id)
        if record is not None and record.link is not None:
            link = replace(record.link, payers=tuple(change_them(record.link.payers)))
            with self._db.change() as change:
                change.save_chat(replace(record, link=link))

    def _record(self, chat_id: int) -> ChatRecord:
        return self._db.chat(chat_id) or ChatRecord(chat_id)

    def _change_rules(self, record: ChatRecord, look_at: datetime) -> None:
        """Save what reminders go by; a check under way went by something else, so its result is refused."""
        if record.link is not None:
            due = min(record.link.next_check_at, look_at)
            record = replace(record, link=replace(record.link, next_check_at=due))
            self._db.chats.void_check(record.id)
        with self._db.change() as change:
            change.save_chat(record)

    def _save_row(self, record: ChatRecord, row: ChatRow) -> None:
        if row != record.chat:
            with self._db.change() as change:
                change.save_chat(replace(record, chat=row))

    def _merged(self, old: ChatRecord, new: ChatRecord | None, new_id: int) -> ChatRecord:
        if new is None:
            return self._moved_link(old, ChatRecord(new_id, old.chat))
        row = replace(
            new.chat,
            language=new.chat.language or old.chat.language,
            telegram_language=new.chat.telegram_language or old.chat.telegram_language,
            alerts_at=new.chat.alerts_at or old.chat.alerts_at,
            preferences=new.chat.preferences or old.chat.preferences,
        )
        new = replace(new, chat=row)
        return new if new.link else self._moved_link(old, new)

    def _moved_link(self, old: ChatRecord, new: ChatRecord) -> ChatRecord:
        if old.link is None:
            return new
        token = self._db.vault.open_token(old.id, old.link.sealed_token)
        link = replace(
            old.link, place=_moved(old.link.place, new.id), sealed_token=self._db.vault.seal_token(new.id, token)
        )
        alerts = tuple(
            replace(row, alert=replace(row.alert, place=_moved(row.alert.place, new.id))) for row in old.alerts
        )
        sent = tuple(message.moved_to(new.id) for message in old.sent)
        return replace(new, link=link, known=old.known, alerts=alerts, silences=old.silences, sent=sent)


def _without(payers: Iterable[Member], user_id: int) -> list[Member]:
    return [payer for payer in payers if payer.id != user_id]


def _moved(place: Place, chat_id: int) -> Place:
    return replace(place, chat_id=chat_id)


def _moved_payment(row: PaymentRow, old_id: int, new_id: int) -> PaymentRow:
    place = row.payment.place
    if place.chat_id != old_id:
        return row
    # In its new chat the number of its message is that of another.
    return replace(row, payment=replace(row.payment, place=_moved(place, new_id), message_id=None))


def _without_chat(row: PaymentRow, chat_id: int) -> PaymentRow | None:
    """What is left of a payment once its chat is unlinked: one that is under way stays until its end was told."""
    if row.payment.place.chat_id != chat_id:
        return row
    return replace(row, forget=True) if row.unsettled else None
