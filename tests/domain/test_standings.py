"""How an invoice stands: ``is_open`` decides whether it is open, its status and its date of payment the rest."""

from __future__ import annotations

import pytest

from bot.domain.standings import Standing, is_plain, standing_of


@pytest.mark.parametrize("status", ["Unpaid", "Paid", "Cancelled", "Draft", "something new", ""])
@pytest.mark.parametrize("has_paid_date", [False, True])
def test_an_open_invoice_is_open_whatever_else_is_said(status: str, has_paid_date: bool) -> None:
    assert standing_of(status, is_open=True, has_paid_date=has_paid_date) is Standing.OPEN


@pytest.mark.parametrize("has_paid_date", [False, True])
@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("Paid", Standing.PAID),
        ("PAID", Standing.PAID),
        ("Cancelled", Standing.CANCELLED),
        ("canceled", Standing.CANCELLED),
        ("Refunded", Standing.REFUNDED),
        ("Unpaid", Standing.CLOSED),
        ("Draft", Standing.CLOSED),
        ("Payment Pending", Standing.CLOSED),
        ("Chargeback", Standing.CLOSED),
    ],
)
def test_a_known_status_of_a_closed_invoice_counts(status: str, standing: Standing, has_paid_date: bool) -> None:
    assert standing_of(status, is_open=False, has_paid_date=has_paid_date) is standing


def test_of_an_unknown_status_the_date_of_payment_decides() -> None:
    assert standing_of("Settled", is_open=False, has_paid_date=True) is Standing.PAID
    assert standing_of("Settled", is_open=False, has_paid_date=False) is Standing.CLOSED


def test_a_status_is_plain_if_it_says_just_that() -> None:
    assert is_plain("UNPAID", Standing.OPEN)
    assert is_plain("Canceled", Standing.CANCELLED)
    assert not is_plain("Unpaid", Standing.CLOSED)
    assert not is_plain("Settled", Standing.CLOSED)
