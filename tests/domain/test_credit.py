"""What an amount of credit covers, and how often it is asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.domain.credit import ASK_AGAIN_AFTER, Credit, CreditWatch, Debt, coverage

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIRST, SECOND = date(2026, 12, 1), date(2026, 12, 8)


def test_credit_is_used_in_the_order_of_the_due_dates() -> None:
    debts = [Debt(3, None, Decimal(1)), Debt(2, SECOND, Decimal("7.95")), Debt(1, FIRST, Decimal("5.00"))]
    found = coverage(Credit(Decimal("5.02"), "EUR"), debts, "EUR")
    assert found is not None
    assert (found.short, list(found.covered)) == (Decimal("8.93"), [1])


@pytest.mark.parametrize(
    "credit", [None, Credit(Decimal(50), "USD")], ids=["which nobody could read", "in another currency"]
)
def test_credit_covers_nothing_that_can_be_said(credit: Credit | None) -> None:
    assert coverage(credit, [Debt(1, FIRST, Decimal(1))], "EUR") is None


def test_an_unclear_sum_makes_what_is_missing_unclear() -> None:
    assert coverage(Credit(Decimal(50)), [Debt(1, FIRST, Decimal(1)), Debt(2, FIRST, None)], "EUR") is None


@given(st.decimals(0, 100, places=2), st.lists(st.decimals(0, 50, places=2), max_size=6))
def test_what_is_missing_is_exactly_what_the_credit_lacks(amount: Decimal, sums: list[Decimal]) -> None:
    debts = [Debt(n, FIRST, left) for n, left in enumerate(sums)]
    found = coverage(Credit(amount), debts, "EUR")
    assert found is not None
    assert found.short == max(sum(sums, Decimal(0)) - amount, Decimal(0))
    assert (found.short == 0) is (len(found.covered) == len(debts))


def test_a_token_that_may_not_read_it_is_asked_again_rarely() -> None:
    denied = CreditWatch(Credit(Decimal(1)), NOW).denied_at(NOW)
    assert denied.credit is None
    assert not denied.is_due(NOW + 10 * MINUTE, MINUTE)
    assert denied.is_due(NOW + ASK_AGAIN_AFTER, MINUTE)


def test_for_somebody_who_waits_a_token_that_was_refused_is_asked_again_at_once() -> None:
    assert CreditWatch(Credit(Decimal(1)), NOW).denied_at(NOW).is_due(NOW + MINUTE, timedelta(0))


def test_an_outage_forgets_nothing_and_is_asked_again_soon() -> None:
    failed = CreditWatch(Credit(Decimal(1)), NOW).failed_at(NOW + MINUTE)
    assert failed.credit == Credit(Decimal(1))
    assert not failed.is_due(NOW + MINUTE, MINUTE)
    assert failed.is_due(NOW + 2 * MINUTE, MINUTE)


def test_a_clock_that_was_set_back_does_not_stop_the_asking() -> None:
    assert CreditWatch(None, NOW + 40 * ASK_AGAIN_AFTER, denied=True).is_due(NOW, MINUTE)


def test_credit_goes_to_what_is_due_first_whatever_its_number_and_to_the_last_cent() -> None:
    credit = Credit(Decimal("5.00"), "EUR")
    found = coverage(credit, [Debt(1, SECOND, Decimal("5.00")), Debt(2, FIRST, Decimal("5.00"))], "EUR")
    assert found is not None
    assert (found.credit, found.short, list(found.covered)) == (credit, Decimal("5.00"), [2])
