"""What processes share, and what an operator sees and does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alerts import Alert
from bot.domain.chats import Trouble
from bot.ports.work import ChatStore, CheckStore, Outbox, PaymentStore, PendingStore


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
class Contents:
    """What a store holds: linked ``chats``, how many of them rest, and how many alerts were set aside."""

    chats: int
    resting: int
    set_aside: int


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


@dataclass(frozen=True, slots=True)
class Overview:
    """A stored chat as an operator sees it: its account (None: not linked), how it goes, and its alerts by number."""

    chat_id: int
    account: str | None
    resting: str | None
    trouble: Trouble | None
    checked_at: datetime | None
    next_check_at: datetime | None
    waiting: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An alert of a chat; ``again`` if a try of it may have reached the person. None is sent before ``not_before``."""

    chat_id: int
    alert: Alert
    again: bool
    not_before: datetime | None


class OperatorStore(Protocol):
    """What an operator looks at and does by the command line, also while bots run."""

    async def overviews(self) -> Sequence[Overview]:
        """All stored chats, by their ids."""

    async def overview(self, chat_id: int) -> Overview | None:
        """A stored chat. Raises :class:`bot.errors.StartError` for one that can't be read."""

    async def forget(self, chat_id: int) -> bool:
        """Unlink a chat, also one that can't be read; False: it was not stored.

        Raises :class:`bot.errors.LinkInUse` while a payment of it is under way; nothing was deleted then.
        """

    async def alerts(self) -> Sequence[WaitingAlert]:
        """All alerts, by chat, the oldest first."""

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        """Let these be sent at once, also those that were set aside. Gives how many; one being sent is not among."""

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        """Throw these away. Gives how many; one being sent stays."""


class Store(
    ChatStore,
    CheckStore,
    Outbox,
    PaymentStore,
    PendingStore,
    LeaseStore,
    TokenBucketStore,
    BacklogStore,
    OperatorStore,
    Protocol,
):
    """All of it, as one store implements it."""

    async def close(self) -> None: ...
