"""Reminder days, the hour of the day, thresholds, banking days and weeks, by the wall clocks of chat and provider."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, strategies as st

from bot.domain.chats import Preferences
from bot.domain.schedule import Schedule, is_over
from bot.settings import load_settings
from tests.domain.moments import BERLIN, INSTANTS, NIGHTS, PREFERENCES, ZONES, schedule

DUE = date(2026, 6, 15)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def at(day: date, hour: int, zone: str = "Europe/Berlin", minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


# --- The hour of the day ---------------------------------------------------------------------------------------------


def test_a_days_reminders_come_at_the_hour_and_not_at_midnight() -> None:
    usual = schedule()
    assert usual.today(at(DUE, 8, minute=59)) == DUE - DAY
    assert usual.today(at(DUE, 9)) == DUE


@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("hour", [7, 9])
def test_the_hour_is_the_wall_clocks_on_both_days_of_a_clock_change(night: date, hour: int) -> None:
    early = schedule(Preferences(hour=hour))
    assert early.today(at(night, hour)) == night
    assert early.today(at(night, hour) - SECOND) == night - DAY


def test_an_hour_that_the_clock_skips_comes_when_the_clock_has_passed_it() -> None:
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00
    early = schedule(Preferences(hour=2))
    assert early.today(change - SECOND) == date(2026, 3, 28)
    assert early.today(change) == date(2026, 3, 29)


def test_an_hour_that_comes_twice_counts_the_first_time() -> None:
    first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in summer time, and again an hour later
    early = schedule(Preferences(hour=2))
    assert early.today(first - SECOND) == date(2026, 10, 24)
    assert early.today(first) == early.today(first + timedelta(hours=1)) == date(2026, 10, 25)


@given(INSTANTS | NIGHTS, st.timedeltas(timedelta(0), timedelta(days=2)), ZONES, st.integers(0, 23))
def test_the_reminder_day_never_goes_back(now: datetime, later: timedelta, zone: str, hour: int) -> None:
    clock = schedule(Preferences(hour=hour, zone=zone))
    assert clock.today(now) <= clock.today(now + later)


@given(INSTANTS, ZONES, st.integers(0, 23))
def test_the_reminder_day_is_today_from_the_hour_on_and_else_yesterday(now: datetime, zone: str, hour: int) -> None:
    wall = now.astimezone(ZoneInfo(zone))
    expected = wall.date() if wall.hour >= hour else wall.date() - DAY
    assert schedule(Preferences(hour=hour, zone=zone, quiet=None)).today(now) == expected


def test_the_hour_is_the_chats_and_not_the_providers() -> None:
    in_tokyo = schedule(Preferences(zone="Asia/Tokyo"))
    assert in_tokyo.today(at(DUE, 9, "Asia/Tokyo")) == DUE
    assert in_tokyo.today(at(DUE, 9, "Asia/Tokyo") - SECOND) == DUE - DAY


def test_morning_is_the_chats_hour_so_many_days_from_today() -> None:
    in_tokyo = schedule(Preferences(zone="Asia/Tokyo", hour=7))
    late_evening = at(DUE, 23, "Asia/Tokyo")
    assert in_tokyo.morning(late_evening, 1) == at(DUE + DAY, 7, "Asia/Tokyo")
    assert in_tokyo.morning_of(DUE) == at(DUE, 7, "Asia/Tokyo")


# --- Thresholds ------------------------------------------------------------------------------------------------------


def naive_threshold(due: date, days: int, chosen: Preferences) -> int | None:
    """Return the latest threshold that has come, found by trying all thresholds of years."""
    thresholds = {*chosen.before, *(-late for late in chosen.after)}
    if chosen.after:
        thresholds |= {-(max(chosen.after) + 7 * weeks) for weeks in range(200)}
    come = [threshold for threshold in thresholds if days <= threshold]
    return min(come, default=None)


@given(st.integers(-900, 60), PREFERENCES)
def test_the_reached_threshold_is_the_latest_whose_day_has_come(days: int, chosen: Preferences) -> None:
    chosen = Preferences(chosen.before, chosen.after)
    now = at(DUE - days * DAY, 12)
    assert schedule(chosen).reached(DUE, now) == naive_threshold(DUE, days, chosen)


def test_without_any_days_nothing_is_ever_reached() -> None:
    never = schedule(Preferences(before=(), after=()))
    assert {never.reached(DUE, at(DUE + n * DAY, 12)) for n in range(-50, 50)} == {None}
    assert {never.next_reminder(DUE, at(DUE + n * DAY, 12)) for n in range(-50, 50)} == {None}


def test_with_days_before_only_the_last_one_is_the_end() -> None:
    before = schedule(Preferences(before=(2,), after=()))
    assert before.next_reminder(DUE, at(DUE - 9 * DAY, 12)) == at(DUE - 2 * DAY, 9)
    assert before.next_reminder(DUE, at(DUE - 2 * DAY, 12)) is None
    assert before.reached(DUE, at(DUE + 300 * DAY, 12)) == 2


def test_with_days_after_only_the_first_word_comes_when_it_is_late() -> None:
    after = schedule(Preferences(before=(), after=(2,)))
    assert after.reached(DUE, at(DUE + DAY, 12)) is None
    assert after.next_reminder(DUE, at(DUE - 9 * DAY, 12)) == at(DUE + 2 * DAY, 9)
    assert [after.reached(DUE, at(DUE + n * DAY, 12)) for n in (2, 8, 9, 16)] == [-2, -2, -9, -16]


def test_a_list_in_any_order_and_with_repetitions_means_the_same() -> None:
    tidy, odd = schedule(Preferences((7, 3), (1, 3))), schedule(Preferences((3, 7, 3), (3, 1, 1)))
    for n in range(-30, 30):
        assert tidy.reached(DUE, at(DUE + n * DAY, 12)) == odd.reached(DUE, at(DUE + n * DAY, 12))


DUES = st.dates(date(2018, 1, 1), date(2030, 12, 31))
NEAR = st.timedeltas(timedelta(days=-45), timedelta(days=45))


@given(PREFERENCES, ZONES, DUES, NEAR, st.floats(0, 1))
def test_nothing_is_reached_before_the_next_reminder_and_something_at_it(
    chosen: Preferences, provider: str, due: date, off: timedelta, part: float
) -> None:
    clock = Schedule(chosen, ZoneInfo(provider))
    now = datetime.combine(due, time(), UTC) + off
    reached, coming = clock.reached(due, now), clock.next_reminder(due, now)
    if coming is None:
        assert clock.reached(due, now + 4000 * DAY) == reached
        return
    assert coming > now
    between = now + (coming - now) * part
    assert clock.reached(due, min(between, coming - timedelta(microseconds=1))) == reached
    then = clock.reached(due, coming)
    assert then is not None
    assert reached is None or then < reached


@given(PREFERENCES, ZONES, DUES, NEAR, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_what_was_reached_stays_reached(
    chosen: Preferences, provider: str, due: date, off: timedelta, later: timedelta
) -> None:
    clock = Schedule(chosen, ZoneInfo(provider))
    now = datetime.combine(due, time(), UTC) + off
    reached, then = clock.reached(due, now), clock.reached(due, now + later)
    assert reached is None or (then is not None and then <= reached)


# --- A chat far away from the provider -------------------------------------------------------------------------------


@given(PREFERENCES, ZONES, DUES, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_nothing_is_overdue_before_its_day_is_over_at_the_provider(
    chosen: Preferences, provider: str, due: date, off: timedelta
) -> None:
    clock = Schedule(chosen, ZoneInfo(provider))
    now = datetime.combine(due, time(), UTC) + off
    assume(now.astimezone(ZoneInfo(provider)).date() <= due)
    assert not is_over(due, ZoneInfo(provider), now)
    assert clock.days_left(due, now) >= 0
    reached = clock.reached(due, now)
    assert reached is None or reached >= 0


@given(ZONES, DUES, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_a_due_date_is_over_from_the_next_day_on_by_the_providers_calendar(
    provider: str, due: date, off: timedelta
) -> None:
    now = datetime.combine(due, time(), UTC) + off
    over = now.astimezone(ZoneInfo(provider)).date() > due
    assert is_over(due, ZoneInfo(provider), now) is over


def test_far_east_of_the_provider_the_first_overdue_word_waits_for_the_providers_midnight() -> None:
    east = Schedule(Preferences(zone="Pacific/Kiritimati"), BERLIN)
    nine_there = at(DUE + DAY, 9, "Pacific/Kiritimati")  # nine in the evening of the due date in Berlin
    assert (east.today(nine_there), east.reached(DUE, nine_there)) == (DUE + DAY, 0)
    assert east.next_reminder(DUE, nine_there) == at(DUE + DAY, 0)
    assert east.reached(DUE, at(DUE + DAY, 0)) == -1


def test_far_west_of_the_provider_the_first_overdue_word_waits_for_the_morning_there() -> None:
    west = Schedule(Preferences(zone="Pacific/Honolulu"), BERLIN)
    assert is_over(DUE, BERLIN, at(DUE + DAY, 0))
    assert west.reached(DUE, at(DUE + DAY, 0)) == 0
    assert west.next_reminder(DUE, at(DUE + DAY, 0)) == at(DUE + DAY, 9, "Pacific/Honolulu")


# --- Banking days ----------------------------------------------------------------------------------------------------

GERMAN = load_settings(
    _env_file=None, telegram_bot_token="1:a", provider_url="http://127.0.0.1", holidays="DE"
).is_banking_day


@pytest.mark.parametrize(
    ("due", "last_banking_day"),
    [
        (date(2026, 6, 15), date(2026, 6, 15)),  # a Monday like any other
        (date(2026, 6, 13), date(2026, 6, 12)),  # Saturday
        (date(2026, 6, 14), date(2026, 6, 12)),  # Sunday
        (date(2026, 4, 3), date(2026, 4, 2)),  # Good Friday
        (date(2026, 4, 5), date(2026, 4, 2)),  # Easter Sunday
        (date(2026, 4, 6), date(2026, 4, 2)),  # Easter Monday
        (date(2026, 5, 1), date(2026, 4, 30)),  # Labour Day, a Friday
        (date(2025, 12, 26), date(2025, 12, 24)),  # after Christmas; the 24th is no holiday
        (date(2027, 1, 1), date(2026, 12, 31)),  # New Year, of another year's calendar
        (date(2026, 10, 3), date(2026, 10, 2)),  # German Unity on a Saturday
    ],
)
def test_the_last_banking_day_before_a_due_date_is_a_reminder_too(due: date, last_banking_day: date) -> None:
    clock = Schedule(Preferences(before=(30,), after=()), BERLIN, GERMAN)
    early = (due - last_banking_day).days
    if early == 0:
        assert clock.next_reminder(due, at(due - 10 * DAY, 12)) is None
    else:
        assert clock.next_reminder(due, at(due - 10 * DAY, 12)) == at(last_banking_day, 9)
        assert clock.reached(due, at(last_banking_day, 9)) == early


def test_a_banking_day_that_is_a_reminder_day_anyway_is_one_reminder() -> None:
    sunday = date(2026, 6, 14)
    clock = Schedule(Preferences(before=(2, 0)), BERLIN, GERMAN)
    assert clock.next_reminder(sunday, at(sunday - 2 * DAY, 9)) == at(sunday, 9)


def test_without_reminders_before_the_due_date_the_banking_day_has_none() -> None:
    sunday = date(2026, 6, 14)
    clock = Schedule(Preferences(before=(), after=(1,)), BERLIN, GERMAN)
    assert clock.next_reminder(sunday, at(sunday - 9 * DAY, 12)) == at(sunday + DAY, 9)


def test_without_a_calendar_weekends_are_days_like_any_other() -> None:
    sunday = date(2026, 6, 14)
    assert Schedule(Preferences(before=(0,)), BERLIN).next_reminder(sunday, at(sunday - 9 * DAY, 12)) == at(sunday, 9)


def test_a_calendar_on_which_banks_never_work_adds_nothing() -> None:
    clock = Schedule(Preferences(before=(0,)), BERLIN, lambda _: False)
    assert clock.next_reminder(DUE, at(DUE - 60 * DAY, 12)) == at(DUE, 9)


@given(DUES)
def test_the_last_banking_day_is_one_and_none_lies_between_it_and_the_due_date(due: date) -> None:
    assert GERMAN is not None
    clock = Schedule(Preferences(before=(60,), after=()), BERLIN, GERMAN)
    coming = clock.next_reminder(due, at(due - 40 * DAY, 12))
    day = due if coming is None else coming.astimezone(BERLIN).date()
    assert GERMAN(day)
    assert not any(GERMAN(day + n * DAY) for n in range(1, (due - day).days + 1))


# --- Weeks -----------------------------------------------------------------------------------------------------------

MONDAY = date(2026, 6, 8)


def test_a_week_begins_on_monday_at_the_hour() -> None:
    usual = schedule()
    assert usual.week(at(MONDAY, 8, minute=59)) == MONDAY - 7 * DAY
    assert usual.week(at(MONDAY, 9)) == usual.week(at(MONDAY + 7 * DAY, 8)) == MONDAY


@given(INSTANTS | NIGHTS, PREFERENCES)
def test_the_next_week_begins_at_its_first_instant(now: datetime, chosen: Preferences) -> None:
    clock = schedule(chosen)
    coming = clock.next_week(now)
    assert coming > now
    assert clock.week(coming - SECOND) == clock.week(now)
    assert clock.week(coming) == clock.week(now) + 7 * DAY
