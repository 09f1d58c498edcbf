"""When a chat is checked, and when it is told something: reminder days, reminder hour, quiet hours, weeks.

Due dates are days in the provider's time zone; a chat is told in its own. A threshold says on which day a reminder
comes, as the number of days before the due date; it is negative after that date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat, Link, Preferences, Watch
from bot.domain.provider_calendar import EVENING, LONGEST_HOLIDAYS, IsBankingDay, ProviderCalendar
from bot.domain.waits import LONG_AGO

DAY = timedelta(days=1)
DAYS_PER_WEEK = 7
COUNTS_AS_REMINDER_WITHIN = timedelta(hours=3)
"""A message that can be read so shortly before the reminder hour counts as the reminder of that hour."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One chat's calendar. ``provider_zone`` is the time zone of the due dates.

    ``calendar`` holds the days that are always announced, whatever was chosen. They depend on the types of an invoice's
    items.
    """

    preferences: Preferences
    provider_zone: tzinfo
    is_banking_day: IsBankingDay | None = None
    calendar: ProviderCalendar = field(default_factory=ProviderCalendar)

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

    # --- Reminder days ---

    def today(self, now: datetime) -> date:
        """Return the reminder day. It begins at the chat's reminder hour, not at midnight when people sleep."""
        day = now.astimezone(self.zone).date()
        return day if now >= self._instant(day, self.preferences.reminder_hour) else day - DAY

    def days_left(self, due: date, now: datetime) -> int:
        """Return the days from the reminder day to the due date. Negative only once it is over at the provider too."""
        days = (due - self.today(now)).days
        return days if is_over(due, self.provider_zone, now) else max(days, 0)

    def reached(self, due: date, now: datetime, types: Collection[str] = ()) -> int | None:
        """Return the latest threshold that was reached, or None."""
        days = self.days_left(due, now)
        thresholds = self._thresholds(due, days) | self.warnings(due, types)
        return min((t for t in thresholds if t >= days), default=None)

    def next_reminder(
        self, due: date, now: datetime, told: int | None = None, types: Collection[str] = ()
    ) -> datetime | None:
        """Return when the next threshold after ``told`` will be reached, or None if none is left."""
        beyond = self._beyond(due, now, told)
        return self._next_of(due, beyond, self._thresholds(due, beyond) | self.warnings(due, types))

    def covers_until(self, now: datetime) -> datetime:
        """Return the instant up to which a message of ``now`` makes reminders unnecessary.

        The message can be read after the quiet hours. It also covers the reminder hour of that day if that comes soon.
        """
        read = self.quiet_end(now)
        hour = self.morning(read, 0)
        return hour if read < hour <= read + COUNTS_AS_REMINDER_WITHIN else read

    def _thresholds(self, due: date, days: int) -> set[int]:
        """Return all thresholds of a due date, down to the first one below ``days``."""
        chosen = self.preferences
        thresholds = {*chosen.before, *(-late for late in chosen.after)}
        if chosen.before and self.is_banking_day is not None:
            early = _days_to_banking_day(due, self.is_banking_day)
            thresholds |= {early} if early else set()
        thresholds |= self._transfer_thresholds(due)
        if chosen.after:  # weekly from the last one on
            last = -max(chosen.after)
            weeks = max(0, (last - days) // DAYS_PER_WEEK)
            thresholds |= {last - DAYS_PER_WEEK * weeks, last - DAYS_PER_WEEK * (weeks + 1)}
        return thresholds

    def is_for_transfer(self, due: date, threshold: int | None) -> bool:
        """Return whether a threshold is reached only because a transfer would soon be too late."""
        chosen = replace(self.preferences, transfer=False)
        others = replace(self, preferences=chosen)._thresholds(due, threshold or 0)  # noqa: SLF001  # its own
        return threshold in self._transfer_thresholds(due) - others

    def _transfer_thresholds(self, due: date) -> set[int]:
        """Return the threshold of the day before the last one for a transfer, if it is wanted."""
        last = self.calendar.last_transfer_day(due) if self.preferences.transfer else None
        return set() if last is None else {(due - last).days + 1}

    def _beyond(self, due: date, now: datetime, told: int | None) -> int:
        days = self.days_left(due, now)
        return days if told is None else min(days, told)

    def _next_of(self, due: date, beyond: int, thresholds: Iterable[int]) -> datetime | None:
        coming = max((t for t in thresholds if t < beyond), default=None)
        return None if coming is None else self._reached_at(due, coming)

    def _reached_at(self, due: date, threshold: int) -> datetime:
        at = self._instant(due - threshold * DAY, self.preferences.reminder_hour)
        return at if threshold >= 0 else max(at, _over_at(due, self.provider_zone))

    # --- Warnings ---

    def warnings(self, due: date, types: Collection[str]) -> frozenset[int]:
        """Return the thresholds that are announced whatever was chosen.

        A last day is announced twice. Where a chat's reminder hour comes after the provider's evening has begun, that
        is on the day before and in the evening; where no evening warning follows, on the day before and on the day.
        """
        last_days = self.calendar.last_days(due, types)
        days = {*self.calendar.warning_days(due, types)} - {*last_days}
        for day in last_days:
            first = day - DAY if self._reminder_of(day) >= self._suspension_of(day) else day
            evening = self._evening_of(day)
            has_second = evening is not None and self._reminder_of(first) < evening - COUNTS_AS_REMINDER_WITHIN
            days |= {first} if has_second else {first, first - DAY}
        return frozenset((due - day).days for day in days)

    def next_warning(self, due: date, now: datetime, told: int | None, types: Collection[str]) -> datetime | None:
        """Return when the next warning after the threshold ``told`` will be reached, or None if none is left."""
        return self._next_of(due, self._beyond(due, now, told), self.warnings(due, types))

    def evening_warning(self, due: date, now: datetime, types: Collection[str]) -> date | None:
        """Return the last day whose evening has come by ``now`` and which is not over at the provider."""
        days = self.calendar.last_days(due, types)
        return next((d for d in days if (at := self._evening_of(d)) and at <= now < self._end_of(d)), None)

    def next_evening(self, due: date, now: datetime, types: Collection[str]) -> datetime | None:
        """Return when the next evening warning is due."""
        evenings = (self._evening_of(day) for day in self.calendar.last_days(due, types))
        return min((at for at in evenings if at is not None and at > now), default=None)

    def covers_evening(self, due: date, now: datetime, types: Collection[str]) -> date | None:
        """Return the last day of which a message at ``now`` makes the evening warning unnecessary."""
        days = self.calendar.last_days(due, types)
        near = COUNTS_AS_REMINDER_WITHIN
        return next((d for d in days if (at := self._evening_of(d)) and at - near <= now < self._end_of(d)), None)

    def is_lost(self, due: date, types: Collection[str], now: datetime) -> bool:
        """Return whether a payment comes too late: the last day on which it may help is over."""
        return now >= self._end_of(max([due, *self.calendar.warning_days(due, types)]))

    def _evening_of(self, day: date) -> datetime | None:
        """Return the early evening of a last day: before the quiet hours, and before the provider's own evening.

        None: quiet hours leave no hour for it after the reminder hour.
        """
        suspension, reminder = self._suspension_of(day), self._reminder_of(day)
        after = reminder if reminder < suspension else self._instant(day, 0)
        hours = (self._instant(day, hour) for hour in range(EVENING, 0, -1))
        return next((at for at in hours if after < at <= suspension and not self.is_quiet(at)), None)

    def _reminder_of(self, day: date) -> datetime:
        return self._instant(day, self.preferences.reminder_hour)

    def _suspension_of(self, day: date) -> datetime:
        """Return when the provider's evening of a day begins."""
        return datetime.combine(day, time(EVENING), self.provider_zone).astimezone(UTC)

    def _end_of(self, day: date) -> datetime:
        return _over_at(day, self.provider_zone)

    # --- Weeks ---

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
        return datetime.combine(day, time(hour), self.zone).astimezone(UTC)


def is_over(due: date, provider_zone: tzinfo, now: datetime) -> bool:
    """Return whether a due date has passed where it counts: at the provider."""
    return now >= _over_at(due, provider_zone)


def _over_at(due: date, provider_zone: tzinfo) -> datetime:
    """Return the midnight that ends the due date."""
    return datetime.combine(due + DAY, time(), provider_zone).astimezone(UTC)


def _days_to_banking_day(due: date, is_banking_day: IsBankingDay) -> int:
    """Return how many days before the due date its last banking day is; 0 if it is one itself."""
    return next((n for n in range(LONGEST_HOLIDAYS) if is_banking_day(due - n * DAY)), 0)


LONGEST_PROVIDER_PAUSE = timedelta(hours=1)
"""The longest pause that the provider can ask for: reminders need the checks, so checks must go on."""

SHORTEST_PAUSE = timedelta(seconds=1)

LATE_PART = 15
"""A check is late if this part of the interval has passed since it was due: a minute of a quarter of an hour."""

GOLDEN, TURN = 2654435769, 2**32
"""Numbers multiplied by the golden section of a turn lie evenly around it, whatever they have in common."""

ASK_AGAIN_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""How long after its first refusal of a token the provider is asked again; later once a day. One refusal proves little,
and many refused requests can lock an account."""


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """When chats are checked, and which at all. ``interval`` lies between two checks of a chat.

    ``zone`` is the time zone of the provider's due dates. ``defaults`` are the preferences of chats that have chosen
    none. ``calendar`` says what happens to unpaid services. ``allowed_users`` are those who may use the bot; None:
    everybody.
    """

    interval: timedelta
    zone: ZoneInfo
    defaults: Preferences = field(default_factory=Preferences)
    is_banking_day: IsBankingDay | None = None
    calendar: ProviderCalendar = field(default_factory=ProviderCalendar)
    currency: str = ""
    allowed_users: frozenset[int] | None = None

    def serves(self, link: Link) -> bool:
        """Return whether the link's owner may use the bot."""
        return self.allowed_users is None or link.linked_by in self.allowed_users

    def preferences(self, chat: Chat) -> Preferences:
        """Return what a chat has chosen, or the defaults."""
        return chat.preferences or self.defaults

    def schedule(self, chat: Chat) -> Schedule:
        """Return a chat's calendar."""
        return Schedule(self.preferences(chat), self.zone, self.is_banking_day, self.calendar)

    def after(
        self, now: datetime, at_least: float = 0, look: datetime | None = None, *, late: ChatKey | None = None
    ) -> datetime:
        """Return the next check: after the interval, or earlier at ``look``, when there will be something to tell.

        It is no sooner than ``at_least`` seconds from now, as far as the longest pause allows. ``late`` is the chat, if
        its check came late because many have piled up: they would come together again and again.
        """
        pause = timedelta(seconds=min(at_least, LONGEST_PROVIDER_PAUSE.total_seconds()))
        regular = now + (self.interval if late is None else self._until_own_time(late, now))
        return max(regular if look is None else min(regular, look), now + max(pause, SHORTEST_PAUSE))

    def is_late(self, due: datetime, now: datetime) -> bool:
        """Return whether a check that was due then is so late that others have piled up with it."""
        return now - due > self.interval / LATE_PART

    def _until_own_time(self, key: ChatKey, now: datetime) -> timedelta:
        """Return how long it is until a chat's own time, by which chats are spread evenly over the interval.

        It is never longer than the interval, nor shorter than half of it: a time that is nearer is met in two steps.
        """
        own = self.interval * (key * GOLDEN % TURN / TURN)
        left = (own - (now - LONG_AGO)) % self.interval or self.interval
        return left if 2 * left >= self.interval else (left + self.interval) / 2

    @property
    def doubts_refusal_for(self) -> timedelta:
        """How long a first refusal of a token is doubted. Then the provider is asked again, and believed."""
        return min(self.interval, ASK_AGAIN_AFTER[0])

    def may_ask(self, watch: Watch, now: datetime) -> bool:
        """Return whether a check may ask the provider: it has not refused the token, or its rest is over."""
        rests_until = self.asks_again_at(watch)
        return rests_until is None or watch.refused_at is None or not watch.refused_at <= now < rests_until

    def asks_again_at(self, watch: Watch) -> datetime | None:
        """Return until when checks leave a provider alone that refused the token. None: they don't."""
        since, last = watch.refused_since, watch.refused_at
        if since is None or last is None:
            return None
        times = (since + wait for wait in (self.doubts_refusal_for, *ASK_AGAIN_AFTER[1:]))
        return next((at for at in times if at > last), last + DAY)
