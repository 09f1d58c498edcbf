"""Which invoices a live message shows as they stand now, and how live messages are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from bot.domain.invoices import Listing
from bot.domain.live_messages import LIVE_MESSAGES_KEPT, LiveMessage, shown_now, state_of, with_message
from tests.fakes import invoice

ONE, TWO = invoice(1, date(2026, 6, 15), "10.00"), invoice(2, date(2026, 6, 1), "20.00", is_open=False, status="Paid")
BOTH = Listing((TWO, ONE))


def live(shows: str) -> LiveMessage:
    return LiveMessage(1, None, shows, "")


@pytest.mark.parametrize(
    ("shows", "expected"),
    [
        ("show:1", (ONE,)),
        ("show:1:all.any.0.2", (ONE,)),
        ("list:all.any.0.0", (ONE, TWO)),
        ("list:open.any.0.0", (ONE,)),
        ("filter:paid.any.0.0", (TWO,)),
        ("choose:pay", (ONE, TWO)),
        ("choose:pdf:1", (ONE, TWO)),
        ("jump:2026:paid.any.0.0", (TWO,)),
        ("list:paid.any.0.0..202606", (TWO,)),
    ],
)
def test_a_message_shows_its_invoices_as_they_stand_now(shows: str, expected: tuple[object, ...]) -> None:
    shown = shown_now(live(shows), BOTH, BOTH.invoices)
    assert shown is not None
    assert shown.invoices == expected


@pytest.mark.parametrize(("shows", "number"), [("choose:pdf", 0), ("choose:pdf:1", 1), ("choose:pay:12", 12)])
def test_a_choice_knows_its_page(shows: str, number: int) -> None:
    assert live(shows).number == number
    assert live(shows).subject in {"pdf", "pay"}


def test_of_a_reading_that_does_not_tell_nothing_follows() -> None:
    assert shown_now(live("show:3"), BOTH, BOTH.invoices) is None
    assert shown_now(live("list:all.any.1.0"), BOTH, BOTH.invoices) is None
    for part in (replace(BOTH, rest="page=2"), replace(BOTH, resumed=True)):
        assert shown_now(live("list:all.any.0.0"), part, part.invoices) is None
        assert shown_now(live("show:1"), part, part.invoices) is not None


def test_the_state_differs_once_an_invoice_stands_otherwise() -> None:
    for other in (replace(ONE, credit=Decimal(1)), replace(ONE, due=None), replace(ONE, is_open=False)):
        assert state_of([ONE]) != state_of([other])
    assert state_of([ONE]) == state_of([replace(ONE, status_label="Unbezahlt")])


def test_a_message_has_one_entry_and_only_the_newest_are_kept() -> None:
    messages: tuple[LiveMessage, ...] = ()
    for number in range(30):
        messages = with_message(messages, None, LiveMessage(number, None, "show:1", "")) or ()
    assert [each.message_id for each in messages] == list(range(30 - LIVE_MESSAGES_KEPT, 30))
    again = LiveMessage(29, None, "list:all.any.0.0", "")
    assert (with_message(messages, None, again) or ())[-1] == again
    assert with_message(messages, again, None) is None
