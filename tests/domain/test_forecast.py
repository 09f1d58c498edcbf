"""What the coming days will cost, by what is open and by the periods in descriptions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.domain.forecast import forecast
from bot.domain.invoices import Invoice, Item
from bot.domain.spending import Sum
from tests.chat.samples import invoice

BERLIN = ZoneInfo("Europe/Berlin")
ZERO = Decimal(0)
TODAY = date(2026, 11, 29)
PAID: dict[str, Any] = {"is_open": False, "status": "Paid"}


def bill(
    start: date, end: date, number: int = 1, relid: int | None = 5, kind: str = "Hosting", **others: Any
) -> Invoice:
    """An invoice over 10.00 net, 11.90 gross."""
    text = f"KVM ({start:%d.%m.%Y} - {end:%d.%m.%Y})"
    figures = {"subtotal": Decimal(10), "tax": Decimal("1.90"), "tax_rate": Decimal(19), "total": Decimal("11.90")}
    items = (Item(kind, text, text, Decimal(10), relid),)
    return invoice(number, **{"items": items, "credit": Decimal(0), **PAID, **figures, **others})


def monthly(number: int = 1, **others: Any) -> Invoice:
    return bill(date(2026, 11, 10), date(2026, 12, 9), number, **others)


def coming(*invoices: Invoice, days: int = 90) -> tuple[Decimal, Decimal]:
    found = forecast(invoices, BERLIN, TODAY, days)
    return found.open.gross, found.renewals.gross


def test_a_service_goes_on_as_often_as_its_period_fits_in() -> None:
    assert coming(monthly(), days=10) == (ZERO, ZERO)
    assert coming(monthly(), days=30) == (ZERO, Decimal("11.90"))
    assert coming(monthly(), days=90) == (ZERO, Decimal("35.70"))
    assert forecast([monthly()], BERLIN, TODAY, 30).total == Sum(Decimal("11.90"), Decimal("10.00"))


def test_a_year_that_ends_soon_is_renewed_once() -> None:
    assert coming(bill(date(2025, 12, 27), date(2026, 12, 26))) == (ZERO, Decimal("11.90"))
    assert coming(bill(date(2026, 5, 1), date(2027, 4, 30))) == (ZERO, ZERO)


def test_what_is_open_is_to_be_paid_and_its_own_period_does_not_come_twice() -> None:
    unpaid: dict[str, Any] = {"is_open": True, "status": "Unpaid", "due": date(2026, 12, 10)}
    new = bill(date(2026, 12, 10), date(2027, 1, 9), 2, **unpaid)
    assert coming(monthly(), new, days=30) == (Decimal("11.90"), ZERO)
    assert coming(monthly(), new, days=60) == (Decimal("11.90"), Decimal("11.90"))
    assert coming(bill(date(2026, 12, 10), date(2027, 1, 9), 2, **{**unpaid, "due": None}), days=5)[0] > 0
    assert coming(bill(date(2027, 3, 10), date(2027, 4, 9), 2, **{**unpaid, "due": date(2027, 3, 10)}))[0] == 0
    overdue = monthly(is_open=True, status="Unpaid", due=date(2026, 11, 10))
    assert coming(overdue, days=5)[0] == Decimal("11.90")


@pytest.mark.parametrize(
    "ended",
    [
        bill(date(2026, 9, 10), date(2026, 10, 9)),
        monthly(status="Cancelled"),
        monthly(status="Refunded"),
        monthly(kind="Donation"),
        bill(date(2026, 11, 10), date(2026, 12, 9), items=(Item("Hosting", "KVM", "KVM", Decimal(10), 5),)),
    ],
)
def test_what_has_ended_or_names_no_period_does_not_come_again(ended: Invoice) -> None:
    assert coming(ended) == (ZERO, ZERO)


def test_an_invoice_that_was_made_anew_for_the_same_period_goes_on() -> None:
    for bills in ([monthly(1, status="Cancelled"), monthly(2)], [monthly(2), monthly(1, status="Cancelled")]):
        assert coming(*bills, days=30)[1] == Decimal("11.90")


def test_services_are_told_apart_by_their_number_or_else_by_their_words() -> None:
    assert coming(monthly(1, relid=5), monthly(2, relid=6), days=30)[1] == Decimal("23.80")
    assert coming(monthly(1, relid=None), monthly(2, relid=None), days=30)[1] == Decimal("11.90")


def test_of_a_remainder_the_net_part_is_estimated() -> None:
    half = monthly(is_open=True, status="Unpaid", due=TODAY, credit=Decimal("5.95"))
    assert forecast([half], BERLIN, TODAY, 30).open == Sum(Decimal("5.95"), Decimal("5.00"))


def test_an_open_invoice_whose_remainder_is_unclear_is_counted_and_named() -> None:
    unclear = monthly(is_open=True, status="Unpaid", due=TODAY, credit=Decimal(1), total=Decimal("99.00"))
    found = forecast([unclear], BERLIN, TODAY, 5)
    assert (found.open.gross, found.unclear) == (Decimal("99.00"), 1)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(1, 800), st.integers(0, 120), st.integers(0, 120))
def test_more_days_never_cost_less(start: date, length: int, days: int, more: int) -> None:
    one = bill(start, start + timedelta(days=length))
    assert coming(one, days=days)[1] <= coming(one, days=days + more)[1]
