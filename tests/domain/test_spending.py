"""What was spent by month and kind makes what the invoices have cost, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.domain.invoices import CENT, Invoice, Item
from bot.domain.spending import BOUGHT, Kind, Sum, same_day_last_year, spending_of, steps
from tests.chat.samples import invoice

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
PAID: Mapping[str, Any] = {"is_open": False, "status": "Paid"}
MONEY = st.decimals("0.01", 5000, places=2)
TYPES = st.sampled_from(["Hosting", "Domain", "Donation", "Setup", "", "hosting"])
DAYS = st.integers(0, 720 * 24).map(lambda hours: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


def bill(number: int, amounts: list[tuple[str, Decimal]], paid_at: datetime | None, **others: Any) -> Invoice:
    """An invoice whose items are net, with 19 % tax."""
    net = sum((amount for _, amount in amounts), start=Decimal(0))
    tax = (net * Decimal("0.19")).quantize(CENT)
    items = tuple(Item(kind, "KVM", "KVM", amount, number) for kind, amount in amounts)
    figures = {"subtotal": net, "tax": tax, "tax_rate": Decimal(19), "total": net + tax, "credit": Decimal(0)}
    return invoice(number, **{"items": items, "paid_at": paid_at, **PAID, **figures, **others})


BILLS = st.lists(st.tuples(st.lists(st.tuples(TYPES, MONEY), min_size=1, max_size=4), DAYS), max_size=8).map(
    lambda each: [bill(number, *one) for number, one in enumerate(each, start=1)]
)


@given(BILLS)
def test_sums_by_month_and_kind_make_the_sums_of_the_invoices(bills: list[Invoice]) -> None:
    spending = spending_of(bills, BERLIN)
    by_month = [amount for year in (2024, 2025, 2026, 2027) for kind in Kind for amount in spending.months(year, kind)]
    months = sum(by_month, Decimal(0))
    assert months == sum((each.total for each in bills), Decimal(0))
    whole = spending.total(date.min, date.max, [*Kind])
    assert whole == Sum(months, sum((each.subtotal or Decimal(0) for each in bills), Decimal(0)))
    apart = spending.total(date.min, date.max, BOUGHT) + spending.total(date.min, date.max, [Kind.DONATION])
    assert apart == whole
    assert spending.left_out == 0


@given(BILLS, st.sampled_from(["Cancelled", "Refunded", "Unpaid", "Draft", "Collections"]))
def test_only_what_is_paid_counts(bills: list[Invoice], status: str) -> None:
    others = [replace(each, status=status, is_open=status == "Unpaid", paid_at=None) for each in bills]
    assert spending_of(others, BERLIN).parts == ()


def one(**others: Any) -> Invoice:
    at = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # already April in Berlin
    return bill(1, [("Hosting", Decimal("10.00"))], others.pop("paid_at", at), **others)


def test_it_counts_on_the_day_of_the_payment_at_the_provider_or_else_of_the_invoice() -> None:
    assert spending_of([one()], BERLIN).months(2026, Kind.HOSTING)[3] == Decimal("11.90")
    undated = one(paid_at=None, issued=date(2026, 2, 1))
    assert spending_of([undated], BERLIN).months(2026, Kind.HOSTING)[1] == Decimal("11.90")
    nowhere = one(paid_at=None, issued=None)
    assert spending_of([nowhere], BERLIN).left_out == 1


def test_a_credit_note_counts_against_it() -> None:
    note = bill(2, [("Hosting", Decimal("-4.00"))], None, status="Closed", issued=date(2026, 4, 9))
    spending = spending_of([one(), note], BERLIN)
    assert spending.total(*YEAR) == Sum(Decimal("7.14"), Decimal("6.00"))


def test_what_others_collect_counts_once() -> None:
    part = one()
    collective = invoice(
        7, items=(Item("Invoice", "Invoice 1", "", part.total, 1),), paid_at=part.paid_at, subtotal=part.total,
        tax=Decimal(0), tax_rate=Decimal(0), total=part.total, credit=Decimal(0), **PAID,
    )  # fmt: skip
    assert spending_of([part, collective], BERLIN).total(*YEAR).gross == part.total


def test_what_became_credit_is_no_spending() -> None:
    assert spending_of([bill(1, [("AddFunds", Decimal(50))], datetime(2026, 3, 1, tzinfo=UTC))], BERLIN).parts == ()


def test_a_sum_that_nobody_can_tell_is_left_out_and_counted() -> None:
    unclear = one(credit=Decimal("3.33"), total=Decimal("99.00"))
    spending = spending_of([unclear, one()], BERLIN)
    assert (spending.left_out, spending.total(*YEAR).gross) == (1, Decimal("11.90"))


def test_where_the_items_do_not_make_the_sum_it_is_of_the_kind_that_all_have() -> None:
    odd = one(items=(Item("Domain", "a", "a", Decimal(1), 1), Item("Domain", "b", "b", Decimal(2), 2)))
    assert sum(spending_of([odd], BERLIN).months(2026, Kind.DOMAIN)) == Decimal("11.90")
    mixed = one(items=(Item("Domain", "a", "a", Decimal(1), 1), Item("Hosting", "b", "b", Decimal(2), 2)))
    assert sum(spending_of([mixed], BERLIN).months(2026, Kind.OTHER)) == Decimal("11.90")


def test_where_a_net_sum_is_missing_the_net_total_is_not_known() -> None:
    assert spending_of([one(subtotal=None, tax=None)], BERLIN).total(*YEAR) == Sum(Decimal("11.90"), None)


@pytest.mark.parametrize(
    ("day", "before"),
    [(date(2026, 11, 29), date(2025, 11, 29)), (date(2028, 2, 29), date(2027, 2, 28))],
)
def test_the_same_day_a_year_ago(day: date, before: date) -> None:
    assert same_day_last_year(day) == before


@given(st.lists(st.decimals(-100_000, 1_000_000, places=2), max_size=24))
def test_a_scale_holds_all_sums_and_zero_in_few_even_steps(sums: list[Decimal]) -> None:
    scale = steps(sums)
    assert scale[0] <= min([Decimal(0), *sums])
    assert scale[-1] >= max([Decimal(0), *sums])
    assert Decimal(0) in scale
    assert 2 <= len(scale) <= 9
    assert len({after - before for before, after in pairwise(scale)}) == 1


def test_days_are_told_apart() -> None:
    spending = spending_of([one()], BERLIN)
    assert spending.total(date(2026, 4, 1), date(2026, 4, 1)).gross == Decimal("11.90")
    assert spending.total(date(2026, 4, 2), date(2026, 4, 2) + timedelta(days=9)).gross == 0
