"""When to check, and by which calendar to remind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.reminders import Schedule

LONGEST_PAUSE = timedelta(hours=1)
"""However long the provider asks to be left alone: reminders come with the checks, so those can't stop for it."""


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """``interval`` lies between two checks of a chat; ``zone`` is the one whose days the provider's due dates are."""

    interval: timedelta
    zone: ZoneInfo
    schedule: Schedule = field(default_factory=Schedule)

    def after(self, now: datetime, at_least: float = 0) -> datetime:
        """The next check, no sooner than ``at_least`` seconds from now, as far as the longest pause allows."""
        pause = timedelta(seconds=min(at_least, LONGEST_PAUSE.total_seconds()))
        return now + max(self.interval, pause)
