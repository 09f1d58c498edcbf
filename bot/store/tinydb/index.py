"""What is held in memory: when each chat's next check and next alert are due, and where each payment lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.alerts import AlertState
from bot.ports import Backlog
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.tinydb.queue import AT_ONCE, LeaseQueue


@dataclass(frozen=True, slots=True)
class Fresh:
    """When a chat was last checked and is next, where that is newer than its file: not worth a write of its own.

    ``saved_at`` is the ``checked_at`` that the file has.
    """

    checked_at: datetime
    next_check_at: datetime
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Pile:
    """A chat's alerts: when the next message is due (None: none is, or the chat rests), and how many are there."""

    due: datetime | None
    waiting: int
    set_aside: int


class ChatState:
    """The queues of due checks and of due alerts, by chat. Leases live here only: a dead process's are void."""

    def __init__(self) -> None:
        self.checks: LeaseQueue[int] = LeaseQueue()
        self.alerts: LeaseQueue[int] = LeaseQueue()
        self.fresh: dict[int, Fresh] = {}
        self._accounts: dict[int, str] = {}
        self._piles: dict[int, Pile] = {}

    def backlog(self, now: datetime) -> Backlog:
        """How far the work is behind. Looks through the chats that have alerts."""
        piles = self._piles.items()
        due = [pile.due for chat_id, pile in piles if pile.due and not self.alerts.is_leased(chat_id, now)]
        return Backlog(
            check_due_since=self.checks.due_since(now),
            message_due_since=min((at for at in due if at <= now), default=None),
            waiting=sum(pile.waiting for _, pile in piles),
            set_aside=sum(pile.set_aside for _, pile in piles),
        )

    def chats_of(self, account: str) -> list[int]:
        """The chats that are linked to an account. Looks through all: it is for what people do, not for ticks."""
        return [chat_id for chat_id, linked in self._accounts.items() if linked == account]

    def sync(self, chat_id: int, record: ChatRecord | None) -> None:
        """Bring the queues in line with a chat's record (None: there is no such chat); leases stay valid."""
        if record is None or record.link is None:
            self.fresh.pop(chat_id, None)
            self._accounts.pop(chat_id, None)
            self.checks.drop(chat_id)
        elif record.chat.resting is not None:
            self.checks.pause(chat_id)
        else:
            self.checks.put(chat_id, record.link.next_check_at)
        if record is not None and record.link is not None:
            self._accounts[chat_id] = record.link.account
        self._sync_pile(chat_id, record)
        if record is None or record.next_alert is None:
            self.alerts.drop(chat_id)
        elif record.chat.resting is not None:
            self.alerts.pause(chat_id)
        else:
            self.alerts.put(chat_id, record.chat.next_message_at or AT_ONCE)

    def _sync_pile(self, chat_id: int, record: ChatRecord | None) -> None:
        if record is None or not record.alerts:
            self._piles.pop(chat_id, None)
            return
        row = record.next_alert
        due = max(row.alert.created_at, record.chat.next_message_at or row.alert.created_at) if row else None
        set_aside = sum(row.alert.state is AlertState.DEAD_LETTER for row in record.alerts)
        resting = record.chat.resting is not None
        self._piles[chat_id] = Pile(None if resting else due, len(record.alerts) - set_aside, set_aside)

    def void_check(self, chat_id: int) -> None:
        """Refuse what a check that is under way will report: what it goes by is about to change."""
        self.checks.release(chat_id)
        self.fresh.pop(chat_id, None)


@dataclass(frozen=True, slots=True)
class _Entry:
    account: str
    chat_id: int
    unsettled: bool


class PaymentState:
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
        """The account whose file holds a payment."""
        entry = self._entries.get(payment_id)
        return entry.account if entry else None

    def unsettled_accounts(self) -> list[str]:
        """The accounts that have unsettled payments."""
        return sorted({self._entries[payment_id].account for payment_id in self._unsettled})

    def accounts_of_chat(self, chat_id: int) -> list[str]:
        """The accounts that have payments of a chat. Looks through all: it is for unlinking and moving only."""
        return sorted({entry.account for entry in self._entries.values() if entry.chat_id == chat_id})
