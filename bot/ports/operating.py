"""What an operator looks at and does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.alerts import Alert
from bot.domain.chats import Trouble


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
