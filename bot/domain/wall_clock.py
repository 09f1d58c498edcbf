"""A chat's wall clock: its reminder days, quiet hours and weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.domain.chats import Preferences
from bot.domain.due_days import DAYS_PER_WEEK

DAY = timedelta(days=1)

INSTANTS_KEPT = 4096
"""Of how many hours of a zone's wall clock the instant is remembered. Converting is slow, and the same come again."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """The clock by which a chat is told something. ``provider_zone`` is the time zone of the due dates."""

    preferences: Preferences
    provider_zone: tzinfo

    @property
    def zone(self) -> tzinfo:
        """The chat's time zone."""
        name = self.preferences.zone
        return self.provider_zone if name is None else ZoneInfo(name)

    # --- Quiet hours ---

    def is_quiet(self, now: datetime) -> bool:
        """Return whether nothing may ring or appear at this instant."""
        quiet = self.preferences.quiet
        return quiet is not None and now.astimezone(self.zone).hour in quiet

    def quiet_end(self, now: datetime) -> datetime:
        """Return the first instant from ``now`` on that is not quiet."""
        quiet = self.preferences.quiet
        if quiet is None or not self.is_quiet(now):
            return now
        today = now.astimezone(self.zone).date()
        # In a night of a clock change the hour may be skipped or come twice: then the first later instant counts.
        ends = (self._instant(today + n * DAY, quiet.end) for n in (0, 1, 2))
        return next(end for end in ends if end > now and not self.is_quiet(end))

    # --- Days and weeks ---

    def today(self, now: datetime) -> date:
        """Return the reminder day. It begins at the chat's reminder hour, not at midnight when people sleep."""
        return _reminder_day(now.astimezone(UTC), self.zone, self.preferences.reminder_hour)

    def week(self, now: datetime) -> date:
        """Return the Monday of the reminder day's week."""
        day = self.today(now)
        return day - day.weekday() * DAY

    def next_week(self, now: datetime) -> datetime:
        """Return when the next week's digest is due."""
        return self._instant(self.week(now) + DAYS_PER_WEEK * DAY, self.preferences.reminder_hour)

    # --- What people choose ---

    def morning(self, now: datetime, days: int) -> datetime:
        """Return the reminder hour of the calendar day that comes ``days`` after that of ``now``."""
        return self.morning_of(now.astimezone(self.zone).date() + days * DAY)

    def next_morning(self, now: datetime) -> datetime:
        """Return the first reminder hour after ``now``."""
        return next(at for days in (0, 1) if (at := self.morning(now, days)) > now)

    def morning_of(self, day: date) -> datetime:
        """Return the reminder hour of a day."""
        return self._instant(day, self.preferences.reminder_hour)

    def _instant(self, day: date, hour: int) -> datetime:
        """Return a full hour of the wall clock. If a clock change skips it, return the one after the gap."""
        return instant_in(self.zone, day, hour)


@lru_cache(INSTANTS_KEPT)
def instant_in(zone: tzinfo, day: date, hour: int) -> datetime:
    """Return a full hour of a zone's wall clock. If a clock change skips it, return the one after the gap."""
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


@lru_cache(INSTANTS_KEPT)
def _reminder_day(now: datetime, zone: tzinfo, hour: int) -> date:
    """Return the reminder day. ``now`` is in UTC: elsewhere, two instants of a clock change would be the same."""
    day = now.astimezone(zone).date()
    return day if now >= instant_in(zone, day, hour) else day - DAY
