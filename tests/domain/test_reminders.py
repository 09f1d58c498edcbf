"""The reminder rules, by example and by the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.invoices import Invoice
from bot.domain.reminders import (
    Notice,
    Schedule,
    decide,
    forget,
    missing_from,
    reached_threshold,
    reminder_day,
    take_as_known,
)
from tests.fakes import invoice

BERLIN = ZoneInfo("Europe/Berlin")
DUE = date(2026, 6, 15)
USUAL = Schedule()
DAY = timedelta(days=1)


def told_on(days: Iterable[date], read: Iterable[Invoice], known: Mapping[int, KnownInvoice]) -> dict[date, list[int]]:
    """What is told on which day, as thresholds, when ``read`` is checked on each of ``days``."""
    told = {}
    for day in days:
        decision = decide(known, read, day, USUAL)
        known = decision.known
        if decision.notices:
            told[day] = [n.threshold for n in decision.notices if n.threshold is not None]
    return told


def known_long_before(*invoices: Invoice) -> Mapping[int, KnownInvoice]:
    return take_as_known(invoices, date(2026, 1, 1), USUAL)


# --- By example ------------------------------------------------------------------------------------------------------


def test_a_reminder_comes_7_3_1_and_0_days_before_and_1_3_7_days_after_then_weekly() -> None:
    one = invoice(due=DUE)
    told = told_on((DUE + n * DAY for n in range(-30, 30)), [one], known_long_before(one))
    late = [-1, -3, -7, -14, -21, -28]
    assert told == {DUE - n * DAY: [n] for n in [7, 3, 1, 0, *late]}


def test_weekly_reminders_go_on_for_years() -> None:
    one = invoice(due=DUE)
    told = told_on((DUE + n * DAY for n in range(1000)), [one], known_long_before(one))
    weekly = [day for day in told if day > DUE + 7 * DAY]
    assert weekly == [DUE + n * DAY for n in range(14, 1000, 7)]


def test_what_is_before_and_on_the_due_date_is_due_and_what_is_after_is_overdue() -> None:
    one = invoice(due=DUE)
    kinds = {}
    for days in (7, 3, 1, 0, -1, -3, -7, -14):
        (notice,) = decide(known_long_before(one), [one], DUE - days * DAY, USUAL).notices
        kinds[notice.threshold] = notice.kind
    assert kinds == {
        **dict.fromkeys((7, 3, 1, 0), AlertKind.DUE),
        **dict.fromkeys((-1, -3, -7, -14), AlertKind.OVERDUE),
    }


def test_reminders_missed_for_long_come_once_as_things_stand_now() -> None:
    one = invoice(due=DUE)
    decision = decide(known_long_before(one), [one], DUE + 40 * DAY, USUAL)
    assert decision.notices == (Notice(AlertKind.OVERDUE, 1, -35, DUE),)


def test_a_new_open_invoice_is_told_at_once_and_that_counts_as_the_reminder_of_the_day() -> None:
    one = invoice(due=DUE)
    decision = decide({}, [one], DUE - 3 * DAY, USUAL)
    assert decision.notices == (Notice(AlertKind.NEW, 1, 3, DUE),)
    assert told_on([DUE - 3 * DAY, DUE - 2 * DAY, DUE - DAY], [one], decision.known) == {DUE - DAY: [1]}


def test_a_new_invoice_that_is_closed_is_taken_as_known_silently() -> None:
    closed = invoice(due=DUE, is_open=False)
    decision = decide({}, [closed], DUE, USUAL)
    assert decision.notices == ()
    assert decision.known.keys() == {1}


def test_an_invoice_that_is_listed_twice_is_told_once() -> None:
    one = invoice(due=DUE)
    assert decide({}, [one, one], DUE, USUAL).notices == (Notice(AlertKind.NEW, 1, 0, DUE),)


def test_an_invoice_that_opens_again_is_told_as_new() -> None:
    closed = invoice(due=DUE, is_open=False)
    decision = decide(known_long_before(closed), [invoice(due=DUE)], DUE - 20 * DAY, USUAL)
    assert [n.kind for n in decision.notices] == [AlertKind.NEW]


def test_a_due_date_that_moves_starts_anew() -> None:
    one = invoice(due=DUE)
    known = decide(known_long_before(one), [one], DUE - 3 * DAY, USUAL).known
    moved = invoice(due=DUE + 5 * DAY)
    assert decide(known, [moved], DUE - 2 * DAY, USUAL).notices == (Notice(AlertKind.DUE, 1, 7, DUE + 5 * DAY),)


def test_a_due_date_that_moves_and_comes_back_repeats_nothing() -> None:
    one = invoice(due=DUE)
    known = decide(known_long_before(one), [one], DUE - 3 * DAY, USUAL).known
    known = decide(known, [invoice(due=DUE + 30 * DAY)], DUE - 3 * DAY, USUAL).known
    again = decide(known, [one], DUE - 3 * DAY, USUAL)
    assert again.notices == ()
    assert told_on([DUE - DAY], [one], again.known) == {DUE - DAY: [1]}


def test_a_due_date_that_one_odd_answer_left_out_repeats_nothing() -> None:
    one = invoice(due=DUE)
    known = decide(known_long_before(one), [one], DUE, USUAL).known
    known = decide(known, [invoice(due=None)], DUE, USUAL).known
    assert decide(known, [one], DUE, USUAL).notices == ()


def test_an_invoice_without_a_due_date_is_told_as_new_and_never_reminded_of() -> None:
    one = invoice(due=None)
    known = decide({}, [one], DUE, USUAL).known
    assert told_on((DUE + n * DAY for n in range(100)), [one], known) == {}


def test_an_open_invoice_with_nothing_left_to_pay_is_not_reminded_of() -> None:
    covered = replace(invoice(due=DUE), credit=Decimal("7.95"))
    assert covered.left_to_pay == 0
    assert told_on((DUE + n * DAY for n in range(-9, 9)), [covered], known_long_before(covered)) == {}


def test_an_invoice_whose_remainder_is_unclear_is_reminded_of() -> None:
    unclear = replace(invoice(due=DUE), credit=Decimal(1), subtotal=None)
    assert unclear.left_to_pay is None
    assert told_on([DUE], [unclear], known_long_before(unclear)) == {DUE: [0]}


def test_linking_tells_nothing_of_old_invoices_but_reminds_of_what_comes() -> None:
    old = [invoice(1, DUE - 103 * DAY), invoice(2, DUE), invoice(3, DUE, is_open=False)]
    today = DUE - 3 * DAY
    known = take_as_known(old, today, USUAL)
    assert decide(known, old, today, USUAL).notices == ()
    assert decide(known, old, today + 2 * DAY, USUAL).notices == (Notice(AlertKind.DUE, 2, 1, DUE),)


def test_a_gone_invoice_is_silent_and_reminded_of_again_once_it_is_back() -> None:
    one = invoice(due=DUE)
    known = forget(known_long_before(one), [1])
    assert decide(known, [], DUE, USUAL).notices == ()
    back = decide(known, [one], DUE, USUAL)
    assert back.notices == (Notice(AlertKind.DUE, 1, 0, DUE),)
    assert not back.known[1].gone


def test_what_is_missing_from_a_list_are_open_invoices_that_are_not_gone_soonest_due_first() -> None:
    listed, closed, gone = invoice(1, DUE), invoice(2, DUE, is_open=False), invoice(3, DUE)
    late, soon, undated = invoice(4, DUE + DAY), invoice(5, DUE), invoice(6)
    known = forget(known_long_before(listed, closed, gone, late, soon, undated), [3])
    assert missing_from(known, [listed], DUE - 30 * DAY, USUAL) == [5, 4, 6]


def test_of_what_is_missing_that_whose_reminder_has_come_stands_first() -> None:
    told, later, untold = invoice(1, DUE - DAY), invoice(2, DUE + 30 * DAY), invoice(3, DUE)
    known = dict(known_long_before(told, later, untold))
    known = {**known, **decide(known, [told], DUE, USUAL).known, 3: known[3]}
    assert missing_from(known, [], DUE, USUAL) == [3, 1, 2]


def test_a_schedule_without_thresholds_reminds_of_nothing() -> None:
    never = Schedule(before=(), after=())
    assert {reached_threshold(DUE, DUE + n * DAY, never) for n in range(-50, 50)} == {None}


# --- The hour of the day ---------------------------------------------------------------------------------------------


def test_a_days_reminders_come_at_the_hour_and_not_at_midnight() -> None:
    before, at = (datetime(2026, 6, 15, *clock, tzinfo=BERLIN) for clock in ((8, 59), (9, 0)))
    assert reminder_day(before, BERLIN, USUAL) == date(2026, 6, 14)
    assert reminder_day(at, BERLIN, USUAL) == date(2026, 6, 15)


@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_hour_is_the_wall_clocks_on_both_days_of_a_clock_change(night: date) -> None:
    for hour in (7, 9):
        nine = datetime.combine(night, time(hour), BERLIN).astimezone(UTC)
        schedule = Schedule(hour=hour)
        assert reminder_day(nine, BERLIN, schedule) == night
        assert reminder_day(nine - timedelta(seconds=1), BERLIN, schedule) == night - DAY


def test_an_hour_that_the_clock_skips_comes_when_the_clock_has_passed_it() -> None:
    schedule = Schedule(hour=2)
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00
    assert reminder_day(change - timedelta(seconds=1), BERLIN, schedule) == date(2026, 3, 28)
    assert reminder_day(change, BERLIN, schedule) == date(2026, 3, 29)


INSTANTS = st.integers(0, 40 * 365 * 86400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
ZONES = st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)), ZONES, st.integers(0, 23))
def test_the_reminder_day_never_goes_back(now: datetime, later: timedelta, zone: str, hour: int) -> None:
    schedule = Schedule(hour=hour)
    assert reminder_day(now, ZoneInfo(zone), schedule) <= reminder_day(now + later, ZoneInfo(zone), schedule)


@given(INSTANTS, ZONES, st.integers(0, 23))
def test_the_reminder_day_is_today_from_the_hour_on_and_else_yesterday(now: datetime, zone: str, hour: int) -> None:
    wall = now.astimezone(ZoneInfo(zone))
    expected = wall.date() if wall.hour >= hour else wall.date() - DAY
    assert reminder_day(now, ZoneInfo(zone), Schedule(hour=hour)) == expected
