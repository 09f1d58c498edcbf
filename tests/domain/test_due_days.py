"""What a schedule remembers of due dates says the same as counting the days anew for each question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st

from bot.domain.chats import Chat, Preferences
from bot.domain.provider_calendar import ProviderCalendar, is_weekday
from bot.domain.schedule import CheckPlan, Schedule
from tests.domain.moments import BERLIN, INSTANTS, NAMES, NIGHTS, PREFERENCES

DAY = timedelta(days=1)
LATE = -400
"""Days after a due date, beyond all that is asked for here."""

CALENDARS = st.builds(
    ProviderCalendar,
    suspend_after=st.none() | st.integers(0, 20),
    delete_after=st.none() | st.integers(21, 40),
    no_grace=st.sampled_from([frozenset(), frozenset({"domain"})]),
    transfer_days=st.none() | st.integers(0, 4),
)
SCHEDULES = st.builds(
    Schedule, PREFERENCES, st.sampled_from(NAMES).map(ZoneInfo), st.none() | st.just(is_weekday), CALENDARS
)
NOW = INSTANTS | NIGHTS
DAYS = st.integers(-60, 60)
TYPES = st.lists(st.sampled_from(["Hosting", "Domain", "Donation"]), max_size=2, unique=True).map(tuple)


def all_thresholds(schedule: Schedule, due: date, types: Sequence[str]) -> set[int]:
    """Return every threshold of a due date, counted one by one."""
    chosen, found = schedule.preferences, {*schedule.warnings(due, types)}
    found |= {*chosen.before} | {-late for late in chosen.after}
    if chosen.before and schedule.is_banking_day is not None:
        early = 0
        while not schedule.is_banking_day(due - early * DAY):
            early += 1
        found |= {early} - {0}
    last_transfer = schedule.calendar.last_transfer_day(due)
    if chosen.transfer and last_transfer is not None:
        found.add((due - last_transfer + DAY).days)
    if chosen.after:
        found |= {*range(-max(chosen.after), LATE, -7)}
    return found


@given(SCHEDULES, NOW, DAYS, TYPES)
def test_the_latest_threshold_reached_is_the_last_one_of_all(
    schedule: Schedule, now: datetime, off: int, types: tuple[str, ...]
) -> None:
    due = now.date() + off * DAY
    left = schedule.days_left(due, now)
    expected = min((each for each in all_thresholds(schedule, due, types) if each >= left), default=None)
    assert schedule.reached(due, now, types) == expected


@given(SCHEDULES, NOW, DAYS, TYPES, st.none() | st.integers(-40, 40))
def test_the_next_reminder_is_that_of_the_first_threshold_to_come(
    schedule: Schedule, now: datetime, off: int, types: tuple[str, ...], told: int | None
) -> None:
    due = now.date() + off * DAY
    left = schedule.days_left(due, now)
    beyond = left if told is None else min(told, left)
    coming = max((each for each in all_thresholds(schedule, due, types) if each < beyond), default=None)
    at = schedule.next_reminder(due, now, told, types)
    if coming is None:
        assert at is None
    elif coming >= 0:
        assert at == schedule.morning_of(due - coming * DAY)
    else:  # never before the due date is over at the provider
        over = datetime.combine(due + DAY, datetime.min.time(), schedule.provider_zone)
        assert at == max(schedule.morning_of(due - coming * DAY), over)


@given(SCHEDULES, NOW, st.lists(st.tuples(DAYS, TYPES), min_size=2, max_size=6))
def test_a_schedule_that_was_asked_before_answers_like_a_new_one(
    schedule: Schedule, now: datetime, asked: list[tuple[int, tuple[str, ...]]]
) -> None:
    def answers(clock: Schedule, off: int, types: tuple[str, ...]) -> tuple[object, ...]:
        due = now.date() + off * DAY
        return (
            clock.reached(due, now, types),
            clock.next_reminder(due, now, None, types),
            clock.next_warning(due, now, None, types),
            [*clock.warnings(due, types)],
            clock.evening_warning(due, now, types),
            clock.next_evening(due, now, types),
            clock.covers_evening(due, now, types),
            clock.is_lost(due, types, now),
            [clock.is_for_transfer(due, threshold) for threshold in range(-3, 12)],
        )

    def new() -> Schedule:
        return Schedule(schedule.preferences, schedule.provider_zone, schedule.is_banking_day, schedule.calendar)

    for _ in range(2):
        assert [answers(schedule, *each) for each in asked] == [answers(new(), *each) for each in asked]


@given(PREFERENCES, PREFERENCES)
def test_chats_share_a_schedule_only_if_they_have_chosen_the_same(one: Preferences, other: Preferences) -> None:
    plan = CheckPlan(timedelta(minutes=15), BERLIN)
    first, second = (plan.schedule(Chat(number, preferences=each)) for number, each in enumerate((one, other), 1))
    assert (first.preferences, second.preferences) == (one, other)
    assert (first is second) == (one == other)
