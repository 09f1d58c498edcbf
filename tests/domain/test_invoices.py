"""What is left to pay, and what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bot.domain.invoices import CENT, Invoice, Item, Listing, left_or_total, open_first, sum_left, sums_differ

ZERO = Decimal(0)
SAMPLE = Invoice(
    id=130348,
    status="Unpaid",
    status_label="Unbezahlt",
    is_open=True,
    issued=date(2020, 6, 28),
    due=date(2020, 6, 27),
    paid_at=None,
    subtotal=Decimal("6.68"),
    tax=Decimal("1.27"),
    tax_rate=Decimal(19),
    credit=Decimal(1),
    total=Decimal("7.95"),
    items=(Item("Hosting", "KVM", "KVM\nRAM: 4GB", Decimal("7.95")),),
)

CENTS = st.decimals(0, 10**6, places=2)
CREDITS = st.decimals("0.03", 10**6, places=2)  # so much that a cent's rounding can't blur the two readings
SIGNED = st.decimals(-(10**6), 10**6, places=2)
DAYS = st.none() | st.dates(date(1990, 1, 1), date(2199, 12, 31))
INVOICES = st.builds(
    Invoice,
    id=st.integers(1, 10**6),
    status=st.sampled_from(["Paid", "Unpaid", "Cancelled", "Draft"]),
    status_label=st.text(max_size=5),
    is_open=st.booleans(),
    issued=DAYS,
    due=DAYS,
    paid_at=st.none(),
    subtotal=st.none() | SIGNED,
    tax=st.none() | SIGNED,
    tax_rate=st.none(),
    credit=SIGNED,
    total=SIGNED,
    items=st.just(()),
)


def test_the_sample_would_leave_6_95_if_it_were_open_and_leaves_nothing_as_it_is_cancelled() -> None:
    assert SAMPLE.left_to_pay == Decimal("6.95")
    assert replace(SAMPLE, is_open=False).left_to_pay == 0


@pytest.mark.parametrize(
    ("total", "left"),
    [
        ("7.95", "6.95"),  # before credit
        ("7.96", "6.96"),  # within a cent of it
        ("6.95", "6.95"),  # after credit
        ("6.94", "6.94"),
        ("7.50", None),  # neither
        ("7.97", None),
        ("0.00", None),
    ],
)
def test_the_invoice_s_arithmetic_tells_whether_its_total_is_before_or_after_credit(
    total: str, left: str | None
) -> None:
    assert replace(SAMPLE, total=Decimal(total)).left_to_pay == (None if left is None else Decimal(left))


@pytest.mark.parametrize(
    ("credit", "total", "left"),
    [
        ("0.01", "7.95", "7.94"),
        ("0.01", "7.94", "7.94"),
        ("0.02", "7.93", "7.93"),
        ("0.02", "7.94", None),  # as near to the one as to the other
    ],
)
def test_with_a_credit_of_cents_the_nearer_reading_counts(credit: str, total: str, left: str | None) -> None:
    invoice = replace(SAMPLE, credit=Decimal(credit), total=Decimal(total))
    assert invoice.left_to_pay == (None if left is None else Decimal(left))


@pytest.mark.parametrize("missing", [{"subtotal": None}, {"tax": None}])
def test_without_the_figures_no_sum_is_invented(missing: dict[str, None]) -> None:
    unclear = replace(SAMPLE, subtotal=missing.get("subtotal", SAMPLE.subtotal), tax=missing.get("tax", SAMPLE.tax))
    assert (unclear.left_to_pay is None) is True
    assert not unclear.can_be_paid
    assert replace(unclear, credit=ZERO).left_to_pay == Decimal("7.95")


@given(CENTS, CENTS, CREDITS, st.sampled_from([-CENT, ZERO, CENT]))
def test_a_total_before_credit_leaves_the_rest(subtotal: Decimal, tax: Decimal, credit: Decimal, off: Decimal) -> None:
    invoice = replace(SAMPLE, subtotal=subtotal, tax=tax, credit=credit, total=subtotal + tax + off)
    assert invoice.left_to_pay == max(subtotal + tax + off - credit, ZERO)


@given(CENTS, CENTS, CREDITS, st.sampled_from([-CENT, ZERO, CENT]))
def test_a_total_after_credit_is_what_is_left(subtotal: Decimal, tax: Decimal, credit: Decimal, off: Decimal) -> None:
    invoice = replace(SAMPLE, subtotal=subtotal, tax=tax, credit=credit, total=subtotal + tax - credit + off)
    assert invoice.left_to_pay == max(subtotal + tax - credit + off, ZERO)


@given(INVOICES)
def test_what_is_left_is_never_below_zero_nor_more_than_the_total(invoice: Invoice) -> None:
    left = invoice.left_to_pay
    assert left is None or left >= 0
    if left is not None and invoice.credit >= 0:
        assert left <= max(invoice.total, ZERO)


@given(INVOICES)
def test_only_what_is_open_has_anything_left_or_can_be_acted_on(invoice: Invoice) -> None:
    closed = replace(invoice, is_open=False)
    assert closed.left_to_pay == 0
    assert not closed.can_be_paid
    assert not closed.can_return_credit


@given(INVOICES)
def test_it_can_be_paid_exactly_if_a_known_sum_is_left(invoice: Invoice) -> None:
    left = invoice.left_to_pay
    assert invoice.can_be_paid is (left is not None and left > 0)


@given(INVOICES)
def test_the_wording_of_the_status_decides_nothing(invoice: Invoice) -> None:
    other = replace(invoice, status="Paid", status_label="Bezahlt")
    assert (other.left_to_pay, other.can_be_paid) == (invoice.left_to_pay, invoice.can_be_paid)


@given(st.lists(INVOICES))
def test_the_sum_left_is_that_of_the_open_ones(invoices: list[Invoice]) -> None:
    expected = ZERO
    for invoice in invoices:
        if invoice.is_open:
            left = invoice.left_to_pay
            expected += invoice.total if left is None else left
    assert sum_left(invoices) == expected


@given(st.lists(INVOICES))
def test_open_ones_come_first_by_due_date_then_the_others_newest_first(invoices: list[Invoice]) -> None:
    ordered = open_first(invoices)
    assert sorted(map(id, ordered)) == sorted(map(id, invoices))
    for before, after in pairwise(ordered):
        assert before.is_open >= after.is_open
        if before.is_open and after.is_open:
            assert (before.due or date.max) <= (after.due or date.max)
        elif not before.is_open:
            assert (before.issued or date.min) >= (after.issued or date.min)


def test_the_title_is_the_first_item_s() -> None:
    assert SAMPLE.title == "KVM"
    assert replace(SAMPLE, items=()).title == ""


def test_a_type_is_any_item_s_whatever_its_letter_case() -> None:
    assert SAMPLE.has_type("hosting")
    assert not SAMPLE.has_type("Domain")
    assert not replace(SAMPLE, items=()).has_type("Hosting")


def test_a_listing_is_complete_unless_it_says_otherwise() -> None:
    assert Listing((SAMPLE,)).unreadable == 0


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("7.95", "7.95", False),
        ("7.95", "7.96", False),
        ("7.96", "7.95", False),
        ("7.95", "7.97", True),
        ("7.97", "7.95", True),
        (None, "7.95", False),
        ("7.95", None, False),
        (None, None, False),
    ],
)
def test_sums_differ_by_more_than_a_cent_if_both_are_known(one: str | None, other: str | None, differ: bool) -> None:
    assert sums_differ(one and Decimal(one), other and Decimal(other)) is differ  # type: ignore[arg-type]


def test_what_is_left_is_shown_or_else_the_total() -> None:
    assert left_or_total(Decimal(0), Decimal(5)) == 0
    assert left_or_total(None, Decimal(5)) == 5


def test_of_two_closed_ones_of_one_day_the_one_with_the_higher_number_is_newer() -> None:
    closed = [replace(SAMPLE, id=number, is_open=False) for number in (1, 3, 2)]
    assert [found.id for found in open_first(closed)] == [3, 2, 1]
