"""Which invoices match a query."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.domain.queries import Query, StatusFilter
from tests.fakes import invoice, settled

OPEN = invoice(1, date(2026, 6, 15))
PAID_AT = datetime(2026, 6, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "paid_at", "fits"),
    [
        ("Paid", None, True),
        ("PAID", PAID_AT, True),
        ("Completed", PAID_AT, True),
        ("Completed", None, False),
        ("Refunded", PAID_AT, False),
        ("Cancelled", None, False),
    ],
)
def test_a_list_of_paid_ones_holds_what_is_paid_whatever_the_provider_calls_it(
    status: str, paid_at: datetime | None, fits: bool
) -> None:
    closed = settled(OPEN, status, paid_at)
    assert Query(StatusFilter.PAID).fits(closed) is closed.is_paid is fits


def test_an_open_invoice_is_not_among_the_paid_ones_whatever_its_status() -> None:
    assert not Query(StatusFilter.PAID).fits(invoice(status="Paid"))
    assert Query(StatusFilter.OPEN).fits(invoice(status="Paid"))
