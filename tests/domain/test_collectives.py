"""What a collective invoice collects is owed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.domain.alerts import AlertKind
from bot.domain.collectives import with_parts
from bot.domain.invoices import Invoice, Item, sum_left
from tests.domain.deciding import look
from tests.fakes import invoice

AMOUNTS = {1: Decimal(10), 2: Decimal(20)}


def part(number: int, amount: Decimal | None = None) -> Invoice:
    one = AMOUNTS.get(number, Decimal(5)) if amount is None else amount
    return replace(invoice(number), total=one, subtotal=one, tax=Decimal(0), credit=Decimal(0))


def names(number: int, *, kind: str = "Invoice", relates_to: int | None = None, title: str = "") -> Item:
    return Item(kind, title, title, AMOUNTS.get(number), number if relates_to is None and not title else relates_to)


def collective(number: int, *items: Item, total: Decimal = Decimal(30)) -> Invoice:
    return replace(part(number, total), items=items)


def left(*invoices: Invoice) -> Decimal:
    return sum_left(with_parts(invoices))


@pytest.mark.parametrize(
    "items",
    [
        (names(1), names(2)),
        (names(1, kind="INVOICE"), names(2)),
        (names(1, title="Rechnung #1"), names(2, title="Invoice No. 2 of 2026")),
        (names(1, relates_to=999, title="Rechnung 1"), names(2)),
    ],
)
def test_open_parts_count_and_what_collects_them_does_not(items: tuple[Item, ...]) -> None:
    one, two, both = with_parts([part(1), part(2), collective(3, *items)])
    assert (one.counts, two.counts, both.counts) == (True, True, False)
    assert (one.can_be_paid, two.can_be_paid, both.can_be_paid) == (True, True, False)
    assert both.parts == (1, 2)
    assert both.own_left == 0
    assert both.display_amount == 30
    assert left(one, two, both) == 30


def test_parts_that_are_not_open_or_not_there_stay_owed_with_what_collects_them() -> None:
    both = collective(3, names(1), names(2))
    assert left(both) == 30
    assert left(both, part(1)) == 30
    assert left(both, part(1), replace(part(2), is_open=False, status="Collections")) == 30
    assert with_parts([both]) == (both,)


def test_what_is_its_own_counts_beside_its_parts() -> None:
    mixed = collective(3, names(1), Item("Hosting", "Server", "", Decimal(5)), total=Decimal(15))
    assert left(part(1), mixed) == 15
    (_, read) = with_parts([part(1), mixed])
    assert read.own_left == 5
    assert read.counts
    assert not read.can_be_paid


def test_other_items_relate_to_no_invoice_even_if_the_number_fits() -> None:
    server = collective(3, Item("Hosting", "Server 1", "", Decimal(30), relates_to=1))
    assert left(part(1), server) == 40


def test_what_an_item_relates_to_counts_before_its_words_and_dates_are_no_numbers() -> None:
    closed = replace(part(2), is_open=False, status="Paid")
    of_closed = Item("Invoice", "Rechnung 1", "", Decimal(20), relates_to=2)
    dated = Item("Invoice", "Rechnung #9 vom 01.02.2026", "", Decimal(10))
    assert left(part(1), closed, collective(3, of_closed)) == 40
    assert left(part(1), collective(3, dated)) == 40


def test_a_closed_collective_invoice_is_as_it_was_read() -> None:
    paid = replace(collective(3, names(1)), is_open=False, status="Paid")
    assert with_parts([part(1), paid]) == (part(1), paid)


def test_collective_invoices_may_collect_each_other_but_in_a_circle_nothing_is_lost() -> None:
    inner = collective(3, names(1), names(2))
    outer = collective(4, Item("Invoice", "", "", Decimal(30), relates_to=3))
    assert left(outer, inner, part(2), part(1)) == 30
    one = collective(5, Item("Invoice", "", "", None, relates_to=6))
    other = collective(6, Item("Invoice", "", "", None, relates_to=5))
    assert left(one, other) > 0
    itself = collective(7, Item("Invoice", "", "", None, relates_to=7))
    assert left(itself) == 30


@st.composite
def accounts(draw: st.DrawFn) -> list[Invoice]:
    """Plain invoices, some of them closed, and collective ones that name earlier ones whole, in any order."""
    every: list[Invoice] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        one = part(number, Decimal(draw(st.integers(1, 99))))
        every.append(replace(one, is_open=draw(st.booleans())))
    for number in range(10, 10 + draw(st.integers(0, 4))):
        parts = draw(st.lists(st.sampled_from(every), unique_by=lambda each: each.id, min_size=1))
        items = [Item("Invoice", f"Rechnung {each.id}", "", each.total, each.id) for each in parts]
        every.append(collective(number, *items, total=sum((each.total for each in parts), start=Decimal(0))))
    return draw(st.permutations(every))


@given(accounts())
def test_no_invoice_is_counted_or_offered_twice(invoices: list[Invoice]) -> None:
    read = with_parts(invoices)
    assert [each.id for each in read] == [each.id for each in invoices]
    by_id = {each.id: each for each in read}
    plain = sum((each.total for each in invoices if each.is_open and not each.is_collective), start=Decimal(0))
    only_open = all(each.is_open for each in invoices)
    assert sum_left(read) == plain if only_open else sum_left(read) >= plain
    for each in read:
        assert not (each.can_be_paid and any(by_id[number].is_open for number in each.parts))
        assert 0 <= each.in_parts <= each.total


def test_nothing_is_told_of_a_collective_invoice_while_its_parts_are() -> None:
    both = collective(3, names(1), names(2))
    day = date(2026, 6, 1)
    first = look({}, with_parts([part(1), part(2), both]), day)
    assert [alert.invoice_id for alert in first.alerts] == [1, 2]
    changed = replace(both, total=Decimal(35), subtotal=Decimal(35), due=date(2026, 6, 3))
    assert not look(first.known, with_parts([part(1), part(2), changed]), day).alerts
    closed = [replace(part(number), is_open=False, status="Paid") for number in (1, 2)]
    later = look(first.known, with_parts([*closed, both]), day, shown={3})
    assert [(alert.kind, alert.invoice_id) for alert in later.alerts] == [(AlertKind.NEW, 3)]
    joined = look(later.known, with_parts([part(1), part(2), both]), day, shown={3})
    assert 3 not in {alert.invoice_id for alert in joined.alerts}
    gone = replace(both, is_open=False, status="Cancelled")
    assert look(later.known, with_parts([*closed, gone]), day, shown={3}).alerts[0].kind is AlertKind.SETTLED
