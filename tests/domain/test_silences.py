"""Snooze and mute: what they hold back and when they end. A snooze wakes exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.chats import Silence
from bot.domain.invoices import Invoice
from bot.domain.reminders import decide
from tests.domain.deciding import DAY, DUE, LINK, USUAL, known_long_before, look, noon, told, told_on
from tests.fakes import invoice, settled

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
ONE = invoice(due=DUE)
SECOND = timedelta(seconds=1)


def reminded(days: int) -> Mapping[int, KnownInvoice]:
    """Return what is known once the reminder so many days before the due date was told."""
    return look(known_long_before(ONE), [ONE], DUE - days * DAY).known


def test_a_silence_holds_until_its_end_or_for_ever() -> None:
    end = noon(DUE)
    assert not Silence().holds(end)
    assert Silence(end).holds(end - SECOND)
    assert not Silence(end).holds(end)
    assert Silence(muted=True).holds(end + 1000 * DAY)


# --- Snoozed ---------------------------------------------------------------------------------------------------------


def test_a_snooze_holds_reminders_back_and_wakes_once_as_things_stand_then() -> None:
    silences = {1: Silence(noon(DUE - DAY))}
    by_day = told_on((DUE + n * DAY for n in range(-7, 1)), [ONE], reminded(7), silences=silences)
    assert by_day == {DUE - DAY: [(DUE_SOON, 1, 1)], DUE: [(DUE_SOON, 1, 0)]}


def test_a_snooze_wakes_although_the_threshold_was_told_and_no_other_has_come() -> None:
    silences = {1: Silence(noon(DUE - 6 * DAY))}
    by_day = told_on((DUE + n * DAY for n in range(-7, -3)), [ONE], reminded(7), silences=silences)
    assert by_day == {DUE - 6 * DAY: [(DUE_SOON, 1, None)]}


def test_a_snooze_over_the_due_date_wakes_as_overdue() -> None:
    silences = {1: Silence(noon(DUE + 2 * DAY))}
    by_day = told_on((DUE + n * DAY for n in range(4)), [ONE], reminded(0), silences=silences)
    assert by_day == {DUE + 2 * DAY: [(OVERDUE, 1, -1)], DUE + 3 * DAY: [(OVERDUE, 1, -3)]}


def test_a_snooze_whose_end_was_missed_wakes_once_later() -> None:
    silences = {1: Silence(noon(DUE - 6 * DAY))}
    by_day = told_on((DUE - 5 * DAY, DUE - 4 * DAY), [ONE], reminded(7), silences=silences)
    assert by_day == {DUE - 5 * DAY: [(DUE_SOON, 1, None)]}


def test_each_snooze_wakes_once() -> None:
    first, second = Silence(noon(DUE - 6 * DAY)), Silence(noon(DUE - 5 * DAY))
    woken = look(reminded(7), [ONE], DUE - 6 * DAY, silences={1: first})
    assert len(woken.alerts) == 1
    again = look(woken.known, [ONE], DUE - 5 * DAY, silences={1: second})
    assert len(again.alerts) == 1
    assert told(look(again.known, [ONE], DUE - 4 * DAY, silences={1: second})) == []


def test_a_snooze_wakes_an_invoice_without_a_due_date_too() -> None:
    undated = invoice(due=None)
    known = look({}, [undated], DUE).known
    by_day = told_on((DUE + n * DAY for n in range(5)), [undated], known, silences={1: Silence(noon(DUE + DAY))})
    assert by_day == {DUE + DAY: [(DUE_SOON, 1, None)]}


@pytest.mark.parametrize("now", [settled(ONE), invoice(due=DUE, total="0")], ids=["paid", "covered"])
def test_a_snooze_does_not_wake_for_what_needs_no_paying_any_more(now: Invoice) -> None:
    by_day = told_on((DUE + n * DAY for n in range(-6, 3)), [now], reminded(7), silences={1: Silence(noon(DUE))})
    assert [kind for told_of in by_day.values() for kind, _, _ in told_of if kind is DUE_SOON] == []


def test_a_lifted_snooze_tells_what_was_held_back() -> None:
    asleep = look(reminded(7), [ONE], DUE - 3 * DAY, silences={1: Silence(noon(DUE))})
    assert told(asleep) == []
    assert told(look(asleep.known, [ONE], DUE - 3 * DAY)) == [(DUE_SOON, 1, 3)]


def test_a_lifted_snooze_that_held_nothing_back_tells_nothing() -> None:
    asleep = look(reminded(7), [ONE], DUE - 6 * DAY, silences={1: Silence(noon(DUE))})
    assert told(look(asleep.known, [ONE], DUE - 6 * DAY)) == []


def test_a_snooze_of_one_invoice_holds_no_other_back() -> None:
    other = invoice(2, DUE)
    known = known_long_before(ONE, other)
    assert told(look(known, [ONE, other], DUE, silences={1: Silence(noon(DUE + DAY))})) == [(DUE_SOON, 2, 0)]


# --- Muted -----------------------------------------------------------------------------------------------------------


def test_a_muted_invoice_is_never_reminded_of() -> None:
    days = (DUE + n * DAY for n in range(-9, 60))
    assert told_on(days, [ONE], known_long_before(ONE), silences={1: Silence(muted=True)}) == {}


def test_a_muted_invoice_says_nothing_of_changes_until_it_is_lifted() -> None:
    dearer = invoice(due=DUE, total="9.95")
    silent = look(reminded(7), [dearer], DUE - 6 * DAY, silences={1: Silence(muted=True)})
    assert told(silent) == []
    assert told(look(silent.known, [dearer], DUE - 5 * DAY)) == [(AlertKind.CHANGED, 1, None)]


def test_a_mute_that_is_lifted_tells_how_things_stand_then() -> None:
    known = look(reminded(7), [ONE], DUE + 5 * DAY, silences={1: Silence(muted=True)}).known
    assert told(look(known, [ONE], DUE + 5 * DAY)) == [(OVERDUE, 1, -3)]


def test_a_muted_invoice_that_opens_again_is_not_told_until_the_mute_is_lifted() -> None:
    known = look(reminded(7), [settled(ONE)], DUE).known
    muted = look(known, [ONE], DUE, silences={1: Silence(muted=True)})
    assert told(muted) == []
    assert told(look(muted.known, [ONE], DUE)) == [(AlertKind.REOPENED, 1, 0)]


# --- With the rest ---------------------------------------------------------------------------------------------------


def test_new_invoices_are_told_while_another_is_snoozed() -> None:
    new = invoice(2, DUE + 60 * DAY)
    silences = {1: Silence(noon(DUE))}
    assert told(look(reminded(7), [ONE, new], DUE - 3 * DAY, silences=silences)) == [(NEW, 2, None)]


def test_a_snooze_wakes_at_its_very_instant() -> None:
    end = noon(DUE - 6 * DAY) + timedelta(hours=3)
    for now, news in ((end - SECOND, 0), (end, 1)):
        decision = decide(reminded(7), [ONE], link=LINK, silences={1: Silence(end)}, shown=(), schedule=USUAL, now=now)
        assert len(decision.alerts) == news


def test_credit_that_covers_a_snoozed_invoice_and_is_taken_back_lets_it_wake() -> None:
    silences = {1: Silence(noon(DUE - 6 * DAY))}
    covered = look(reminded(7), [invoice(due=DUE, total="0")], DUE - 6 * DAY, silences=silences)
    assert DUE_SOON not in [kind for kind, _, _ in told(covered)]
    assert covered.known[1].left == Decimal(0)
