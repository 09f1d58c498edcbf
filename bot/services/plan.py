"""When to check, and by which calendar to remind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.reminders import Schedule


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """``interval`` lies between two checks of a chat; ``zone`` is the one whose days the provider's due dates are."""

    interval: timedelta
    zone: ZoneInfo
    schedule: Schedule = field(default_factory=Schedule)

    def after(self, now: datetime, at_least: float = 0) -> datetime:
        """The next check, no sooner than ``at_least`` seconds from now."""
        return now + max(self.interval, timedelta(seconds=at_least))
