"""When a chat is checked, and when it is told something: reminder days, morning hour, quiet hours, weeks.

Due dates are days of the provider's calendar; sending times are the chat's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.domain.chats import Chat
from bot.domain.preferences import Preferences

DAY = timedelta(days=1)
WEEK = 7
COUNTS_AS_REMINDER_WITHIN = timedelta(hours=3)
"""How long before the reminder hour something may be told that needs no reminder at that hour any more."""

LONGEST_HOLIDAYS = 30
"""How many days are looked back at the most for a banking day: no holidays last longer."""

IsBankingDay = Callable[[date], bool]
"""Whether banks work on a day; None where nobody asked for banking days."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One chat's calendar. ``provider_zone`` is the one whose days due dates are."""

    preferences: Preferences
    provider_zone: tzinfo
    is_banking_day: IsBankingDay | None = None

    @property
    def zone(self) -> tzinfo:
        """The chat's time zone."""
        name = self.preferences.zone
        return self.provider_zone if name is None else ZoneInfo(name)

    # --- Quiet hours ---

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing may ring or appear at this instant."""
        quiet = self.preferences.quiet
        return quiet is not None and now.astimezone(self.zone).hour in quiet

    def quiet_end(self, now: datetime) -> datetime:
        """The first instant from ``now`` on that is not quiet."""
        quiet = self.preferences.quiet
        if quiet is None or not self.is_quiet(now):
            return now
        today = now.astimezone(self.zone).date()
        # In a night of a clock change the hour may be skipped or come twice: then the first later instant counts.
        ends = (self._instant(today + n * DAY, quiet.end) for n in (0, 1, 2))
        return next(end for end in ends if end > now and not self.is_quiet(end))

    # --- Reminder days ---

    def today(self, now: datetime) -> date:
        """The day whose reminders have come: it begins at the chat's hour, not at midnight when people sleep."""
        day = now.astimezone(self.zone).date()
        return day if now >= self._instant(day, self.preferences.reminder_hour) else day - DAY

    def stands_for(self, now: datetime) -> datetime:
        """The instant whose reminders a message of now makes unnecessary.

        That is when it can be read, after the quiet hours; or the reminder hour of that day, if it comes soon after.
        """
        read = self.quiet_end(now)
        hour = self.morning(read, 0)
        return hour if read < hour <= read + COUNTS_AS_REMINDER_WITHIN else read

    def days_left(self, due: date, now: datetime) -> int:
        """Days from the reminder day until the due date; negative only once it is over at the provider too."""
        days = (due - self.today(now)).days
        return days if self.is_over(due, now) else max(days, 0)

    def is_over(self, due: date, now: datetime) -> bool:
        """Whether the due date has gone by where it counts: at the provider."""
        return is_over(due, self.provider_zone, now)

    def reached(self, due: date, now: datetime) -> int | None:
        """The latest threshold that was reached, as days before the due date (negative: after it), or None."""
        days = self.days_left(due, now)
        return min((t for t in self._thresholds(due, days) if t >= days), default=None)

    def next_reminder(self, due: date, now: datetime, told: int | None = None) -> datetime | None:
        """When the next threshold, beyond the one that was ``told``, will be reached; None where there is none left."""
        days = self.days_left(due, now)
        beyond = days if told is None else min(days, told)
        coming = max((t for t in self._thresholds(due, beyond) if t < beyond), default=None)
        return None if coming is None else self._reached_at(due, coming)

    def _thresholds(self, due: date, days: int) -> set[int]:
        """All thresholds of a due date, down to the first one beyond ``days``."""
        chosen = self.preferences
        thresholds = {*chosen.before, *(-late for late in chosen.after)}
        if chosen.before and self.is_banking_day is not None:
            early = _days_to_banking_day(due, self.is_banking_day)
            thresholds |= {early} if early else set()
        if chosen.after:
            last = -max(chosen.after)
            weeks = max(0, (last - days) // WEEK)
            thresholds |= {last - WEEK * weeks, last - WEEK * (weeks + 1)}
        return thresholds

    def _reached_at(self, due: date, threshold: int) -> datetime:
        at = self._instant(due - threshold * DAY, self.preferences.reminder_hour)
        return at if threshold >= 0 else max(at, _over_at(due, self.provider_zone))

    # --- Weeks ---

    def week(self, now: datetime) -> date:
        """The Monday of the reminder day's week."""
        day = self.today(now)
        return day - day.weekday() * DAY

    def next_week(self, now: datetime) -> datetime:
        """When the next week's digest comes."""
        return self._instant(self.week(now) + WEEK * DAY, self.preferences.reminder_hour)

    # --- What people choose ---

    def morning(self, now: datetime, days: int) -> datetime:
        """The chat's hour, so many days after this calendar day."""
        return self.morning_of(now.astimezone(self.zone).date() + days * DAY)

    def morning_of(self, day: date) -> datetime:
        """The chat's hour of a day."""
        return self._instant(day, self.preferences.reminder_hour)

    def _instant(self, day: date, hour: int) -> datetime:
        """A full hour of the wall clock; one that a clock change skips comes when the clock has passed it."""
        return datetime.combine(day, time(hour), self.zone).astimezone(UTC)


def is_over(due: date, provider_zone: tzinfo, now: datetime) -> bool:
    """Return whether a due date has gone by where it counts: at the provider."""
    return now >= _over_at(due, provider_zone)


def _over_at(due: date, provider_zone: tzinfo) -> datetime:
    """Return the midnight that ends the due date."""
    return datetime.combine(due + DAY, time(), provider_zone).astimezone(UTC)


def _days_to_banking_day(due: date, is_banking_day: IsBankingDay) -> int:
    """How many days before the due date its last banking day is; 0 if it is one itself."""
    return next((n for n in range(LONGEST_HOLIDAYS) if is_banking_day(due - n * DAY)), 0)


LONGEST_PROVIDER_PAUSE = timedelta(hours=1)
"""However long the provider asks to be left alone: reminders come with the checks, so those can't stop for it."""

SHORTEST_PAUSE = timedelta(seconds=1)


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
        pause = timedelta(seconds=min(at_least, LONGEST_PROVIDER_PAUSE.total_seconds()))
        regular = now + self.interval
        return max(regular if look is None else min(regular, look), now + max(pause, SHORTEST_PAUSE))
