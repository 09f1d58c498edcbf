"""When there will be something to tell even if nothing changes at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.alerts import KnownInvoice
from bot.domain.chats import Preferences, Silence
from bot.domain.invoices import Invoice
from bot.domain.knowledge import mark_gone
from bot.domain.reminders import next_look
from tests.domain.deciding import DAY, DUE, USUAL, known_long_before, noon
from tests.domain.moments import schedule
from tests.fakes import invoice, settled

ONE = invoice(due=DUE)
HOUR = timedelta(hours=1)


def nine(day: date) -> datetime:
    return noon(day) - 3 * HOUR


def after(known: Mapping[int, KnownInvoice], day: date, silence: Silence | None = None) -> datetime | None:
    return next_look(known, {1: silence} if silence else {}, USUAL, noon(day))


def test_it_is_the_next_reminders_hour() -> None:
    known = known_long_before(ONE)
    days = [DUE + n * DAY for n in (-20, -7, -6, -1, 0, 1, 7)]
    expected = [DUE + n * DAY for n in (-7, -3, -3, 0, 1, 3, 14)]
    assert [after(known, day) for day in days] == [nine(day) for day in expected]


def test_it_is_that_of_the_soonest_of_several() -> None:
    known = known_long_before(ONE, invoice(2, DUE - 4 * DAY), invoice(3, None))
    assert after(known, DUE - 20 * DAY) == nine(DUE - 11 * DAY)


@pytest.mark.parametrize(
    "quiet",
    [settled(ONE), invoice(due=None), replace(ONE, credit=Decimal(20))],
    ids=["settled", "without a due date", "covered"],
)
def test_an_invoice_that_cannot_be_due_has_none(quiet: Invoice) -> None:
    assert after(known_long_before(quiet), DUE - 20 * DAY) is None


def test_a_gone_invoice_has_none() -> None:
    assert after(mark_gone(known_long_before(ONE), [1]), DUE - 20 * DAY) is None


def test_without_reminder_days_there_is_none() -> None:
    never = schedule(Preferences(before=(), after=()))
    assert next_look(known_long_before(ONE), {}, never, noon(DUE)) is None


def test_a_muted_invoice_has_none() -> None:
    assert after(known_long_before(ONE), DUE - 20 * DAY, Silence(muted=True)) is None


def test_a_snoozed_invoice_has_the_snoozes_end_and_not_the_reminders_before() -> None:
    silence = Silence(noon(DUE - DAY) + HOUR)
    assert after(known_long_before(ONE), DUE - 20 * DAY, silence) == silence.until


def test_a_snoozed_invoice_without_a_due_date_has_the_snoozes_end() -> None:
    silence = Silence(noon(DUE))
    assert after(known_long_before(invoice(due=None)), DUE - 20 * DAY, silence) == silence.until


def test_once_a_snooze_has_ended_it_is_the_next_reminder_again() -> None:
    assert after(known_long_before(ONE), DUE - 5 * DAY, Silence(noon(DUE - 6 * DAY))) == nine(DUE - 3 * DAY)
