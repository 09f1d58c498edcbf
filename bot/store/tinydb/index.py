"""What is held in memory of the files: what is due when, which chat is linked to what, and where each payment lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.ports import Backlog
from bot.store.rules.records import ALWAYS_DUE, ChatRecord, PaymentRow
from bot.store.tinydb.leases import LeaseQueue
from bot.store.vault import key_id_of


@dataclass(frozen=True, slots=True)
class CheckTimes:
    """When a chat was last checked and is next, where that is newer than its file: not worth a write of its own.

    ``saved_at`` is the ``checked_at`` that the file has.
    """

    checked_at: datetime
    next_check_at: datetime
    saved_at: datetime


class ChatIndex:
    """The queues of due checks and due messages, by chat. Leases live here only, so a dead process's are void.

    ``first_key`` is the id of the key that tokens are sealed with.
    """

    def __init__(self, first_key: str) -> None:
        self.checks: LeaseQueue[int] = LeaseQueue()
        self.messages: LeaseQueue[int] = LeaseQueue()
        self.times: dict[int, CheckTimes] = {}
        self.accounts: dict[int, str] = {}
        self.other_keys: dict[int, str] = {}
        """Chats whose token another key has sealed."""
        self._first_key = first_key
        self._alerts: dict[int, tuple[datetime | None, int, int]] = {}
        """When the next message is due (None: none is, or the chat rests), alerts that wait, and dead letters."""

    def backlog(self, now: datetime) -> Backlog:
        """Return how far the work is behind. Looks through the chats that have alerts."""
        alerts = self._alerts.items()
        due = [at for chat_id, (at, _, _) in alerts if at and at <= now and not self.messages.is_leased(chat_id, now)]
        return Backlog(
            check_due_since=self.checks.due_since(now),
            message_due_since=min(due, default=None),
            waiting=sum(waiting for _, (_, waiting, _) in alerts),
            set_aside=sum(dead_letters for _, (_, _, dead_letters) in alerts),
        )

    def keep_times(self, chat_id: int, times: CheckTimes | None) -> None:
        """Note check times that are newer than the chat's file. None: the file has the newest."""
        self.times.pop(chat_id, None)
        if times is not None:
            self.times[chat_id] = times

    def sync(self, chat_id: int, record: ChatRecord | None) -> None:
        """Bring the index in line with a chat's record (None: there is no such chat). Leases stay valid."""
        self._sync_link(chat_id, record)
        self._alerts.pop(chat_id, None)
        resting, first = record is not None and record.chat.resting is not None, record and record.next_alert
        if record is not None and record.alerts:
            at = record.chat.next_message_at
            due = max(first.alert.created_at, at or first.alert.created_at) if first and not resting else None
            self._alerts[chat_id] = due, len(record.alerts) - record.dead_letters, record.dead_letters
        if record is None or first is None:
            self.messages.drop(chat_id)
        elif resting:
            self.messages.pause(chat_id)
        else:
            self.messages.put(chat_id, record.chat.next_message_at or ALWAYS_DUE)

    def _sync_link(self, chat_id: int, record: ChatRecord | None) -> None:
        self.other_keys.pop(chat_id, None)
        if record is None or record.link is None:
            self.times.pop(chat_id, None)
            self.accounts.pop(chat_id, None)
            self.checks.drop(chat_id)
            return
        self.accounts[chat_id] = record.link.account
        if (key_id := key_id_of(record.link.sealed_token)) != self._first_key:
            self.other_keys[chat_id] = key_id
        if record.chat.resting is not None:
            self.checks.pause(chat_id)
        else:
            self.checks.put(chat_id, record.link.next_check_at)


@dataclass(frozen=True, slots=True)
class _AccountFile:
    payment_ids: tuple[str, ...]
    chat_ids: frozenset[int]
    unsettled: bool


class PaymentIndex:
    """Which account's file holds a payment, and which accounts have payments of a chat, or unsettled ones."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        """By the ids of the payments."""
        self._files: dict[str, _AccountFile] = {}

    def sync(self, account: str, rows: Sequence[PaymentRow]) -> None:
        """Bring the index in line with an account's file."""
        if old := self._files.pop(account, None):
            for payment_id in old.payment_ids:
                del self.accounts[payment_id]
        if rows:
            ids, chats = tuple(row.payment.id for row in rows), frozenset(row.payment.place.chat_id for row in rows)
            self._files[account] = _AccountFile(ids, chats, any(row.unsettled for row in rows))
            self.accounts.update(dict.fromkeys(ids, account))

    def find(self, *, chat_id: int | None = None, unsettled: bool = False) -> list[str]:
        """Return all accounts, or those with payments of a chat, or with unsettled ones. Looks through all."""
        return sorted(
            account
            for account, file in self._files.items()
            if (chat_id is None or chat_id in file.chat_ids) and (file.unsettled or not unsettled)
        )
