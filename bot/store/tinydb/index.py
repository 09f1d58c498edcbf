"""What is held in memory of the files: what is due when, which chat is linked to what, and where each payment lies."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class _AlertCount:
    """A chat's alerts: when the next message is due (None: none is, or the chat rests), and how many there are."""

    due: datetime | None
    waiting: int
    dead_letters: int


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
        self._counts: dict[int, _AlertCount] = {}

    def backlog(self, now: datetime) -> Backlog:
        """Return how far the work is behind. Looks through the chats that have alerts."""
        counts = self._counts.items()
        due = [count.due for chat_id, count in counts if count.due and not self.messages.is_leased(chat_id, now)]
        return Backlog(
            check_due_since=self.checks.due_since(now),
            message_due_since=min((at for at in due if at <= now), default=None),
            waiting=sum(count.waiting for _, count in counts),
            set_aside=sum(count.dead_letters for _, count in counts),
        )

    def keep_times(self, chat_id: int, times: CheckTimes | None) -> None:
        """Note check times that are newer than the chat's file. None: the file has the newest."""
        self.times.pop(chat_id, None)
        if times is not None:
            self.times[chat_id] = times

    def sync(self, chat_id: int, record: ChatRecord | None) -> None:
        """Bring the index in line with a chat's record (None: there is no such chat). Leases stay valid."""
        self._sync_link(chat_id, record)
        self._sync_count(chat_id, record)
        if record is None or record.next_alert is None:
            self.messages.drop(chat_id)
        elif record.chat.resting is not None:
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

    def _sync_count(self, chat_id: int, record: ChatRecord | None) -> None:
        if record is None or not record.alerts:
            self._counts.pop(chat_id, None)
            return
        row, dead_letters = record.next_alert, record.dead_letters
        due = max(row.alert.created_at, record.chat.next_message_at or row.alert.created_at) if row else None
        resting = record.chat.resting is not None
        self._counts[chat_id] = _AlertCount(None if resting else due, len(record.alerts) - dead_letters, dead_letters)


@dataclass(frozen=True, slots=True)
class _Entry:
    account: str
    chat_id: int
    unsettled: bool


class PaymentIndex:
    """Which account's file holds a payment, and which accounts have payments of a chat, or unsettled ones."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._ids: dict[str, tuple[str, ...]] = {}
        self._unsettled: set[str] = set()

    def sync(self, account: str, rows: Iterable[PaymentRow]) -> None:
        """Bring the index in line with an account's file."""
        for payment_id in self._ids.pop(account, ()):
            del self._entries[payment_id]
            self._unsettled.discard(payment_id)
        entries = {row.payment.id: _Entry(account, row.payment.place.chat_id, row.unsettled) for row in rows}
        self._entries.update(entries)
        self._unsettled.update(number for number, entry in entries.items() if entry.unsettled)
        if entries:
            self._ids[account] = tuple(entries)

    def account_of(self, payment_id: str) -> str | None:
        """Return the account whose file holds a payment."""
        entry = self._entries.get(payment_id)
        return entry.account if entry else None

    def accounts(self) -> list[str]:
        """Return the accounts that have payments."""
        return sorted(self._ids)

    def unsettled_accounts(self) -> list[str]:
        """Return the accounts that have unsettled payments."""
        return sorted({self._entries[payment_id].account for payment_id in self._unsettled})

    def accounts_of_chat(self, chat_id: int) -> list[str]:
        """Return the accounts that have payments of a chat. Looks through all: for what people do, not for ticks."""
        return sorted({entry.account for entry in self._entries.values() if entry.chat_id == chat_id})
