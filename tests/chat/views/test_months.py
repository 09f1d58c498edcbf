"""The months of a list: their headings, and the jump to one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given, strategies as st

from bot.chat.screens import DATA_LIMIT, Screen
from bot.chat.views.invoice_list import INVOICES_PER_PAGE, invoice_list
from bot.chat.views.jumping import ALL_YEARS, jump_menu
from bot.domain.invoices import Invoice, Item, Listing, open_first
from bot.domain.months import UNDATED, month_of
from bot.domain.queries import ListPage, Query, StatusFilter
from tests.chat.samples import DE, EN, NOW, buttons, invoice, labels, paid, seen

PAGE = ListPage(Query(StatusFilter.PAID), 1)
WIDEST = ListPage(Query(StatusFilter.OPEN, with_transactions=True), 9999, "q83vEjRW", UNDATED)


def closed(number: int, issued: date | None) -> Invoice:
    return replace(paid(number), issued=issued)


def listing(*invoices: Invoice) -> Listing:
    return Listing(tuple(open_first(invoices)))


def two_years() -> Listing:
    """Return seven invoices a month, from December 2026 back to January 2025."""
    months = [date(year, month, 1) for year in (2025, 2026) for month in range(1, 13)]
    return listing(*(closed(n * 10 + each, day) for n, day in enumerate(months, 1) for each in range(7)))


def numbers(screen: Screen) -> list[int]:
    return [int(button.data.split(":")[1]) for button in buttons(screen) if button.data.startswith("show:")]


def leads(screen: Screen, label: str) -> ListPage:
    return ListPage.parse(next(button.data for button in buttons(screen) if button.label == label).split(":")[-1])


def headings(screen: Screen) -> list[str]:
    return [line for line in seen(screen).splitlines() if "invoice" in line and " · " in line]


# --- Headings -------------------------------------------------------------------------------------------------------


def test_each_month_stands_above_its_invoices_with_what_the_whole_list_has_of_it() -> None:
    november = [closed(number, date(2026, 11, 1 + number)) for number in range(1, 8)]
    october = [closed(20, date(2026, 10, 31))]
    found = listing(*november, *october)
    assert headings(invoice_list(EN, found, ListPage(), NOW)) == ["November 2026 · 7 invoices, €55.65 paid"]
    assert headings(invoice_list(EN, found, ListPage(number=1), NOW)) == [
        "November 2026 · 7 invoices, €55.65 paid",
        "October 2026 · 1 invoice, €7.95 paid",
    ]
    assert "November 2026 · 7 Rechnungen, 55,65\N{NO-BREAK SPACE}€ bezahlt" in seen(
        invoice_list(DE, found, ListPage(), NOW)
    )


def test_open_invoices_stand_before_the_months_and_under_none() -> None:
    text = seen(invoice_list(EN, listing(invoice(1), closed(2, date(2026, 11, 1))), ListPage(), NOW))
    assert text.index("1 open invoice, €7.95") < text.index("1 · €7.95") < text.index("November 2026 · 1 invoice,")
    assert headings(invoice_list(EN, listing(invoice(1)), ListPage(), NOW)) == []


def test_invoices_without_a_date_come_last_under_a_heading_of_their_own() -> None:
    screen = invoice_list(EN, listing(closed(1, None), closed(2, date(2026, 11, 1))), ListPage(), NOW)
    assert numbers(screen) == [2, 1]
    assert headings(screen)[-1] == "Without a date · 1 invoice, €7.95 paid"


def test_only_what_was_paid_adds_up_and_what_a_collective_invoice_collects_counts_once() -> None:
    day = date(2026, 11, 1)
    part = Item("Invoice", "Invoice 1", "", Decimal("7.95"), 1)
    collective = replace(closed(2, day), items=(part,))
    cancelled = replace(closed(3, day), status="Cancelled", paid_at=None)
    found = listing(closed(1, day), collective, cancelled)
    assert headings(invoice_list(EN, found, ListPage(), NOW)) == ["November 2026 · 3 invoices, €7.95 paid"]
    assert headings(invoice_list(EN, listing(cancelled), ListPage(), NOW)) == ["November 2026 · 1 invoice"]


# --- The jump -------------------------------------------------------------------------------------------------------


def test_three_taps_lead_to_a_month_of_another_year() -> None:
    found = two_years()
    page = ListPage(number=3)
    first = invoice_list(EN, found, page, NOW)
    assert ("📅 Jump to …", f"jump:0:{page}") in [(b.label, b.data) for b in buttons(first)]
    years = jump_menu(EN, found, page, ALL_YEARS)
    assert [(b.label, b.data) for b in buttons(years)] == [
        ("2026 (84)", f"jump:2026:{page}"),
        ("2025 (84)", f"jump:2025:{page}"),
        ("« Back to the list", f"list:{page}"),
    ]
    months = jump_menu(EN, found, page, 2025)
    assert labels(months)[:2] == ["December (7)", "November (7)"]
    assert labels(months)[-2:] == ["« Other year", "« Back to the list"]
    reached = invoice_list(EN, found, leads(months, "March (7)"), NOW)
    assert headings(reached)[0].startswith("March 2025 · 7 invoices")
    assert numbers(reached) == [36, 35, 34, 33, 32, 31]


def test_from_a_month_the_pages_turn_both_ways() -> None:
    found = two_years()
    page = ListPage(month=date(2026, 11, 1))
    assert numbers(invoice_list(EN, found, page, NOW))[0] == 236
    before = leads(invoice_list(EN, found, page, NOW), "◀")
    assert numbers(invoice_list(EN, found, before, NOW)) == [245, 244, 243, 242, 241, 240]
    assert numbers(invoice_list(EN, found, leads(invoice_list(EN, found, before, NOW), "◀"), NOW)) == [246]
    after = leads(invoice_list(EN, found, page, NOW), "▶")
    assert numbers(invoice_list(EN, found, after, NOW))[0] == 230


def test_a_filter_or_a_month_that_is_gone_does_not_lead_astray() -> None:
    found = two_years()
    filters = invoice_list(EN, found, ListPage(number=2, month=date(2026, 11, 1)), NOW, filtering=True)
    assert leads(filters, "Paid") == ListPage(Query(StatusFilter.PAID))
    without = listing(*(each for each in found.invoices if month_of(each) != date(2026, 11, 1)))
    reached = invoice_list(EN, without, ListPage(month=date(2026, 11, 1)), NOW)
    assert headings(reached)[0].startswith("October 2026")


def test_a_single_year_offers_its_months_at_once_and_undated_ones_have_a_button() -> None:
    found = listing(closed(1, date(2026, 11, 2)), closed(2, date(2026, 10, 2)), closed(3, None))
    assert labels(jump_menu(DE, found, PAGE, ALL_YEARS)) == [
        "November (1)",
        "Oktober (1)",
        "Ohne Datum (1)",
        "« Zurück zur Liste",
    ]
    assert numbers(invoice_list(EN, found, leads(jump_menu(EN, found, PAGE, 2026), "Without a date (1)"), NOW)) == [3]


def test_short_lists_and_those_of_one_month_offer_no_jump() -> None:
    days = [date(2026, 1 + n % 2, 1) for n in range(INVOICES_PER_PAGE * 2 + 1)]
    many = [closed(n, day) for n, day in enumerate(days, 1)]
    assert "📅 Jump to …" in labels(invoice_list(EN, listing(*many), ListPage(), NOW))
    assert "📅 Jump to …" not in labels(invoice_list(EN, listing(*many[:-1]), ListPage(), NOW))
    same = [closed(n, days[0]) for n, _ in enumerate(days, 1)]
    assert "📅 Jump to …" not in labels(invoice_list(EN, listing(*same), ListPage(), NOW))


some_lists = st.lists(
    st.tuples(st.booleans(), st.none() | st.dates(date(2024, 1, 1), date(2026, 12, 31))), min_size=1, max_size=60
).map(
    lambda made: listing(
        *(replace(invoice(n), issued=day) if is_open else closed(n, day) for n, (is_open, day) in enumerate(made, 1))
    )
)


@given(some_lists, st.none() | st.dates(date(2023, 1, 1), date(2027, 12, 31)))
def test_whatever_month_the_pages_begin_with_each_invoice_is_on_exactly_one(found: Listing, day: date | None) -> None:
    page = ListPage(number=-9999, month=day.replace(day=1) if day else None)
    screen = invoice_list(EN, found, page, NOW)
    shown = numbers(screen)
    while "▶" in labels(screen):
        screen = invoice_list(EN, found, leads(screen, "▶"), NOW)
        shown += numbers(screen)
    assert shown == [each.id for each in found.invoices]


@given(some_lists)
def test_a_jump_leads_to_the_page_that_begins_with_its_month(found: Listing) -> None:
    years = {each.issued.year for each in found.invoices if each.issued and not each.is_open}
    menus = [jump_menu(EN, found, PAGE, year) for year in (ALL_YEARS, *years)]
    jumps = {
        ListPage.parse(b.data.split(":")[1]) for menu in menus for b in buttons(menu) if b.data.startswith("list:")
    }
    by_id = {each.id: each for each in found.invoices}
    months = {month_of(each) for each in found.invoices} - {None}
    assert {jump.month for jump in jumps} - {None} == months
    for month in months:
        first, *_ = numbers(invoice_list(EN, found, ListPage(PAGE.query, month=month), NOW))
        assert month_of(by_id[first]) == month
        assert first == next(each.id for each in found.invoices if month_of(each) == month)


@given(st.lists(st.dates(), max_size=120), st.integers(0, 9999))
def test_the_jump_keeps_telegrams_limits(days: list[date], year: int) -> None:
    screen = jump_menu(DE, listing(*(closed(n, day) for n, day in enumerate(days, 1))), WIDEST, year)
    assert len(buttons(screen)) <= 100
    assert all(len(button.of_account(8).data.encode()) <= DATA_LIMIT for button in buttons(screen))
