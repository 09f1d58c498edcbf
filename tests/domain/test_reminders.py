"""The reminder rules by example: new invoices, reminders, and what keeps them from being told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Preferences
from bot.domain.knowledge import mark_gone, missing_from, take_as_known
from bot.domain.standings import Standing
from tests.domain.deciding import DAY, DUE, USUAL, known_long_before, look, new_alert, noon, told, told_on
from tests.domain.moments import schedule
from tests.fakes import invoice, settled

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
REOPENED = AlertKind.REOPENED


# --- Reminders -------------------------------------------------------------------------------------------------------


def test_a_reminder_comes_7_3_1_and_0_days_before_and_1_3_7_days_after_then_weekly() -> None:
    one = invoice(due=DUE)
    by_day = told_on((DUE + n * DAY for n in range(-30, 30)), [one], known_long_before(one))
    soon = {DUE - n * DAY: [(DUE_SOON, 1, n)] for n in (7, 3, 1, 0)}
    late = {DUE + n * DAY: [(OVERDUE, 1, -n)] for n in (1, 3, 7, 14, 21, 28)}
    assert by_day == {**soon, **late}


def test_weekly_reminders_go_on_for_years() -> None:
    one = invoice(due=DUE)
    by_day = told_on((DUE + n * DAY for n in range(1000)), [one], known_long_before(one))
    weekly = [day for day in by_day if day > DUE + 7 * DAY]
    assert weekly == [DUE + n * DAY for n in range(14, 1000, 7)]


def test_reminders_missed_for_long_come_once_as_things_stand_now() -> None:
    one = invoice(due=DUE)
    decision = look(known_long_before(one), [one], DUE + 40 * DAY)
    assert decision.alerts == (new_alert(noon(DUE + 40 * DAY), OVERDUE, 1, -35, DUE),)


def test_reminders_come_from_what_is_known_while_nothing_can_be_read() -> None:
    one = invoice(due=DUE)
    by_day = told_on((DUE + n * DAY for n in range(-8, 2)), [], known_long_before(one))
    assert list(by_day) == [DUE - n * DAY for n in (7, 3, 1, 0, -1)]


def test_an_invoice_without_a_due_date_is_told_as_new_and_never_reminded_of() -> None:
    one = invoice(due=None)
    known = look({}, [one], DUE).known
    assert told_on((DUE + n * DAY for n in range(100)), [one], known) == {}


def test_an_open_invoice_with_nothing_left_to_pay_is_not_reminded_of() -> None:
    covered = replace(invoice(due=DUE), credit=Decimal("7.95"))
    assert covered.left_to_pay == 0
    assert told_on((DUE + n * DAY for n in range(-9, 9)), [covered], known_long_before(covered)) == {}


def test_an_invoice_whose_remainder_is_unclear_is_reminded_of() -> None:
    unclear = replace(invoice(due=DUE), credit=Decimal(1), subtotal=None)
    assert unclear.left_to_pay is None
    assert told_on([DUE], [unclear], known_long_before(unclear)) == {DUE: [(DUE_SOON, 1, 0)]}


def test_what_was_covered_and_is_to_be_paid_again_is_reminded_of() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [replace(one, credit=one.total)], DUE - 2 * DAY).known
    assert told(look(known, [one], DUE - DAY)) == [(DUE_SOON, 1, 1)]


def test_the_soonest_due_is_told_first_and_what_is_new_before_all() -> None:
    late, soon, new = invoice(1, DUE + 7 * DAY), invoice(2, DUE), invoice(3, DUE + 90 * DAY)
    decision = look(known_long_before(late, soon), [late, soon, new], DUE)
    assert told(decision) == [(NEW, 3, None), (DUE_SOON, 2, 0), (DUE_SOON, 1, 7)]


# --- Preferences that change -----------------------------------------------------------------------------------------


def test_changed_preferences_apply_to_invoices_that_are_known_already() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE - 7 * DAY).known
    denser = schedule(Preferences(before=(7, 6, 5), after=()))
    by_day = told_on((DUE + n * DAY for n in range(-7, 3)), [one], known, clock=denser)
    assert list(by_day) == [DUE - 6 * DAY, DUE - 5 * DAY]


def test_a_threshold_that_was_added_behind_the_last_one_told_is_not_told_late() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE - 3 * DAY).known
    assert told(look(known, [one], DUE - 2 * DAY, clock=schedule(Preferences(before=(5, 3))))) == []


def test_a_threshold_that_is_added_and_has_come_is_told_now() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE - 7 * DAY).known
    assert told(look(known, [one], DUE - 4 * DAY, clock=schedule(Preferences(before=(5,))))) == [(DUE_SOON, 1, 5)]


def test_another_hour_tells_nothing_again() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE).known
    for hour in range(24):
        assert told(look(known, [one], DUE, clock=schedule(Preferences(hour=hour)))) == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kathmandu"])
def test_another_time_zone_tells_nothing_again(zone: str) -> None:
    one = invoice(due=DUE)
    before = told_on([DUE - 7 * DAY, DUE - 3 * DAY], [one], known_long_before(one))
    assert len(before) == 2
    known = look(known_long_before(one), [one], DUE - 3 * DAY).known
    there = schedule(Preferences(zone=zone))
    by_day = told_on((DUE - n * DAY for n in (3, 2, 1, 0, -1)), [one], known, clock=there)
    thresholds = [n for told_of in by_day.values() for _, _, n in told_of if n is not None]
    assert thresholds == sorted(set(thresholds), reverse=True)
    assert set(thresholds) <= {1, 0, -1}


# --- New ones --------------------------------------------------------------------------------------------------------


def test_a_new_open_invoice_is_told_at_once_and_that_counts_as_the_reminder_of_the_day() -> None:
    one = invoice(due=DUE)
    decision = look({}, [one], DUE - 3 * DAY)
    assert decision.alerts == (new_alert(noon(DUE - 3 * DAY), NEW, 1, 3, DUE),)
    days = [DUE - 3 * DAY, DUE - 2 * DAY, DUE - DAY]
    assert told_on(days, [one], decision.known) == {DUE - DAY: [(DUE_SOON, 1, 1)]}


def test_an_invoice_that_is_listed_twice_is_told_once() -> None:
    one = invoice(due=DUE)
    assert look({}, [one, one], DUE).alerts == (new_alert(noon(DUE), NEW, 1, 0, DUE),)


def test_an_invoice_that_is_paid_on_creation_is_told_once() -> None:
    paid = replace(invoice(due=DUE, is_open=False), issued=DUE - DAY)
    decision = look({}, [paid], DUE)
    assert decision.alerts == (new_alert(noon(DUE), NEW, 1, None, DUE),)
    assert told_on((DUE + n * DAY for n in range(60)), [paid], decision.known) == {}


def test_an_invoice_over_nothing_that_is_paid_on_creation_is_told_once() -> None:
    free = replace(invoice(due=DUE, total="0", is_open=False), issued=DUE)
    assert told(look({}, [free], DUE)) == [(NEW, 1, None)]


@pytest.mark.parametrize(("age", "news"), [(30, True), (31, True), (32, False), (900, False)])
def test_a_paid_invoice_is_news_for_a_month_and_an_older_one_was_missing_from_lists(age: int, news: bool) -> None:
    paid = replace(invoice(due=DUE, is_open=False), issued=DUE - age * DAY)
    decision = look({}, [paid], DUE)
    assert told(decision) == ([(NEW, 1, None)] if news else [])
    assert told(look(decision.known, [paid], DUE + DAY)) == []


@pytest.mark.parametrize("status", ["Cancelled", "Refunded", "Draft", "Something else"])
def test_a_new_invoice_that_is_closed_and_not_paid_is_no_news(status: str) -> None:
    closed = settled(invoice(due=DUE), status)
    decision = look({}, [closed], DUE)
    assert decision.alerts == ()
    assert decision.known.keys() == {1}
    assert told_on((DUE + n * DAY for n in range(60)), [closed], decision.known) == {}


def test_linking_tells_nothing_of_old_invoices_but_reminds_of_what_comes() -> None:
    old = [invoice(1, DUE - 103 * DAY), invoice(2, DUE), invoice(3, DUE, is_open=False)]
    known = take_as_known(old, USUAL, noon(DUE - 3 * DAY))
    assert look(known, old, DUE - 3 * DAY).alerts == ()
    assert look(known, old, DUE - DAY).alerts == (new_alert(noon(DUE - DAY), DUE_SOON, 2, 1, DUE),)


# --- Reopened, vanished and back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Paid", "Cancelled", "Refunded"])
def test_an_invoice_that_opens_again_is_told_so_once(status: str) -> None:
    one = invoice(due=DUE)
    decision = look(known_long_before(settled(one, status)), [one], DUE - 20 * DAY)
    assert told(decision) == [(REOPENED, 1, None)]
    assert told(look(decision.known, [one], DUE - 19 * DAY)) == []


@pytest.mark.parametrize("status", ["Draft", "Collections", "Something else"])
def test_what_was_closed_without_a_word_of_how_when_the_chat_was_linked_is_new_once_it_opens(status: str) -> None:
    one = invoice(due=DUE)
    decision = look(known_long_before(settled(one, status)), [one], DUE - 20 * DAY)
    assert told(decision) == [(NEW, 1, None)]


@pytest.mark.parametrize("status", ["Draft", "Cancelled"])
def test_what_was_closed_before_it_was_ever_announced_is_new_once_it_opens(status: str) -> None:
    one = invoice(due=DUE)
    known = look({}, [settled(one, status)], DUE - 20 * DAY).known
    assert told(look(known, [one], DUE - 19 * DAY)) == [(NEW, 1, None)]


def test_an_invoice_that_opens_again_repeats_no_reminder_that_was_told() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE - 3 * DAY).known
    known = look(known, [settled(one)], DUE - 3 * DAY).known
    again = look(known, [one], DUE - 2 * DAY)
    assert told(again) == [(REOPENED, 1, None)]
    assert told_on([DUE - DAY], [one], again.known) == {DUE - DAY: [(DUE_SOON, 1, 1)]}


def test_a_gone_invoice_is_silent_and_reminded_of_again_once_it_is_back() -> None:
    one = invoice(due=DUE)
    known = mark_gone(known_long_before(one), [1])
    assert look(known, [], DUE).alerts == ()
    back = look(known, [one], DUE + DAY)
    assert back.known[1].standing is Standing.OPEN
    assert [threshold for _, _, threshold in told(back)] == [-1]


def test_missing_from_a_list_are_open_invoices_that_are_not_gone_the_soonest_due_first() -> None:
    listed, closed, gone = invoice(1, DUE), invoice(2, DUE, is_open=False), invoice(3, DUE)
    late, soon, undated = invoice(4, DUE + DAY), invoice(5, DUE), invoice(6)
    known = mark_gone(known_long_before(listed, closed, gone, late, soon, undated), [3])
    assert missing_from(known, [listed], USUAL, noon(DUE - 30 * DAY)) == [5, 4, 6]


def test_a_missing_invoice_with_a_reminder_due_stands_first() -> None:
    was_told, later, untold = invoice(1, DUE - DAY), invoice(2, DUE + 30 * DAY), invoice(3, DUE)
    known = dict(known_long_before(was_told, later, untold))
    known = {**known, **look(known, [was_told], DUE).known, 3: known[3]}
    assert missing_from(known, [], USUAL, noon(DUE)) == [3, 1, 2]


def test_what_was_forgotten_keeps_what_was_told_of_it() -> None:
    one = invoice(due=DUE)
    known = look(known_long_before(one), [one], DUE).known
    (after,) = mark_gone(known, [1]).values()
    assert replace(after, standing=Standing.OPEN) == known[1]


def test_a_bad_date_of_issue_is_no_reason_to_keep_a_paid_invoice_back() -> None:
    undated = replace(invoice(due=DUE, is_open=False), issued=None)
    assert told(look({}, [undated], date(2026, 6, 1))) == [(NEW, 1, None)]
