"""A new or changed invoice also counts as the reminder of the morning on which it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.chats import Preferences
from bot.domain.invoices import Invoice
from bot.domain.reminders import Decision, decide, next_look
from bot.domain.schedule import Schedule
from tests.domain.deciding import DUE, LINK, known_long_before, new_alert
from tests.domain.moments import BERLIN
from tests.fakes import invoice

USUAL = Preferences()
NEVER_QUIET = Preferences(quiet=None)
ONE = invoice(due=DUE)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=BERLIN)


def check(
    known: Mapping[int, KnownInvoice], now: datetime, preferences: Preferences = USUAL, read: Invoice = ONE
) -> Decision:
    return decide(known, [read], link=LINK, silences={}, shown=(), schedule=Schedule(preferences, BERLIN), now=now)


@pytest.mark.parametrize("found", [at(7, 23, 30), at(8, 2), at(8, 7, 59), at(8, 8), at(8, 8, 59), at(8, 9)])
def test_what_is_found_in_the_night_or_shortly_before_the_hour_is_told_once_that_morning(found: datetime) -> None:
    decision = check({}, found)
    assert decision.alerts == (new_alert(found, AlertKind.NEW, 1, 7, DUE),)
    assert check(decision.known, at(8, 9)).alerts == ()
    assert next_look(decision.known, {}, Schedule(USUAL, BERLIN), found) == at(12, 9)


def test_a_change_that_is_found_in_the_night_is_the_reminder_of_that_morning() -> None:
    dearer, found = invoice(due=DUE, total="9.95"), at(8, 2)
    decision = check(known_long_before(ONE), found, read=dearer)
    assert decision.alerts == (new_alert(found, AlertKind.CHANGED, 1, 7, DUE, ONE.gross, DUE),)
    assert check(decision.known, at(8, 9), read=dearer).alerts == ()


def test_what_is_found_at_midnight_where_nothing_is_quiet_is_reminded_of_in_the_morning() -> None:
    decision = check({}, at(15, 0, 10), NEVER_QUIET)
    assert decision.alerts == (new_alert(at(15, 0, 10), AlertKind.NEW, 1, 1, DUE),)
    morning = at(15, 9)
    assert check(decision.known, morning, NEVER_QUIET).alerts == (new_alert(morning, AlertKind.DUE, 1, 0, DUE),)
