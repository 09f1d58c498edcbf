"""The list of invoices: what it says, its pages and its filters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.chat.screens import DATA_LIMIT, TEXT_LIMIT, Button, length
from bot.chat.texts import Texts
from bot.chat.views.invoice_list import INVOICES_PER_PAGE, invoice_list
from bot.domain.invoices import Invoice, Item, Listing
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from tests.chat.samples import (
    CANCELLED_SERVER,
    DE,
    EN,
    NASTY,
    NOW,
    PAID_DOMAIN,
    TODAY,
    buttons,
    invoice,
    labels,
    paid,
    seen,
)

FIRST = ListPage(Query())
pages = st.builds(
    ListPage,
    st.builds(Query, st.sampled_from(StatusFilter), st.sampled_from(ItemKind), st.booleans()),
    st.integers(0, 10_000),
    st.just("") | st.from_regex(r"[\w-]{8}", fullmatch=True).filter(str.isascii),
    st.none() | st.dates().map(lambda day: day.replace(day=1)),
)


def listing(*invoices: Invoice, unreadable: int = 0) -> Listing:
    return Listing(invoices, unreadable)


def show(found: Listing, page: ListPage = FIRST, t: Texts = EN) -> str:
    return seen(invoice_list(t, found, page, NOW))


# --- What it says ---------------------------------------------------------------------------------------------------


def test_an_account_without_invoices_is_told_so() -> None:
    assert show(listing()) == "🧾 Your invoices\nThere are no invoices in your account."
    assert show(listing(), t=DE) == "🧾 Deine Rechnungen\nIn deinem Konto gibt es keine Rechnungen."


@pytest.mark.parametrize(
    "query",
    [
        Query(StatusFilter.PAID),
        Query(StatusFilter.OPEN, ItemKind.DOMAIN),
        Query(kind=ItemKind.HOSTING),
        Query(with_transactions=True),
    ],
)
def test_a_filter_that_nothing_fits_does_not_say_that_the_account_is_empty(query: Query) -> None:
    text = show(listing(), ListPage(query))
    assert text.endswith("No invoice matches this filter.")
    assert "in your account" not in text


def test_no_open_invoice_is_good_news() -> None:
    assert show(listing(), ListPage(Query(StatusFilter.OPEN))) == "🧾 Open invoices\nNothing to pay."
    assert "Nichts zu bezahlen." in show(listing(PAID_DOMAIN), t=DE)


@pytest.mark.parametrize("show_only", [StatusFilter.ALL, StatusFilter.OPEN])
@pytest.mark.parametrize("found", [(), (PAID_DOMAIN,)], ids=["nothing else", "a paid one"])
def test_while_some_could_not_be_read_it_never_says_that_nothing_is_to_be_paid(
    show_only: StatusFilter, found: tuple[Invoice, ...]
) -> None:
    shown = () if show_only is StatusFilter.OPEN else found
    text = show(listing(*shown, unreadable=2), ListPage(Query(show_only)))
    assert "⚠️ 2 invoices could not be read and are missing here." in text
    assert "Nothing to pay" not in text
    assert "no invoices in your account" not in text


def test_unreadable_invoices_are_counted_in_words() -> None:
    assert "⚠️ 1 invoice could not be read and is missing here." in show(listing(invoice(), unreadable=1))
    named = replace(listing(invoice(), unreadable=1), unreadable_ids=(9,))
    assert "is missing here. It is invoice 9." in show(named)
    assert "⚠️ 3 Rechnungen waren nicht lesbar und fehlen hier." in show(listing(invoice(), unreadable=3), t=DE)


def test_what_a_list_lacks_is_said_and_nothing_is_concluded_from_it() -> None:
    counted = Listing((PAID_DOMAIN,), missing=2)
    assert "⚠️ The provider counts 2 more invoices, which I could not read." in show(counted)
    for part in (Listing((PAID_DOMAIN,), rest="page=2"), Listing((), rest=""), Listing((PAID_DOMAIN,), resumed=True)):
        assert "⚠️ These are not all of your invoices" in show(part)
    for lacking in (counted, Listing((), rest="")):
        assert "Nothing to pay" not in show(lacking)
        assert "no invoices in your account" not in show(lacking)
        assert "Nichts zu bezahlen" not in show(lacking, t=DE)


def test_a_due_date_that_cannot_be_read_is_said_with_the_invoice_s_number() -> None:
    undated = replace(invoice(), due=None, due_unreadable=True)
    assert show(listing(undated)) == (
        "🧾 Your invoices\n1 open invoice, €7.95\n"
        "⚠️ The due date of invoice 4711 can't be read. Please look it up in the PDF.\n\n"
        "🟡 4711 · €7.95 · due date can't be read\nServer 4711"
    )


def test_one_open_invoice_has_its_sum_due_date_and_title() -> None:
    assert show(listing(invoice())) == (
        "🧾 Your invoices\n1 open invoice, €7.95\n\n🟡 4711 · €7.95 · due 27 Nov 2026 (in 5 days)\nServer 4711"
    )
    assert show(listing(invoice()), t=DE) == (
        "🧾 Deine Rechnungen\n1 offene Rechnung, 7,95\N{NO-BREAK SPACE}€\n\n"
        "🟡 4711 · 7,95\N{NO-BREAK SPACE}€ · fällig 27.11.2026 (in 5 Tagen)\nServer 4711"
    )


def test_an_overdue_invoice_stands_out() -> None:
    assert "🔴 4711 · €7.95 · due 21 Nov 2026 (yesterday)" in show(listing(invoice(due=date(2026, 11, 21))))


def test_the_day_it_is_due_is_not_overdue() -> None:
    assert "🟡 4711 · €7.95 · due 22 Nov 2026 (today)" in show(listing(invoice(due=TODAY)))


def test_open_invoices_are_summed_up_by_what_is_left() -> None:
    with_credit = invoice(2, credit=Decimal("1.00"))
    text = show(listing(invoice(1), with_credit, paid(3)))
    assert "2 open invoices, together €14.90" in text
    assert "2 · €6.95 · due" in text


def test_an_open_invoice_that_credit_covers_shows_that_nothing_is_left_of_it() -> None:
    text = show(listing(invoice(credit=Decimal("7.95"))))
    assert "1 open invoice, €0.00" in text
    assert "4711 · €0.00 · due" in text


def test_an_invoice_whose_remainder_is_unclear_shows_its_total() -> None:
    assert "4711 · €5.00 ·" in show(listing(invoice(total=Decimal("5.00"), credit=Decimal("1.00"))))


def test_an_open_invoice_without_a_due_date_shows_its_status() -> None:
    assert "🟡 4711 · €7.95 · Open" in show(listing(invoice(due=None)))


def test_paid_and_cancelled_are_told_apart() -> None:
    text = show(listing(PAID_DOMAIN, CANCELLED_SERVER))
    assert "✅ 212032 · €0.00 · paid 17 Nov 2022" in text
    assert "⚪️ 130348 · €7.95 · Cancelled" in text


def test_a_refunded_invoice_is_not_shown_as_paid() -> None:
    text = show(listing(paid(5, status="Refunded", status_label="Erstattet")))
    assert "⚪️ 5 · €7.95 · Refunded" in text


def test_the_day_of_payment_is_the_one_in_the_providers_zone() -> None:
    # The first sample was paid on 17 November at 03:00 UTC. Shortly before midnight UTC it is the next day in Berlin.
    late = replace(PAID_DOMAIN, paid_at=PAID_DOMAIN.paid_at and PAID_DOMAIN.paid_at.replace(hour=23, minute=30))
    assert "paid 18 Nov 2022" in show(listing(late))


def test_what_the_provider_wrote_is_shown_as_it_was_written() -> None:
    nasty = invoice(due=None, status="Pending", status_label=NASTY, items=(Item("Hosting", NASTY, NASTY, None),))
    text = show(listing(nasty))
    assert text.count(NASTY) == 2


# --- Pages ----------------------------------------------------------------------------------------------------------


def many(count: int) -> Listing:
    return listing(*(invoice(number) for number in range(1, count + 1)))


def shown_numbers(found: Listing, number: int) -> list[int]:
    screen = invoice_list(EN, found, ListPage(Query(), number), NOW)
    return [int(button.data.split(":")[1]) for button in buttons(screen) if button.data.startswith("show:")]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, [1, 2, 3, 4, 5, 6]), (1, [7, 8, 9, 10, 11, 12]), (2, [13]), (3, [13]), (99, [13]), (-1, [1, 2, 3, 4, 5, 6])],
)
def test_a_page_holds_six_and_one_that_is_not_there_is_the_nearest(number: int, expected: list[int]) -> None:
    assert shown_numbers(many(13), number) == expected


@pytest.mark.parametrize(("count", "pages_needed"), [(0, 1), (1, 1), (6, 1), (7, 2), (12, 2), (13, 3)])
def test_every_invoice_is_on_exactly_one_page(count: int, pages_needed: int) -> None:
    found = many(count)
    numbers = [number for page in range(pages_needed) for number in shown_numbers(found, page)]
    assert numbers == list(range(1, count + 1))


def test_a_single_page_has_no_buttons_to_turn() -> None:
    assert "◀" not in labels(invoice_list(EN, many(INVOICES_PER_PAGE), FIRST, NOW))


def test_turning_ends_at_the_last_page_and_keeps_the_filters() -> None:
    query = Query(StatusFilter.OPEN, ItemKind.HOSTING, with_transactions=True)
    screen = invoice_list(EN, many(13), ListPage(query, 2), NOW)
    found = {button.label: button.data for button in buttons(screen)}
    assert found["◀"] == f"list:{ListPage(query, 1)}"
    assert "▶" not in found
    assert "◀" not in labels(invoice_list(EN, many(13), ListPage(query, 0), NOW))
    assert found["3 / 3"] == f"list:{ListPage(query, 2)}"


def test_the_sum_is_of_all_pages() -> None:
    assert "13 open invoices, together €103.35" in show(many(13), ListPage(Query(), 2))


# --- Filters --------------------------------------------------------------------------------------------------------


def test_one_button_opens_the_filters_and_keeps_the_page() -> None:
    screen = invoice_list(EN, many(13), ListPage(Query(StatusFilter.OPEN), 1), NOW)
    assert [len(row) for row in screen.rows] == [2, 2, 2, 3, 1, 2]
    assert screen.rows[-2] == [Button("🔍 Filter", "filter:open.any.0.1")]


def test_one_button_is_about_all_pdfs_of_the_list_whatever_the_page() -> None:
    query = Query(StatusFilter.OPEN)
    for page in (ListPage(query, 0), ListPage(query, 1)):
        assert invoice_list(EN, many(13), page, NOW).rows[-1] == [
            Button("📄 All PDFs (13)", "all:open.any.0.0"),
            Button("☑ Choose PDFs", f"some:{page}"),
        ]
    assert "📄 1 PDF" not in labels(invoice_list(EN, many(1), FIRST, NOW))


def test_the_filters_take_the_place_of_the_numbers_and_lead_back_to_them() -> None:
    page = ListPage(Query(StatusFilter.OPEN), 1)
    screen = invoice_list(EN, many(13), page, NOW, filtering=True)
    assert [len(row) for row in screen.rows] == [3, 2, 2, 1, 1]
    assert screen.rows[-1] == [Button("🧾 Show 13 invoices", f"list:{page}")]
    assert all(button.data.startswith("filter:") for row in screen.rows[:-1] for button in row)
    assert screen.text == invoice_list(EN, many(13), page, NOW).text


def test_an_account_without_invoices_has_nothing_to_filter_and_a_filter_that_nothing_fits_can_be_undone() -> None:
    assert labels(invoice_list(EN, listing(), FIRST, NOW)) == []
    assert labels(invoice_list(EN, listing(), ListPage(Query(StatusFilter.PAID)), NOW)) == ["🔍 Filter"]


def test_the_title_names_the_filters_in_force() -> None:
    query = Query(StatusFilter.PAID, ItemKind.DOMAIN, with_transactions=True)
    assert show(listing(), ListPage(query)).splitlines()[0] == "🧾 Paid invoices · Domain · with transactions"
    german = show(listing(), ListPage(query), DE)
    assert german.splitlines()[0] == "🧾 Bezahlte Rechnungen · Domain · mit Transaktionen"
    assert (
        show(listing(), ListPage(Query(kind=ItemKind.DONATION)), DE).splitlines()[0] == "🧾 Deine Rechnungen · Spende"
    )


def test_the_filters_in_force_are_marked() -> None:
    query = Query(StatusFilter.PAID, ItemKind.DOMAIN, with_transactions=True)
    found = labels(invoice_list(EN, listing(), ListPage(query), NOW, filtering=True))
    english = {"All", "Open", "• Paid •", "Any kind", "Hosting", "• Domain •", "Donation", "☑ with transactions"}
    assert english <= {*found}
    german = labels(invoice_list(DE, listing(), FIRST, NOW, filtering=True))
    assert {"• Alle •", "Offen", "Bezahlt", "• Alle Arten •", "Hosting", "Domain", "Spende", "☐ mit Transaktionen"} <= {
        *german
    }


def test_a_filter_changes_one_thing_and_begins_at_the_first_page() -> None:
    query = Query(StatusFilter.PAID, ItemKind.DOMAIN)
    found = {b.label: b.data for b in buttons(invoice_list(EN, many(13), ListPage(query, 2), NOW, filtering=True))}
    assert found["Open"] == f"filter:{ListPage(replace(query, status=StatusFilter.OPEN))}"
    assert found["Hosting"] == f"filter:{ListPage(replace(query, kind=ItemKind.HOSTING))}"
    assert found["☐ with transactions"] == f"filter:{ListPage(replace(query, with_transactions=True))}"


@given(pages)
def test_a_page_survives_the_way_through_callback_data(page: ListPage) -> None:
    assert ListPage.parse(str(page)) == page


@pytest.mark.parametrize("text", ["all.any.0.2", "paid.hosting.1.0.q83vEjRW"])
def test_a_page_from_before_there_were_months_means_the_same(text: str) -> None:
    assert str(ListPage.parse(text)) == text
    assert ListPage.parse(text).month is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "all.any.0",
        "all.any.0.x",
        "some.any.0.0",
        "all.any.0.0..202613",
        "all.any.0.0..2026",
        "all.any.0.0..202611.0",
    ],
)
def test_what_is_no_page_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each in words of its own
        ListPage.parse(text)


# --- Telegram's limits ----------------------------------------------------------------------------------------------


@given(pages, st.lists(st.integers(10**17, 10**18 - 1), min_size=1, max_size=20), st.text(max_size=300), st.booleans())
def test_a_list_keeps_telegrams_limits_whatever_is_in_it(
    page: ListPage, ids: list[int], title: str, filtering: bool
) -> None:
    item = Item("Hosting", title, title, None)
    shown = (invoice(number, items=(item,), status_label=title, total=Decimal(10**12)) for number in ids)
    found = listing(
        *(replace(i, is_open=i.id % 3 == 0, status="Paid", issued=date(i.id % 99 + 1, 9, 1)) for i in shown)
    )
    screen = invoice_list(DE, found, page, NOW, filtering=filtering)
    assert length(screen.text) <= TEXT_LIMIT
    assert seen(screen)
    assert all(1 <= len(button.data.encode()) <= DATA_LIMIT for button in buttons(screen))
    assert all(0 < len(button.label) <= 64 for button in buttons(screen))
