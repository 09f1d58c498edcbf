"""Quiet hours are neither too long nor too short, in any time zone and on any night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.domain.chats import Preferences, QuietHours
from bot.domain.schedule import Schedule
from tests.domain.moments import BERLIN, CLOCK_CHANGES, HOURS, INSTANTS, NIGHTS, PREFERENCES, schedule

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_quiet_hours_go_over_midnight_or_not() -> None:
    assert [hour for hour in range(24) if hour in QuietHours(22, 8)] == [0, 1, 2, 3, 4, 5, 6, 7, 22, 23]
    assert [hour for hour in range(24) if hour in QuietHours(13, 15)] == [13, 14]
    assert [hour for hour in range(24) if hour in QuietHours(22, 0)] == [22, 23]
    assert [hour for hour in range(24) if hour in QuietHours(0, 2)] == [0, 1]


@given(HOURS, HOURS)
def test_each_day_has_an_hour_that_is_not_quiet(start: int, end: int) -> None:
    if start != end:
        assert end not in QuietHours(start, end)
        assert start in QuietHours(start, end)


def test_without_quiet_hours_no_instant_is_quiet() -> None:
    loud = schedule(Preferences(quiet=None))
    now = datetime(2026, 6, 1, 2, tzinfo=UTC)
    assert not loud.is_quiet(now)
    assert loud.quiet_end(now) == now


@pytest.mark.parametrize(
    ("zone", "evening", "end"),
    [
        # A usual night has ten quiet hours from 22 to 8. These are shorter or longer by the jump of the clock.
        ("Europe/Berlin", date(2026, 3, 28), "2026-03-29T06:00Z"),
        ("Europe/Berlin", date(2026, 10, 24), "2026-10-25T07:00Z"),
        ("Australia/Lord_Howe", date(2026, 4, 4), "2026-04-04T21:30Z"),
        ("Australia/Lord_Howe", date(2026, 10, 3), "2026-10-03T21:00Z"),
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-18T11:00Z"),
        ("America/Sao_Paulo", date(2018, 11, 3), "2018-11-04T10:00Z"),
        ("Asia/Kathmandu", date(2026, 3, 28), "2026-03-29T02:15Z"),
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-30T18:00Z"),  # followed by the morning of the 31st
    ],
)
def test_a_night_ends_by_the_wall_clock_whatever_the_clock_does_in_it(zone: str, evening: date, end: str) -> None:
    clock = schedule(Preferences(zone=zone))
    begin = datetime.combine(evening, time(22), ZoneInfo(zone)).astimezone(UTC)
    expected = datetime.fromisoformat(end)
    assert not clock.is_quiet(begin - SECOND)
    assert not clock.is_quiet(expected)
    now = begin
    while now < expected:
        assert clock.is_quiet(now)
        assert clock.quiet_end(now) == expected
        now += 15 * MINUTE
    assert clock.is_quiet(expected - SECOND)


def test_quiet_hours_that_end_at_an_hour_the_clock_skips_end_when_it_has_passed() -> None:
    clock = schedule(Preferences(quiet=QuietHours(22, 2)))
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 becomes 03:00
    assert clock.quiet_end(change - MINUTE) == change


def test_if_the_clock_skips_the_only_loud_hour_quiet_hours_last_until_the_next_day() -> None:
    clock = schedule(Preferences(quiet=QuietHours(3, 2)))
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert clock.quiet_end(change - MINUTE) == datetime(2026, 3, 30, 0, tzinfo=UTC)


def scanned_end(zone: ZoneInfo, quiet: QuietHours | None, now: datetime) -> datetime:
    """Return the end of quiet hours, found by a look at the wall clock minute by minute."""
    while quiet is not None and now.astimezone(zone).hour in quiet:
        now = now.replace(second=0, microsecond=0) + MINUTE
    return now


@given(INSTANTS | NIGHTS, PREFERENCES)
def test_the_end_of_quiet_hours_is_the_first_instant_that_is_not_quiet(now: datetime, chosen: Preferences) -> None:
    clock = schedule(chosen)
    end = clock.quiet_end(now)
    assert not clock.is_quiet(end)
    assert end == scanned_end(ZoneInfo(chosen.zone or "Europe/Berlin"), chosen.quiet, now)


CHANGES = st.sampled_from([(zone, datetime.fromisoformat(at)) for zone, ats in CLOCK_CHANGES.items() for at in ats])


@given(CHANGES, st.timedeltas(timedelta(hours=-26), timedelta(hours=4)), HOURS, HOURS)
def test_the_same_right_before_and_in_each_clock_change(
    change: tuple[str, datetime], off: timedelta, start: int, end: int
) -> None:
    zone, at = change
    if start != end:
        quiet = QuietHours(start, end)
        clock = schedule(Preferences(quiet=quiet, zone=zone))
        assert clock.quiet_end(at + off) == scanned_end(ZoneInfo(zone), quiet, at + off)


@pytest.mark.parametrize(
    ("hour", "quiet", "effective"),
    [(22, (22, 8), 21), (23, (22, 8), 21), (21, (22, 8), 21), (7, (22, 8), 7), (0, (23, 6), 0), (13, (12, 15), 13)],
)
def test_reminders_of_an_hour_in_the_evening_come_before_the_quiet_hours_begin(
    hour: int, quiet: tuple[int, int], effective: int
) -> None:
    clock = Schedule(Preferences(hour=hour, quiet=QuietHours(*quiet)), BERLIN)
    due = date(2026, 6, 15)
    assert clock.preferences.reminder_hour == effective
    assert clock.next_reminder(due, datetime(2026, 6, 15, tzinfo=BERLIN) - timedelta(hours=2)) == datetime(
        2026, 6, 15, effective, tzinfo=BERLIN
    ) or effective in {0, 21}
    assert not clock.is_quiet(clock.quiet_end(clock.morning_of(due)))
    assert clock.quiet_end(clock.morning_of(due)).astimezone(BERLIN).date() == due
