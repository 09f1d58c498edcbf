"""What several processes share: roles, budgets, and how far the work is behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """A named role that one process holds at a time, such as the polling of Telegram."""

    name: str
    fencing_token: int
    until: datetime


class LeaseStore(Protocol):
    """Who of several processes does what only one may do."""

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        """Take the lease, or prolong one's own (its epoch stays); None while another holder has it.

        One that has ended, or was given back, is taken with an epoch that was never used before. With ``free_only``
        one that has ended stays its holder's.
        """

    async def give_back_lease(self, lease: Lease) -> bool:
        """End it early; False: another has it by now."""


class TokenBucketStore(Protocol):
    """What all processes together may ask of somebody."""

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int) -> float:
        """Take one from a budget that refills by ``rate`` a second up to ``burst``.

        Gives 0.0, or the seconds until the next try: nothing was taken then. What is kept is the instant at which the
        budget is full again, so callers with a smaller burst leave the difference to those with a larger one.
        """


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the work is behind its plan, over all chats.

    Since when the check (and the message of alerts) that is due the longest, and that nobody has in hand, has been
    due; None where nothing is. ``waiting`` alerts are to be delivered, now or later; others were ``set_aside``.
    """

    check_due_since: datetime | None
    message_due_since: datetime | None
    waiting: int
    set_aside: int


class BacklogStore(Protocol):
    """What an operator watches."""

    async def backlog(self, now: datetime) -> Backlog: ...
