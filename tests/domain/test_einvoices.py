"""Where an e-invoice says something else than the provider's list."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bot.domain.einvoices import Check, EInvoice, differences
from tests.fakes import invoice

LISTED = replace(invoice(4711, total="11.90"), subtotal=Decimal("10.00"), tax=Decimal("1.90"))
SAME = EInvoice("ZUGFeRD (EN 16931)", Check.VALID, "4711", Decimal("11.90"), Decimal("1.90"))
SUMS = st.decimals(-1000, 1000, places=2)


def found(einvoice: EInvoice, **change: Any) -> list[str]:
    return [each.what for each in differences(einvoice, replace(LISTED, **change))]


@pytest.mark.parametrize("number", ["4711", "RE-2026-4711", "2026/004711", ""])
def test_the_same_sums_and_number_differ_in_nothing(number: str) -> None:
    assert found(replace(SAME, number=number)) == []


def test_another_number_total_or_tax_is_found() -> None:
    odd = replace(SAME, number="4712", total=Decimal("11.91"), tax=Decimal("2.00"))
    assert found(odd) == ["number", "total", "tax"]


def test_what_one_of_them_does_not_say_never_differs() -> None:
    assert found(replace(SAME, total=None, tax=None)) == []
    assert found(SAME, tax=None) == []
    assert found(SAME, credit=Decimal(3), subtotal=None) == []  # is the total before or after credit?


def test_credit_is_no_difference() -> None:
    assert found(SAME, credit=Decimal("3.00")) == []
    assert found(SAME, credit=Decimal("3.00"), total=Decimal("8.90")) == []


def test_a_credit_note_has_its_sums_without_a_sign() -> None:
    note = replace(SAME, credit_note=True)
    figures = {"subtotal": Decimal("-10.00"), "tax": Decimal("-1.90"), "total": Decimal("-11.90")}
    assert found(note, is_open=False, **figures) == []
    assert found(SAME, is_open=False, **figures) == ["total", "tax"]


@given(SUMS, SUMS)
def test_totals_differ_exactly_if_they_do_so_by_a_cent(one: Decimal, other: Decimal) -> None:
    expected = [] if one == other else ["total"]
    listed = {"subtotal": other, "tax": Decimal(0), "total": other}
    assert found(replace(SAME, total=one, tax=Decimal(0)), **listed) == expected
