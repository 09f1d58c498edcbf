"""A bookkeeper's lines: they make the invoices' sums, and say where an invoice's own figures don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from bot.domain.invoices import CENT, Invoice, Item
from bot.domain.ledger import Entry, Figures, Mark, Totals, entries
from bot.domain.service_periods import Period
from bot.domain.shares import split
from bot.domain.standings import Standing
from tests.chat.samples import CANCELLED_SERVER, PAID_DOMAIN
from tests.fakes import invoice

BERLIN = ZoneInfo("Europe/Berlin")
SUMS = st.decimals(-1000, 1000, places=2)
FINE_SUMS = st.one_of(SUMS, st.decimals(-1000, 1000, places=6))
RATES = st.sampled_from([Decimal(0), Decimal(7), Decimal(19), Decimal("8.1")])


def item(amount: Decimal | str | None, *, taxed: bool | None = None, title: str = "KVM") -> Item:
    return Item("Hosting", title, title, None if amount is None else Decimal(amount), 1, taxed)


def bill(number: int, items: Sequence[Item], net: str, tax: str, total: str, **others: Any) -> Invoice:
    figures = {"subtotal": Decimal(net), "tax": Decimal(tax), "total": Decimal(total), "tax_rate": Decimal(19)}
    return replace(invoice(number, is_open=False), items=tuple(items), **{**figures, **others})


def entry(one: Invoice, *others: Invoice) -> Entry:
    return next(iter(entries([one], BERLIN, "", [one, *others])))


def sum_of(figures: Sequence[Figures]) -> tuple[Decimal, ...]:
    return tuple(
        sum((each or Decimal(0) for each in column), start=Decimal(0))
        for column in zip(*(f.all for f in figures), strict=True)
    )


def to_cent(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def honest(amounts: Sequence[Decimal], rate: Decimal, taxed: Sequence[bool], *, gross: bool) -> Invoice:
    """Return an invoice as billing systems calculate one: the tax of the whole, rounded once."""
    shares = [rate / 100 if each else Decimal(0) for each in taxed]
    nets = [a / (1 + s) if gross else a for a, s in zip(amounts, shares, strict=True)]
    net, whole = (
        to_cent(sum(nets, start=Decimal(0))),
        to_cent(sum(n * (1 + s) for n, s in zip(nets, shares, strict=True)) + Decimal(0)),
    )
    items = [item(amount, taxed=each) for amount, each in zip(amounts, taxed, strict=True)]
    return bill(1, items, str(net), str(whole - net), str(whole), tax_rate=rate)


@given(st.lists(st.tuples(FINE_SUMS, st.booleans()), min_size=1, max_size=12), RATES, st.booleans())
@example([(Decimal("7.95"), True)], Decimal(19), True)
@example([(Decimal("0.333333"), True)] * 3, Decimal(19), False)
def test_lines_make_the_sums_of_an_honest_invoice_to_the_last_digit(
    amounts: list[tuple[Decimal, bool]], rate: Decimal, gross: bool
) -> None:
    one = honest([amount for amount, _ in amounts], rate, [taxed for _, taxed in amounts], gross=gross)
    made = entry(one)
    assert made.line.figures.all == (one.subtotal, one.tax, one.total)
    assert sum_of([line.figures for line in made.items]) == (one.subtotal, one.tax, one.total)


@given(
    st.lists(st.tuples(st.none() | FINE_SUMS, st.none() | st.booleans()), max_size=6),
    st.tuples(st.none() | FINE_SUMS, st.none() | FINE_SUMS, FINE_SUMS, FINE_SUMS, st.none() | RATES),
    st.booleans(),
)
def test_lines_make_the_sums_of_any_invoice(
    items: list[tuple[Decimal | None, bool | None]],
    figures: tuple[Decimal | None, Decimal | None, Decimal, Decimal, Decimal | None],
    unreadable: bool,
) -> None:
    net, tax, total, credit, rate = figures
    lines = [item(amount, taxed=taxed) for amount, taxed in items]
    one = replace(bill(1, lines, "0", "0", "0"), subtotal=net, tax=tax, total=total, credit=credit, tax_rate=rate)
    one = replace(one, items_unreadable=unreadable)
    made = entry(one)
    assert sum_of([line.figures for line in made.items]) == sum_of([made.line.figures])
    assert made.line.figures == Figures(net, tax, one.full_total)
    totals = Totals()
    totals.add(made)
    assert sum_of([total.figures for total in totals.all()]) == totals.sum().all == sum_of([made.line.figures])
    assert [line.amount for line in made.items if not line.is_rest] == [amount for amount, _ in items]


@given(
    st.decimals(-(10**6), 10**6, places=6), st.lists(st.decimals(-(10**6), 10**6, places=8), min_size=1, max_size=40)
)
def test_parts_make_the_whole(whole: Decimal, ideals: list[Decimal]) -> None:
    assert sum(split(whole, ideals), start=Decimal(0)) == whole


@given(st.lists(SUMS, min_size=1, max_size=20), st.integers(1, 7))
def test_a_part_is_within_a_cent_of_its_ideal_where_the_ideals_make_the_whole(sums: list[Decimal], by: int) -> None:
    ideals = [each / by for each in sums]
    whole = to_cent(sum(ideals, start=Decimal(0)))
    assert all(abs(part - ideal) <= CENT for part, ideal in zip(split(whole, ideals), ideals, strict=True))


def test_the_providers_own_samples_add_up() -> None:
    server, domain = entry(CANCELLED_SERVER), entry(PAID_DOMAIN)
    assert (server.line.marks, domain.line.marks) == ((), ())
    assert server.items[0].figures == Figures(Decimal("6.68"), Decimal("1.27"), Decimal("7.95"))
    assert (server.items[0].rate, domain.items[0].rate) == (Decimal(19), Decimal(0))
    assert domain.line.period == Period(date(2022, 12, 27), date(2023, 12, 26))


def test_an_invoice_is_paid_on_the_providers_day() -> None:
    one = replace(invoice(1, is_open=False), paid_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    assert entry(one).line.head.paid == date(2026, 2, 1)


def test_an_untaxed_item_beside_a_taxed_one_has_a_rate_of_its_own() -> None:
    one = bill(1, [item("10.00", taxed=True), item("5.00", taxed=False)], "15.00", "1.90", "16.90")
    made = entry(one)
    assert made.line.marks == ()
    assert [(line.rate, line.figures.gross) for line in made.items] == [
        (Decimal(19), Decimal("11.90")),
        (Decimal(0), Decimal("5.00")),
    ]


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ({"total": Decimal("12.00")}, (Mark.SUMS_DIFFER,)),
        ({"tax": Decimal("1.70"), "total": Decimal("11.70")}, (Mark.TAX_DIFFERS,)),
        ({"subtotal": None}, (Mark.FIGURES_MISSING,)),
        ({"tax_rate": None}, (Mark.FIGURES_MISSING,)),
        ({"credit": Decimal(3), "total": Decimal("10.40")}, (Mark.TOTAL_UNCLEAR,)),
        ({"items": (item("9.00"),)}, (Mark.ITEMS_DIFFER,)),
        ({"items": (item("11.91"), item("0.02"))}, (Mark.ITEMS_DIFFER,)),
        ({"items": ()}, (Mark.ITEMS_MISSING,)),
        ({"items": (item("10.00"), item(None))}, (Mark.ITEMS_MISSING,)),
        ({"items_unreadable": True}, (Mark.ITEMS_MISSING,)),
    ],
)
def test_an_invoice_whose_figures_do_not_add_up_is_marked_and_keeps_them(
    change: dict[str, Any], marks: tuple[Mark, ...]
) -> None:
    one = replace(bill(1, [item("10.00")], "10.00", "1.90", "11.90"), **change)
    made = entry(one)
    assert made.line.marks == marks
    assert made.line.figures == Figures(one.subtotal, one.tax, one.full_total)
    assert [line.amount for line in made.items if not line.is_rest] == [each.amount for each in one.items]
    assert made.items[-1].is_rest
    assert made.items[-1].marks == marks


def names(number: int, amount: str) -> Item:
    return Item("Invoice", f"Invoice #{number}", "", Decimal(amount), number)


def test_a_collective_invoice_and_its_parts_count_once_whether_paid_or_not() -> None:
    parts = [bill(n, [item(amount)], amount, "0.00", amount) for n, amount in ((1, "10.00"), (2, "20.00"))]
    both = bill(3, [names(1, "10.00"), names(2, "20.00"), item("5.00")], "35.00", "0.00", "35.00")
    made = list(entries([*parts, both], BERLIN))
    assert sum_of([each.line.figures for each in made])[2] == Decimal("35.00")
    assert made[2].line.collects == (1, 2)
    assert [line.counted_in for line in made[2].items] == [1, 2, None]


def test_a_part_that_was_not_chosen_still_counts_by_itself_alone() -> None:
    part = bill(1, [item("10.00")], "10.00", "0.00", "10.00")
    both = bill(3, [names(1, "10.00")], "10.00", "0.00", "10.00")
    assert entry(both, part).line.figures == Figures(Decimal(0), Decimal(0), Decimal(0))


def test_a_part_that_nobody_lists_counts_with_what_collects_it() -> None:
    assert entry(bill(3, [names(1, "10.00")], "10.00", "0.00", "10.00")).line.figures.gross == Decimal("10.00")


def test_where_the_share_of_the_parts_is_unclear_the_invoice_is_counted_in_full_and_marked() -> None:
    part = bill(1, [item("10.00")], "10.00", "0.00", "10.00")
    both = bill(3, [names(1, "10.00"), item("7.00")], "35.00", "0.00", "35.00")
    made = entry(both, part)
    assert made.line.marks == (Mark.ITEMS_DIFFER, Mark.COUNTED_TWICE)
    assert made.line.figures.gross == Decimal("35.00")


def test_invoices_that_collect_each_other_count() -> None:
    one, two = (bill(n, [names(3 - n, "10.00")], "10.00", "0.00", "10.00") for n in (1, 2))
    assert sum_of([each.line.figures for each in entries([one, two], BERLIN)])[2] == Decimal("20.00")


def test_a_credit_note_keeps_its_sign() -> None:
    note = bill(1, [item("-10.00")], "-10.00", "-1.90", "-11.90", status="Issued")
    made = entry(note)
    assert (made.line.head.standing, made.line.marks) == (Standing.CREDIT_NOTE, ())
    assert made.items[0].figures.gross == Decimal("-11.90")


def test_totals_are_told_apart_by_standing_and_rate() -> None:
    paid = bill(1, [item("10.00", taxed=True), item("5.00", taxed=False)], "15.00", "1.90", "16.90")
    gone = bill(2, [item("1.00")], "1.00", "0.19", "1.19", status="Cancelled", status_label="Cancelled")
    totals = Totals()
    for each in entries([gone, paid], BERLIN):
        totals.add(each)
    found = [(total.standing, total.rate, total.lines, total.figures.gross) for total in totals.all()]
    assert found == [
        (Standing.PAID, Decimal(19), 1, Decimal("11.90")),
        (Standing.PAID, Decimal(0), 1, Decimal("5.00")),
        (Standing.CANCELLED, Decimal(19), 1, Decimal("1.19")),
    ]
