"""The queue of due checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Watch


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a piece of work. A write under a claim whose lease was taken over (another epoch) is refused."""

    key: str
    fencing_token: int


@dataclass(frozen=True, slots=True)
class Check:
    """A chat whose check is due: the chat (its ``link`` is set), what it knows, and its messages of what is open."""

    claim: Claim
    chat: Chat
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to, saved in one transaction; it replaces what the chat knew."""

    known: Mapping[int, KnownInvoice]
    alerts: Sequence[Alert]
    watch: Watch
    next_check_at: datetime


class CheckStore(Protocol):
    """The queue of due checks."""

    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        """Up to ``limit`` linked, not resting chats whose check is due, the longest due first."""

    async def claim_check(self, chat_id: int, now: datetime, lease: timedelta) -> Check | None:
        """The check of this chat, due or not; None where it has no link, rests, or is being checked right now."""

    async def hasten_checks(self, account: str, now: datetime) -> None:
        """Let the checks of all chats of an account be due now, as something has happened there.

        One that is under way is void: it may have read how things stood before. A crash may undo this.
        """

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        """Save what a check found, in one transaction; False: the claim was lost, nothing was written.

        A new alert takes the place of one about the same subject that waits or was set aside, as
        :func:`bot.domain.alerts.taking_the_place_of` says: only the newest says how things stand. One that was set
        aside leaves too once its invoice is closed, or the account's trouble is over. Silences go when they ended with
        a reminder, and with their invoices once no alert about those waits.
        """

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        """Give the claim back without a result."""
