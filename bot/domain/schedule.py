"""When a chat is checked, and when it is told something: reminder days, reminder hour, quiet hours, weeks.

Due dates are days in the provider's time zone; a chat is told in its own. A threshold says on which day a reminder
comes, as the number of days before the due date; it is negative after that date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat, Link, Preferences, Watch
from bot.domain.due_days import DueDays, LastEvening
from bot.domain.provider_calendar import EVENING, LONGEST_HOLIDAYS, IsBankingDay, ProviderCalendar
from bot.domain.waits import LONG_AGO
from bot.domain.wall_clock import WallClock, instant_in

DAY = timedelta(days=1)
COUNTS_AS_REMINDER_WITHIN = timedelta(hours=3)
"""A message that can be read so shortly before the reminder hour counts as the reminder of that hour."""

SCHEDULES_KEPT = 32
"""How many schedules are remembered for chats that share them: most have the operator's defaults."""

DUE_DATES_KEPT = 256
"""Of how many due dates a schedule remembers what follows from them."""


@dataclass(frozen=True, slots=True)
class Schedule(WallClock):
    """One chat's calendar: its wall clock, and what it is told when.

    ``calendar`` holds the days that are always announced, whatever was chosen. They depend on the types of an invoice's
    items.
    """

    is_banking_day: IsBankingDay | None = None
    calendar: ProviderCalendar = field(default_factory=ProviderCalendar)
    _days: Callable[[date, tuple[str, ...]], DueDays] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Nothing of a schedule changes, so what was worked out once holds for good.
        object.__setattr__(self, "_days", lru_cache(DUE_DATES_KEPT)(self._days_of))

    # --- Reminder days ---

    def days_left(self, due: date, now: datetime) -> int:
        """Return the days from the reminder day to the due date. Negative only once it is over at the provider too."""
        days = (due - self.today(now)).days
        return days if days >= 0 or is_over(due, self.provider_zone, now) else 0

    def reached(self, due: date, now: datetime, types: Collection[str] = ()) -> int | None:
        """Return the latest threshold that was reached, or None."""
        return self.days_of(due, types).reached(self.days_left(due, now))

    def next_reminder(
        self, due: date, now: datetime, told: int | None = None, types: Collection[str] = ()
    ) -> datetime | None:
        """Return when the next threshold after ``told`` will be reached, or None if none is left."""
        return self._reached_at(due, self.days_of(due, types).next_after(self._told_or_over(due, now, told)))

    def covers_until(self, now: datetime) -> datetime:
        """Return the instant up to which a message of ``now`` makes reminders unnecessary.

        The message can be read after the quiet hours. It also covers the reminder hour of that day if that comes soon.
        """
        read = self.quiet_end(now)
        hour = self.morning(read, 0)
        return hour if read < hour <= read + COUNTS_AS_REMINDER_WITHIN else read

    def is_for_transfer(self, due: date, threshold: int | None) -> bool:
        """Return whether a threshold is reached only because a transfer would soon be too late."""
        return threshold is not None and threshold == self.days_of(due).for_transfer

    def _told_or_over(self, due: date, now: datetime, told: int | None) -> int:
        """Return the threshold after which the next one is looked for: of what has passed, nothing comes."""
        days = self.days_left(due, now)
        return days if told is None else min(days, told)

    def _reached_at(self, due: date, threshold: int | None) -> datetime | None:
        if threshold is None:
            return None
        at = self._instant(due - threshold * DAY, self.preferences.reminder_hour)
        return at if threshold >= 0 else max(at, _over_at(due, self.provider_zone))

    # --- Warnings ---

    def warnings(self, due: date, types: Collection[str]) -> Sequence[int]:
        """Return the thresholds that are announced whatever was chosen."""
        return self.days_of(due, types).warnings

    def next_warning(self, due: date, now: datetime, told: int | None, types: Collection[str]) -> datetime | None:
        """Return when the next warning after the threshold ``told`` will be reached, or None if none is left."""
        days = self.days_of(due, types)
        return self._reached_at(due, days.next_warning_after(self._told_or_over(due, now, told)))

    def evening_warning(self, due: date, now: datetime, types: Collection[str]) -> date | None:
        """Return the last day whose evening has come by ``now`` and which is not over at the provider."""
        return next((e.day for e in self.days_of(due, types).evenings if e.begins <= now < e.ends), None)

    def next_evening(self, due: date, now: datetime, types: Collection[str]) -> datetime | None:
        """Return when the next evening warning is due."""
        return next((e.begins for e in self.days_of(due, types).evenings if e.begins > now), None)

    def covers_evening(self, due: date, now: datetime, types: Collection[str]) -> date | None:
        """Return the last day of which a message at ``now`` makes the evening warning unnecessary."""
        near = COUNTS_AS_REMINDER_WITHIN
        return next((e.day for e in self.days_of(due, types).evenings if e.begins - near <= now < e.ends), None)

    def is_lost(self, due: date, types: Collection[str], now: datetime) -> bool:
        """Return whether a payment comes too late: the last day on which it may help is over."""
        return now >= self.days_of(due, types).lost_at

    # --- What follows from a due date ---

    def days_of(self, due: date, types: Collection[str] = ()) -> DueDays:
        """Return the days to which the due date of an invoice with items of these types leads."""
        return self._days(due, tuple(types))

    def _days_of(self, due: date, types: tuple[str, ...]) -> DueDays:
        chosen, calendar = self.preferences, self.calendar
        thresholds = {*chosen.before, *(-late for late in chosen.after)}
        if chosen.before and self.is_banking_day is not None:
            early = _days_to_banking_day(due, self.is_banking_day)
            thresholds |= {early} if early else set()
        last = calendar.last_transfer_day(due) if chosen.transfer else None
        transfer = set() if last is None else {(due - last).days + 1}  # the day before
        last_days, warning_days = calendar.last_days(due, types), calendar.warning_days(due, types)
        warnings = self._warnings(due, last_days, warning_days)
        return DueDays(
            chosen=tuple(sorted(thresholds | transfer | warnings)),
            weekly_from=-max(chosen.after) if chosen.after else None,
            warnings=tuple(sorted(warnings)),
            for_transfer=next(iter(transfer - thresholds), None),
            evenings=tuple(LastEvening(d, at, self._end_of(d)) for d in last_days if (at := self._evening_of(d))),
            lost_at=self._end_of(max([due, *warning_days])),
        )

    def _warnings(self, due: date, last_days: Collection[date], warning_days: Collection[date]) -> set[int]:
        """Return the thresholds of all days that are announced.

        A last day is announced twice. Where a chat's reminder hour comes after the provider's evening has begun, that
        is on the day before and in the evening; where no evening warning follows, on the day before and on the day.
        """
        days = {*warning_days} - {*last_days}
        for day in last_days:
            first = day - DAY if self._reminder_of(day) >= self._suspension_of(day) else day
            evening = self._evening_of(day)
            has_second = evening is not None and self._reminder_of(first) < evening - COUNTS_AS_REMINDER_WITHIN
            days |= {first} if has_second else {first, first - DAY}
        return {(due - day).days for day in days}

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
        return instant_in(self.provider_zone, day, EVENING)

    def _end_of(self, day: date) -> datetime:
        return _over_at(day, self.provider_zone)


def is_over(due: date, provider_zone: tzinfo, now: datetime) -> bool:
    """Return whether a due date has passed where it counts: at the provider."""
    return now >= _over_at(due, provider_zone)


def _over_at(due: date, provider_zone: tzinfo) -> datetime:
    """Return the midnight that ends the due date."""
    return instant_in(provider_zone, due + DAY, 0)


def _days_to_banking_day(due: date, is_banking_day: IsBankingDay) -> int:
    """Return how many days before the due date its last banking day is; 0 if it is one itself."""
    return next((n for n in range(LONGEST_HOLIDAYS) if is_banking_day(due - n * DAY)), 0)


LONGEST_PROVIDER_PAUSE = timedelta(hours=1)
"""The longest pause that the provider can ask for: reminders need the checks, so checks must go on."""

SHORTEST_PAUSE = timedelta(seconds=1)

LATE_PART = 15
"""A check is late if this part of the interval has passed since it was due: a minute of a quarter of an hour."""

FULL_CHECK_EVERY = timedelta(hours=6)
"""So often a check is made in full, even if nothing has changed."""

GOLDEN, TURN = 2654435769, 2**32
"""Numbers multiplied by the golden section of a turn lie evenly around it, whatever they have in common."""

ASK_AGAIN_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""How long after its first refusal of a token the provider is asked again; later once a day. One refusal proves little,
and many refused requests can lock an account."""


@lru_cache(SCHEDULES_KEPT)
def _schedule(
    preferences: Preferences, zone: tzinfo, is_banking_day: IsBankingDay | None, calendar: ProviderCalendar
) -> Schedule:
    """Return the schedule that all chats with the same preferences share, with what it remembers."""
    return Schedule(preferences, zone, is_banking_day, calendar)


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """When chats are checked, and which at all. ``interval`` lies between two checks of a chat.

    ``zone`` is the time zone of the provider's due dates. ``defaults`` are the preferences of chats that have chosen
    none. ``calendar`` says what happens to unpaid services. ``allowed_users`` are those who may use the bot; None:
    everybody. ``rules`` is a mark of all that but the interval: it differs where the same
    answer may lead to something else.
    """

    interval: timedelta
    zone: ZoneInfo
    defaults: Preferences = field(default_factory=Preferences)
    is_banking_day: IsBankingDay | None = None
    calendar: ProviderCalendar = field(default_factory=ProviderCalendar)
    currency: str = ""
    allowed_users: frozenset[int] | None = None
    rules: str = ""

    def serves(self, link: Link) -> bool:
        """Return whether the link's owner may use the bot."""
        return self.allowed_users is None or link.linked_by in self.allowed_users

    def preferences(self, chat: Chat) -> Preferences:
        """Return what a chat has chosen, or the defaults."""
        return chat.preferences or self.defaults

    def schedule(self, chat: Chat) -> Schedule:
        """Return a chat's calendar."""
        return _schedule(self.preferences(chat), self.zone, self.is_banking_day, self.calendar)

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

    def full_check(self, key: ChatKey, now: datetime) -> datetime:
        """Return when a chat is to be checked in full again, even if nothing has changed. Chats are spread evenly."""
        return now + _until_own_time(key, now, FULL_CHECK_EVERY)

    def _until_own_time(self, key: ChatKey, now: datetime) -> timedelta:
        """Return how long it is until a chat's own time in the interval.

        It is never longer than the interval, nor shorter than half of it: a time that is nearer is met in two steps.
        """
        left = _until_own_time(key, now, self.interval)
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


def _until_own_time(key: ChatKey, now: datetime, period: timedelta) -> timedelta:
    """Return how long it is until a chat's own time, by which chats are spread evenly over a period."""
    own = period * (key * GOLDEN % TURN / TURN)
    return (own - (now - LONG_AGO)) % period or period
