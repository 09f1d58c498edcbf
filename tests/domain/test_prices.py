"""What costs more than the time before, and when nothing is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bot.domain.alerts import AlertKind
from bot.domain.invoices import CENT, Invoice, Item
from bot.domain.prices import CHANGES_KEPT, price_changes, row_of, services_of
from bot.domain.reminders import with_prices
from bot.domain.service_names import Service, ServiceName, as_name, renamed
from tests.chat.samples import invoice
from tests.domain.deciding import known_long_before, look

SERVER = Service("hosting", 23633)
JUNE, JULY, AUGUST = date(2026, 6, 27), date(2026, 7, 27), date(2026, 8, 27)
EUROS = st.decimals(0, 1000, places=2)


def month_from(day: date) -> str:
    following = day.replace(month=day.month % 12 + 1, year=day.year + day.month // 12)
    return f"({day:%d.%m.%Y} - {following - timedelta(days=1):%d.%m.%Y})"


def year_from(day: date) -> str:
    return f"({day:%d.%m.%Y} - {day.replace(year=day.year + 1) - timedelta(days=1):%d.%m.%Y})"


def item(amount: str | Decimal | None, period: str, relid: int | None = 23633, kind: str = "Hosting") -> Item:
    title = f"KVM {period}"
    return Item(kind, title, title, None if amount is None else Decimal(amount), relid)


def bill(number: int, issued: date, *items: Item, **others: Any) -> Invoice:
    return invoice(number, issued=issued, items=items, **others)


def monthly(number: int, start: date, amount: str | Decimal | None, **others: Any) -> Invoice:
    return bill(number, start - timedelta(days=7), item(amount, month_from(start)), **others)


def seen(new: Invoice, *listed: Invoice) -> list[tuple[Decimal, Decimal]]:
    return [(each.before, each.now) for each in price_changes([new.id], [*listed, new]).get(new.id, ())]


@given(EUROS, EUROS)
def test_a_change_is_seen_exactly_if_the_sums_differ_by_more_than_a_cent(before: Decimal, now: Decimal) -> None:
    changes = price_changes([2], [monthly(1, JUNE, before), monthly(2, JULY, now)])
    expected = {2: now - before} if abs(now - before) > CENT else {}
    assert {number: each.difference for number, (each,) in changes.items()} == expected


@given(st.permutations(range(5)), st.lists(EUROS, min_size=5, max_size=5))
def test_the_order_of_the_list_does_not_matter(order: list[int], sums: list[Decimal]) -> None:
    bills = [monthly(100 + n, date(2026, n + 1, 27), amount) for n, amount in enumerate(sums)]
    numbers = [each.id for each in bills]
    assert price_changes(numbers, [bills[at] for at in order]) == price_changes(numbers, bills)
    assert [each.id for each in row_of([bills[at] for at in order], SERVER)] == numbers[::-1]


def test_it_is_compared_with_the_last_earlier_one_and_says_of_when_that_is() -> None:
    found = price_changes([3], [monthly(3, AUGUST, "9.95"), monthly(1, JUNE, "5.00"), monthly(2, JULY, "7.95")])
    (change,) = found[3]
    assert (change.before, change.now, change.since, change.title) == (
        Decimal("7.95"), Decimal("9.95"), JULY - timedelta(days=7), "",
    )  # fmt: skip


def test_a_year_after_a_month_is_not_dearer() -> None:
    yearly = bill(2, JULY, item("79.50", year_from(JULY)))
    assert seen(yearly, monthly(1, JUNE, "7.95")) == []


def test_a_month_after_a_year_is_compared_with_the_last_month() -> None:
    yearly = bill(2, JULY, item("79.50", year_from(JULY)))
    assert seen(monthly(3, AUGUST, "8.95"), monthly(1, JUNE, "7.95"), yearly) == [(Decimal("7.95"), Decimal("8.95"))]


@pytest.mark.parametrize(
    "before",
    [
        bill(1, JUNE, item("7.95", "")),
        bill(1, JUNE, item("7.95", "(31.02.2026 - 30.03.2026)")),
        bill(1, JUNE, item("7.95", f"{month_from(JUNE)} {month_from(JULY)}")),
        bill(1, JUNE, item("7.95", month_from(JUNE)), item("5.00", "set-up")),
        bill(1, JUNE, item("7.95", month_from(JUNE)), item("7.95", month_from(JULY))),
        bill(1, JUNE, item(None, month_from(JUNE))),
        bill(1, JUNE, item("-1.00", month_from(JUNE))),
        bill(1, JUNE, item("7.95", month_from(JUNE), relid=None)),
        bill(1, JUNE, item("7.95", month_from(JUNE), relid=1)),
        bill(1, JUNE, item("7.95", month_from(JUNE), kind="Domain")),
        bill(1, JUNE, item("7.95", month_from(JUNE), kind="")),
        bill(1, JUNE, item("7.95", month_from(JULY))),
        monthly(1, JUNE, "7.95", items_unreadable=True),
        replace(monthly(1, JUNE, "7.95"), issued=None),
        *(monthly(1, JUNE, "7.95", is_open=False, status=word) for word in ("Cancelled", "Refunded", "Draft")),
    ],
)
def test_nothing_is_said_in_doubt(before: Invoice) -> None:
    assert seen(monthly(2, JULY, "9.95"), before) == []


def test_nothing_is_said_of_what_the_new_invoice_itself_leaves_unclear() -> None:
    before = monthly(1, JUNE, "7.95")
    for unclear in (monthly(2, JULY, "9.95", items_unreadable=True), replace(monthly(2, JULY, "9.95"), issued=None)):
        assert seen(unclear, before) == []


def test_an_item_that_stands_for_another_invoice_is_no_service() -> None:
    assert services_of(bill(1, JUNE, item("7.95", "", kind="Invoice"), item("1", "", relid=None))) == ()


def test_of_several_services_each_that_changed_is_named() -> None:
    before = bill(1, JUNE, *(item("5.00", month_from(JUNE), relid) for relid in range(1, 20)))
    after = bill(2, JULY, *(item("5.00" if relid == 3 else "6.00", month_from(JULY), relid) for relid in range(1, 20)))
    changes = price_changes([2], [before, after])[2]
    assert [each.service.id for each in changes] == [1, 2, 4, 5, 6, 7]
    assert len(changes) == CHANGES_KEPT
    assert all(each.title.startswith("KVM (27.07.2026") for each in changes)


def test_a_new_invoice_keeps_what_became_dearer_and_so_does_its_correction_before_it_was_told() -> None:
    old = monthly(1, date(2026, 5, 27), "7.95", due=date(2026, 9, 1))
    new = monthly(2, JUNE, "9.95", due=date(2026, 9, 2))
    known = known_long_before(old)
    day = date(2026, 6, 21)
    decision = with_prices(look(known, [old, new], day), [old, new])
    assert [each.difference for each in decision.known[2].price_changes] == [Decimal("2.00")]
    assert decision.known[1].price_changes == ()

    figures: dict[str, Any] = {"subtotal": Decimal("7.52"), "tax": Decimal("1.43"), "total": Decimal("8.95")}
    corrected = monthly(2, JUNE, "8.95", due=date(2026, 9, 2), **figures)
    again = with_prices(look(decision.known, [old, corrected], day), [old, corrected])
    assert [alert.kind for alert in again.alerts] == [AlertKind.CHANGED]
    assert [each.difference for each in again.known[2].price_changes] == [Decimal("1.00")]


def test_from_a_list_that_is_not_whole_nothing_follows() -> None:
    decision = look({}, [monthly(1, JUNE, "7.95")], JUNE)
    assert with_prices(decision, ()).known[1].price_changes == ()


# --- Names ---


@given(st.text(max_size=80))
def test_a_name_is_one_line_and_taking_it_again_changes_nothing(text: str) -> None:
    name = as_name(text)
    assert as_name(name) == name
    assert len(name.splitlines()) <= 1


@pytest.mark.parametrize("text", ["", "  ", "-", " – ", "\u202e", "\n"])
def test_nothing_and_a_dash_are_no_name(text: str) -> None:
    assert as_name(text) == ""


def test_a_service_has_one_name_at_most() -> None:
    other = Service("domain", SERVER.id)
    names = renamed(renamed(renamed((), SERVER, "shop"), other, "address"), SERVER, "my shop")
    assert {each.service: each.name for each in names} == {SERVER: "my shop", other: "address"}
    assert renamed(names, SERVER, "") == (ServiceName(other, "address"),)
