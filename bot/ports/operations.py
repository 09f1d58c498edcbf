"""What processes share, and what an operator sees and does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alerts import Alert
from bot.domain.chats import Trouble


@dataclass(frozen=True, slots=True)
class Lease:
    """A named lease, such as the one for polling Telegram. One process holds it at a time."""

    name: str
    fencing_token: int
    until: datetime


class LeaseStore(Protocol):
    """Leases, for work that only one process may do."""

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        """Take the lease, or renew your own under the same fencing token.

        Return None while another process holds it. An ended or returned lease is taken under a new fencing token. No
        lease had that token before. ``free_only``: don't take over an ended lease of another process. A lease that a
        wrong clock has taken lasts no longer than ``duration`` from now on.
        """

    async def give_back_lease(self, lease: Lease) -> bool:
        """End the lease early. Return False if another process has it."""


class TokenBucketStore(Protocol):
    """Rate limits that all processes share."""

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        """Take one token from a bucket. It refills by ``rate`` a second, up to ``burst``.

        Return 0.0, or the seconds to wait if nothing was taken. The bucket is stored as the instant at which it is
        full. So callers with a smaller burst leave the difference to those with a larger one. ``capacity`` is the
        largest burst of all callers, if it is not this one's. A bucket that a wrong clock has filled counts as empty.
        """


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What a store holds: linked ``chats``, how many of them rest, and how many of their alerts are dead letters.

    ``unreadable`` says of each chat and account that can't be read why not.
    """

    chats: int
    resting: int
    set_aside: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the work is behind its plan, over all chats.

    When the longest-overdue unclaimed check, and message, became due. None: none is. ``waiting`` alerts are to be
    delivered, now or later. ``set_aside`` counts the dead letters.
    """

    check_due_since: datetime | None
    message_due_since: datetime | None
    waiting: int
    set_aside: int


class BacklogStore(Protocol):
    """What an operator watches."""

    async def backlog(self, now: datetime) -> Backlog:
        """Return how far the work is behind. Raise :class:`bot.errors.StoreAway` where nothing can be stored."""

    async def newest_wait(self) -> datetime | None:
        """Return when the latest of the stored waits was set. None: there is none. In the future: by a wrong clock."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A stored chat as an operator sees it.

    ``account`` is None if the chat is not linked. ``waiting`` and ``set_aside`` count its alerts and dead letters.
    ``problem`` is why the chat, or its token, can't be read. Then the other fields may be empty.
    """

    chat_id: int
    account: str | None
    resting: str | None
    trouble: Trouble | None
    checked_at: datetime | None
    next_check_at: datetime | None
    waiting: int
    set_aside: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An alert of a chat. ``again``: an earlier try may have reached the person.

    Nothing is sent before ``not_before``. None: there is no wait.
    """

    chat_id: int
    alert: Alert
    again: bool
    not_before: datetime | None


class OperatorStore(Protocol):
    """What an operator sees and does on the command line, even while bots run."""

    async def overviews(self) -> Sequence[Overview]:
        """Return all stored chats, by their ids. Leave out those that can't be read."""

    async def overview(self, chat_id: int) -> Overview | None:
        """Return a stored chat. None: it is not stored.

        Raise :class:`bot.errors.StartError` if it can't be read.
        """

    async def forget(self, chat_id: int) -> bool:
        """Unlink a chat, even if it can't be read. Return False if it was not stored.

        Raise :class:`bot.errors.LinkInUse` while one of its payments is under way. Nothing is deleted then.
        """

    async def alerts(self) -> Sequence[WaitingAlert]:
        """Return all alerts, by chat, the oldest first. Leave out chats that can't be read."""

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        """Send these at once, dead letters too. Return how many. Alerts being sent are left out."""

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        """Drop these, except those being sent. Return how many."""
