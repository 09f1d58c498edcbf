"""Alerts about an invoice with a changed sum or due date, and about a settled one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.chats import Silence
from bot.domain.knowledge import GONE_AFTER, mark_gone, mark_missing
from bot.domain.reminders import next_look
from tests.domain.deciding import DAY, DUE, USUAL, known_long_before, look, new_alert, noon, told
from tests.fakes import invoice, settled

NEW, DUE_SOON, CHANGED, SETTLED = AlertKind.NEW, AlertKind.DUE, AlertKind.CHANGED, AlertKind.SETTLED
REOPENED = AlertKind.REOPENED
SECOND = timedelta(seconds=1)
ONE = invoice(due=DUE)
EARLY = DUE - 20 * DAY

# --- Sums ------------------------------------------------------------------------------------------------------------


def told_before(gross: str | None = "7.95", due: date | None = DUE) -> tuple[Decimal | None, date | None]:
    """Return the sum and the due date that an alert about a change says the person was told."""
    return (None if gross is None else Decimal(gross)), due


def test_another_sum_is_told_once() -> None:
    dearer = invoice(due=DUE, total="9.95")
    decision = look(known_long_before(ONE), [dearer], EARLY)
    assert decision.alerts == (new_alert(noon(EARLY), CHANGED, 1, None, DUE, *told_before()),)
    assert told(look(decision.known, [dearer], EARLY + DAY)) == []


def test_a_sum_that_changes_back_is_told_again_if_the_change_was() -> None:
    known = look(known_long_before(ONE), [invoice(due=DUE, total="9.95")], EARLY).known
    back = look(known, [ONE], EARLY + DAY)
    assert told(back) == [(CHANGED, 1, None)]
    assert told(look(back.known, [ONE], EARLY + 2 * DAY)) == []


@pytest.mark.parametrize(("total", "news"), [("7.95", False), ("7.96", False), ("7.94", False), ("7.97", True)])
def test_a_cent_is_no_change(total: str, news: bool) -> None:
    decision = look(known_long_before(ONE), [invoice(due=DUE, total=total)], EARLY)
    assert bool(decision.alerts) is news


def test_cents_that_add_up_are_a_change_in_the_end() -> None:
    known, news = known_long_before(ONE), []
    for total in ("7.96", "7.97", "7.98", "7.99"):
        decision = look(known, [invoice(due=DUE, total=total)], EARLY)
        known = decision.known
        news.append(len(decision.alerts))
    assert news == [0, 1, 0, 1]


@pytest.mark.parametrize("net", [False, True])
def test_credit_that_is_applied_is_no_change(net: bool) -> None:
    """The provider's total can be before or after (``net``) the credit."""
    credit = Decimal(5)
    total = ONE.total - credit if net else ONE.total
    credited = replace(ONE, credit=credit, total=total)
    assert credited.left_to_pay == Decimal("2.95")
    assert told(look(known_long_before(ONE), [credited], EARLY)) == []


def test_a_sum_that_is_unclear_is_no_change_and_neither_is_the_same_one_afterwards() -> None:
    unclear = replace(ONE, credit=Decimal(1), subtotal=None)
    decision = look(known_long_before(ONE), [unclear], EARLY)
    assert told(decision) == []
    assert told(look(decision.known, [ONE], EARLY)) == []


def test_a_sum_that_was_unclear_when_it_was_told_is_no_change_once_it_is_clear() -> None:
    unclear = replace(ONE, credit=Decimal(1), subtotal=None)
    known = look({}, [unclear], EARLY).known
    assert told(look(known, [ONE], EARLY + DAY)) == []
    known = look(known, [ONE], EARLY + DAY).known
    assert told(look(known, [invoice(due=DUE, total="20.00")], EARLY + 2 * DAY)) == [(CHANGED, 1, None)]


# --- Due dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-5, 5])
def test_another_due_date_is_told_once(days: int) -> None:
    moved = invoice(due=DUE + days * DAY)
    decision = look(known_long_before(ONE), [moved], EARLY)
    assert decision.alerts == (new_alert(noon(EARLY), CHANGED, 1, None, DUE + days * DAY, *told_before()),)
    assert told(look(decision.known, [moved], EARLY + DAY)) == []


def test_sum_and_due_date_at_once_are_one_change() -> None:
    both = invoice(due=DUE + 5 * DAY, total="9.95")
    assert told(look(known_long_before(ONE), [both], EARLY)) == [(CHANGED, 1, None)]


def test_a_due_date_that_moves_begins_anew_and_the_change_counts_as_the_reminder_of_its_day() -> None:
    known = look(known_long_before(ONE), [ONE], DUE - 3 * DAY).known
    moved = invoice(due=DUE + 5 * DAY)
    decision = look(known, [moved], DUE - 2 * DAY)
    assert decision.alerts == (new_alert(noon(DUE - 2 * DAY), CHANGED, 1, 7, DUE + 5 * DAY, *told_before()),)
    assert told(look(decision.known, [moved], DUE - DAY)) == []
    assert told(look(decision.known, [moved], DUE + 2 * DAY)) == [(DUE_SOON, 1, 3)]


def test_a_due_date_that_moves_and_comes_back_repeats_no_reminder() -> None:
    known = look(known_long_before(ONE), [ONE], DUE - 3 * DAY).known
    known = look(known, [invoice(due=DUE + 30 * DAY)], DUE - 3 * DAY).known
    again = look(known, [ONE], DUE - 3 * DAY)
    before = told_before(due=DUE + 30 * DAY)
    assert again.alerts == (new_alert(noon(DUE - 3 * DAY), CHANGED, 1, None, DUE, *before),)
    assert told(look(again.known, [ONE], DUE - DAY)) == [(DUE_SOON, 1, 1)]


def test_a_due_date_that_one_odd_answer_left_out_repeats_nothing_and_is_no_change() -> None:
    known = look(known_long_before(ONE), [ONE], DUE).known
    without = look(known, [invoice(due=None)], DUE)
    assert told(without) == []
    assert told(look(without.known, [ONE], DUE)) == []


def test_a_due_date_that_answers_leave_out_is_reminded_of_as_it_was_known() -> None:
    without = look(known_long_before(ONE), [invoice(due=None)], DUE - 3 * DAY)
    assert told(without) == [(DUE_SOON, 1, 3)]
    assert told(look(without.known, [invoice(due=None)], DUE)) == [(DUE_SOON, 1, 0)]


def test_a_due_date_that_an_invoice_gets_later_is_told() -> None:
    known = look({}, [invoice(due=None)], EARLY).known
    change = new_alert(noon(EARLY + DAY), CHANGED, 1, None, DUE, *told_before(due=None))
    assert look(known, [ONE], EARLY + DAY).alerts == (change,)


def test_a_change_on_a_reminder_day_is_one_thing_to_tell() -> None:
    dearer = invoice(due=DUE, total="9.95")
    decision = look(known_long_before(ONE), [dearer], DUE - 3 * DAY)
    assert decision.alerts == (new_alert(noon(DUE - 3 * DAY), CHANGED, 1, 3, DUE, *told_before()),)
    assert told(look(decision.known, [dearer], DUE - 2 * DAY)) == []


def test_a_change_before_an_invoice_was_told_as_new_is_not_told_apart() -> None:
    known = look({}, [ONE], EARLY).known
    unheard = {1: replace(known[1], announced=False)}
    assert told(look(unheard, [invoice(due=DUE, total="9.95")], EARLY)) == [(NEW, 1, None)]


def test_a_change_of_what_is_closed_is_not_told() -> None:
    known = look(known_long_before(ONE), [settled(ONE)], EARLY, shown={1}).known
    assert told(look(known, [settled(invoice(due=DUE + DAY, total="9.95"))], EARLY, shown={1})) == []


def test_a_change_waits_for_a_snooze_to_end() -> None:
    dearer = invoice(due=DUE, total="9.95")
    until = noon(EARLY + DAY)
    asleep = look(known_long_before(ONE), [dearer], EARLY, silences={1: Silence(until)})
    assert told(asleep) == []
    assert told(look(asleep.known, [dearer], EARLY + DAY, silences={1: Silence(until)})) == [(CHANGED, 1, None)]


# --- Settled ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Paid", "Cancelled", "Refunded", "Something else"])
def test_a_settled_invoice_is_told_once_if_the_chat_shows_it(status: str) -> None:
    closed = settled(ONE, status)
    decision = look(known_long_before(ONE), [closed], EARLY, shown={1})
    assert told(decision) == [(SETTLED, 1, None)]
    assert told(look(decision.known, [closed], EARLY + DAY, shown={1})) == []


def test_a_settled_invoice_is_not_told_if_the_chat_never_showed_it() -> None:
    decision = look(known_long_before(ONE), [settled(ONE)], EARLY, shown={2})
    assert told(decision) == []


def test_a_message_that_arrives_after_the_reading_still_gets_its_settled_alert() -> None:
    """The invoice was read while the message was on its way, so nobody knew yet that the chat would show it."""
    on_its_way = look(known_long_before(ONE), [settled(ONE)], EARLY, shown=()).known
    assert told(look(on_its_way, [settled(ONE)], EARLY + DAY, shown={1})) == [(SETTLED, 1, None)]


def test_what_the_provider_no_longer_has_is_settled() -> None:
    known = mark_gone(known_long_before(ONE), [1])
    decision = look(known, [], EARLY, shown={1})
    assert told(decision) == [(SETTLED, 1, None)]
    assert told(look(decision.known, [], EARLY + DAY, shown={1})) == []


def test_an_invoice_that_was_gone_without_a_word_of_it_is_back_without_a_word() -> None:
    known = look(mark_gone(known_long_before(ONE), [1]), [], EARLY).known
    assert told(look(known, [ONE], EARLY + DAY)) == []
    back = look(known, [invoice(due=DUE, total="9.95")], DUE - 3 * DAY)
    assert told(back) == [(CHANGED, 1, 3)]


def test_a_due_date_that_was_withdrawn_before_a_word_was_said_is_news_later() -> None:
    known = look({}, [settled(ONE, "Cancelled")], EARLY).known
    known = look(known, [replace(ONE, due=None)], EARLY + DAY).known
    assert told(look(known, [ONE], EARLY + 2 * DAY)) == [(CHANGED, 1, None)]


def test_an_invoice_that_was_gone_and_is_back_is_not_told_while_a_message_shows_it_as_open() -> None:
    known = mark_gone(known_long_before(ONE), [1])
    assert told(look(known, [ONE], EARLY + DAY, shown={1})) == []


def test_an_invoice_that_was_told_as_gone_is_open_again_once_it_is_back() -> None:
    known = look(mark_gone(known_long_before(ONE), [1]), [], EARLY, shown={1}).known
    back = look(known, [ONE], EARLY + DAY)
    assert told(back) == [(REOPENED, 1, None)]
    assert told(look(back.known, [ONE], EARLY + 2 * DAY)) == []


def test_that_it_is_open_again_counts_as_the_reminder_of_its_day() -> None:
    known = look(mark_gone(known_long_before(ONE), [1]), [], EARLY, shown={1}).known
    back = look(known, [ONE], DUE - 3 * DAY)
    assert told(back) == [(REOPENED, 1, 3)]
    assert told(look(back.known, [ONE], DUE - 2 * DAY)) == []


def test_of_a_muted_invoice_it_is_not_said_that_it_is_open_again() -> None:
    known = look(mark_gone(known_long_before(ONE), [1]), [], EARLY, shown={1}).known
    assert told(look(known, [ONE], EARLY + DAY, silences={1: Silence(muted=True)})) == []


# --- Gone only at the second word of it ------------------------------------------------------------------------------

FIRST = noon(EARLY)


@pytest.mark.parametrize(("after", "gone"), [(timedelta(0), False), (GONE_AFTER - SECOND, False), (GONE_AFTER, True)])
def test_only_a_second_word_some_time_after_the_first_makes_an_invoice_gone(after: timedelta, gone: bool) -> None:
    known = mark_missing(known_long_before(ONE), [1], FIRST)
    assert known[1].is_open
    assert (known[1].missing_since, known[1].unread_since) == (FIRST, FIRST)
    assert mark_missing(known, [1], FIRST + after)[1].is_open is not gone


def test_an_invoice_that_was_missing_once_is_back_as_if_nothing_had_been() -> None:
    known = look(mark_missing(known_long_before(ONE), [1], FIRST), [ONE], EARLY, shown={1}).known
    assert (known[1].missing_since, known[1].unread_since) == (None, None)
    assert mark_missing(known, [1], FIRST + DAY)[1].is_open


def test_an_invoice_that_is_missing_for_the_first_time_is_still_reminded_of() -> None:
    known = mark_missing(known_long_before(ONE), [1], noon(DUE))
    assert told(look(known, [], DUE)) == [(DUE_SOON, 1, 0)]


def test_the_second_question_comes_soon() -> None:
    known = mark_missing(known_long_before(ONE), [1], FIRST)
    assert next_look(known, {}, USUAL, FIRST) == FIRST + GONE_AFTER


def test_a_second_question_that_could_not_be_asked_hides_no_reminder() -> None:
    known = mark_missing(known_long_before(ONE, invoice(2, DUE)), [1], FIRST)
    later = FIRST + GONE_AFTER
    assert next_look(known, {}, USUAL, later) == next_look({2: known[2]}, {}, USUAL, later)


def test_a_clock_that_begins_in_1970_makes_nothing_gone_once_it_is_right() -> None:
    known = mark_missing(known_long_before(ONE), [1], datetime(1970, 1, 1, 1, tzinfo=UTC))
    known = mark_missing(known, [1], FIRST)
    assert known[1].is_open
    assert mark_missing(known, [1], datetime(1970, 1, 1, 1, tzinfo=UTC)) == known
    assert not mark_missing(known, [1], FIRST + GONE_AFTER)[1].is_open


def test_a_clock_that_was_ahead_makes_nothing_gone_at_once_and_keeps_nothing_for_years() -> None:
    known = mark_missing(known_long_before(ONE), [1], FIRST + 400 * DAY)
    known = mark_missing(known, [1], FIRST)
    assert known[1].is_open
    assert not mark_missing(known, [1], FIRST + GONE_AFTER)[1].is_open


def test_what_is_settled_opened_and_settled_again_is_told_each_time() -> None:
    known: Mapping[int, KnownInvoice] = known_long_before(ONE)
    kinds = []
    for read in (settled(ONE), ONE, settled(ONE, "Cancelled"), ONE):
        decision = look(known, [read], EARLY, shown={1})
        known = decision.known
        kinds += [kind for kind, _, _ in told(decision)]
    assert kinds == [SETTLED, REOPENED, SETTLED, REOPENED]


def test_a_refund_of_what_was_told_as_paid_is_not_told_again() -> None:
    known = look(known_long_before(ONE), [settled(ONE)], EARLY, shown={1}).known
    assert told(look(known, [settled(ONE, "Refunded")], EARLY + DAY, shown={1})) == []


def test_a_snoozed_invoice_is_told_to_be_settled_at_once() -> None:
    silences = {1: Silence(noon(DUE))}
    assert told(look(known_long_before(ONE), [settled(ONE)], EARLY, silences=silences, shown={1})) == [
        (SETTLED, 1, None)
    ]
