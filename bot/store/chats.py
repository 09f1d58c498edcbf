"""Chats and their links, in the store's thread. The promises are those of :class:`bot.ports.ChatStore`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Silence
from bot.domain.preferences import Preferences
from bot.ports import Waiting
from bot.store.database import Database
from bot.store.desk import Desk
from bot.store.rules.chats import (
    can_be_accepted,
    everything_in,
    merged,
    preferring,
    relinked,
    silenced,
    waiting_in,
    with_payer,
    without_payer,
    woken,
)
from bot.store.rules.payments import given_up, moved_payment, without_chat
from bot.store.rules.records import ChatRecord, PaymentRow, chat_of


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
        self._save(record, replace(record, chat=replace(record.chat, language=language)))

    def note_telegram_language(self, chat_id: int, language: str) -> None:
        self._change(chat_id, lambda record: replace(record, chat=replace(record.chat, telegram_language=language)))

    def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        record = self._record(chat_id)
        row = replace(record.chat, awaiting_token_until=until, awaiting_for=invitation)
        self._save(record, replace(record, chat=row))

    def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        record = self._record(chat_id)
        new = preferring(record, preferences, now)
        if new is not record:
            self._save_voiding(new)

    def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        record = self._db.chat(chat_id)
        new = record and silenced(record, account, silences, now)
        if new is None:
            return False
        self._save_voiding(new)
        return True

    def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        record = self._db.chat(chat_id)
        return record.known if record else {}

    def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        record = self._db.chat(chat_id)
        return record.sent if record else ()

    def link(self, link: Link, known: Mapping[int, KnownInvoice], invitation_id: str | None = None) -> bool:
        """Leases on the older link's checks and alerts are void."""
        chat_id = link.place.chat_id
        record = self._record(chat_id)
        if invitation_id is not None and not can_be_accepted(record, self._desk.invitation(invitation_id)):
            return False
        others = [account for account in self._db.payments.accounts_of_chat(chat_id) if account != link.account]
        left = {account: [given_up(row, chat_id) for row in self._db.payments_of(account)] for account in others}
        self._db.chats.void_check(chat_id)
        with self._db.change() as change:
            if invitation_id is not None:
                self._desk.use_up(change, invitation_id)
            for account, rows in left.items():
                change.save_payments(account, [row for row in rows if row is not None])
            change.save_chat(relinked(record, link, known, self._db.vault))
        return True

    def add_payer(self, chat_id: int, payer: Member) -> None:
        self._change(chat_id, lambda record: with_payer(record, payer))

    def remove_payer(self, chat_id: int, user_id: int) -> None:
        self._change(chat_id, lambda record: without_payer(record, user_id))

    def everything(self, chat_id: int) -> Mapping[str, Any]:
        rows = [row for account in self._db.payments.accounts_of_chat(chat_id) for row in self._db.payments_of(account)]
        return everything_in(self._record(chat_id), rows)

    def unlink(self, chat_id: int) -> bool:
        record = self._db.chat(chat_id)
        self._delete_all(chat_id, without_chat)
        return record is not None and record.link is not None

    def forget(self, chat_id: int) -> bool:
        was_there = self._db.chat(chat_id) is not None
        self._delete_all(chat_id, given_up)
        return was_there

    def move_chat(self, old_id: int, new_id: int) -> None:
        if old_id == new_id:
            return
        old, new = self._db.chat(old_id), self._db.chat(new_id)
        with self._db.change() as change:
            for account in self._db.payments.accounts_of_chat(old_id):
                rows = [moved_payment(row, old_id, new_id) for row in self._db.payments_of(account)]
                change.save_payments(account, rows)
            if old is not None:
                change.save_chat(merged(old, new, new_id, self._db.vault))
                change.delete_chat(old_id)
                if new is None or new.link is None:
                    change.hand_on_alerts(old_id, new_id)

    def rest(self, chat_id: int, reason: str) -> None:
        self._change(chat_id, lambda record: replace(record, chat=replace(record.chat, resting=reason)))

    def wake(self, chat_id: int, now: datetime) -> bool:
        record = self._db.chat(chat_id)
        new = record and woken(record, now)
        if new is None:
            return False
        self._save_voiding(new)
        return True

    def waiting_alerts(self, chat_id: int) -> Waiting:
        return waiting_in(self._record(chat_id))

    def _delete_all(self, chat_id: int, change_payment: Callable[[PaymentRow, int], PaymentRow | None]) -> None:
        with self._db.change() as change:
            self._desk.clear(change, chat_id)
            for account in self._db.payments.accounts_of_chat(chat_id):
                rows = self._db.payments_of(account)
                change.save_payments(account, [kept for row in rows if (kept := change_payment(row, chat_id))])
            if self._db.chat(chat_id) is not None:
                change.delete_chat(chat_id)

    def _record(self, chat_id: int) -> ChatRecord:
        return self._db.chat(chat_id) or ChatRecord(chat_id)

    def _change(self, chat_id: int, change_it: Callable[[ChatRecord], ChatRecord]) -> None:
        """Change a chat, if it is stored."""
        record = self._db.chat(chat_id)
        if record is not None:
            self._save(record, change_it(record))

    def _save(self, old: ChatRecord, new: ChatRecord) -> None:
        if new != old:
            with self._db.change() as change:
                change.save_chat(new)

    def _save_voiding(self, record: ChatRecord) -> None:
        """Save what reminders go by; a check under way went by something else, so its result is refused."""
        self._db.chats.void_check(record.id)
        with self._db.change() as change:
            change.save_chat(record)
