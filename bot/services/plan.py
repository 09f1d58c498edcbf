"""When to check, and by which calendar to remind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.chats import Chat
from bot.domain.preferences import Preferences
from bot.domain.schedule import IsBankingDay, Schedule

LONGEST_PAUSE = timedelta(hours=1)
"""However long the provider asks to be left alone: reminders come with the checks, so those can't stop for it."""

SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """``interval`` lies between two checks of a chat; ``zone`` is the one whose days the provider's due dates are.

    ``defaults`` are the preferences of chats that have chosen none.
    """

    interval: timedelta
    zone: ZoneInfo
    defaults: Preferences = field(default_factory=Preferences)
    is_banking_day: IsBankingDay | None = None

    def preferences(self, chat: Chat) -> Preferences:
        """What a chat has chosen, or what holds where it has not."""
        return chat.preferences or self.defaults

    def schedule(self, chat: Chat) -> Schedule:
        """A chat's calendar."""
        return Schedule(self.preferences(chat), self.zone, self.is_banking_day)

    def after(self, now: datetime, at_least: float = 0, look: datetime | None = None) -> datetime:
        """The next check: after the interval, or for a ``look`` that there will be something to tell.

        It is no sooner than ``at_least`` seconds from now, as far as the longest pause allows.
        """
        pause = timedelta(seconds=min(at_least, LONGEST_PAUSE.total_seconds()))
        regular = now + self.interval
        return max(regular if look is None else min(regular, look), now + max(pause, SOON))
