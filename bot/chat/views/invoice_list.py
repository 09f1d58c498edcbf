"""The list of invoices, and the filters of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, box, in_rows, join, marked, one_line, page_from, page_rows
from bot.chat.texts import Texts
from bot.chat.views.consequences import consequences
from bot.chat.views.credit import money_lines, shortfall_rows
from bot.chat.views.invoice_words import debts, gaps, icon_of, none_open, status_of
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Listing, sum_left
from bot.domain.months import UNDATED, Month, month_of, months_in, start_of
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from bot.domain.topping_up import TopUpSubject

INVOICES_PER_PAGE = 6
LIST_TITLE_LENGTH = 60
PARTS_NAMED = 20
PAGES_WITHOUT_JUMP = 2


def invoice_list(
    t: Texts,
    listing: Listing,
    page: ListPage,
    now: datetime,
    *,
    filtering: bool = False,
    credit: Credit | None = None,
    title: Sequence[Markup] = (),
    beside: Sequence[Sequence[Button]] = (),
) -> Screen:
    """Return a page of the list, with buttons to open invoices and turn pages; if ``filtering``, with the filters.

    ``title`` takes the place of the list's own one, and ``beside`` are more buttons. Open invoices come first; how many
    they are says the head. The others follow by month.
    """
    start = start_of(listing.invoices, page.month)
    shown, number, before, pages = page_from(listing.invoices, start, page.number, INVOICES_PER_PAGE)
    page = replace(page, number=number)
    head = [*(title or [list_title(t, page.query)]), *summary(t, listing, page.query, found=bool(page.search))]
    # Among a part of the invoices, what the credit covers can't be said.
    has_all = page.query.holds_all_open and not page.search and listing.lacks_nothing
    owed = debts(listing.invoices) if has_all else ()
    head += money_lines(t, credit, owed, now)
    months = months_in(listing.invoices)
    if filtering:
        rows = _filter_rows(t, page, len(listing.invoices))
    else:
        rows = in_rows([Button(f"{i.id} · {t.money(i.display_amount)}", f"show:{i.id}:{page}") for i in shown])
        rows += page_rows(number + before, pages, lambda at: f"list:{replace(page, number=at - before)}")
        can_jump = pages > PAGES_WITHOUT_JUMP and len(months) > 1
        rows += [_ways(t, page, can_jump=can_jump, can_filter=bool(shown))]
        rows += [*_all_row(t, len(listing.invoices), page), *map(list, beside)]
        if t.account and not page.search:
            rows.append([Button(t.plain("button.together"), f"together:{ListPage(page.query)}")])
    rows += shortfall_rows(t, credit, owed, now, TopUpSubject())
    return Screen(Markup("\n\n").join([join(head), *_entries(t, shown, months, now)]), [row for row in rows if row])


def _entries(t: Texts, shown: Sequence[Invoice], months: Sequence[Month], now: datetime) -> list[Markup]:
    """Return what the list says of these invoices. Each month has a heading with its sum over the whole list."""
    headings = {month.first: _heading(t, month) for month in months}
    lines, above = [], None
    for invoice in shown:
        month = month_of(invoice)
        if month is not None and month != above:
            lines.append(headings[month])
        above = month
        lines.append(list_entry(t, invoice, now))
    return lines


def _heading(t: Texts, month: Month) -> Markup:
    name = month_name(t, month.first)
    if not month.paid:
        return t.count("list.month", month.count, month=name)
    return t.count("list.month_paid", month.count, month=name, sum=t.money(month.paid))


def month_name(t: Texts, first: date) -> str:
    return t.plain("list.no_date") if first == UNDATED else t.month(first)


def summary(t: Texts, listing: Listing, query: Query, *, found: bool = False) -> list[Markup]:
    """Return how much is open, or that nothing is. The latter is unknown while an invoice could not be read.

    Of what a search has ``found``, it says nothing either: others may be open.
    """
    still_open = [i for i in listing.invoices if i.counts]
    lines = []
    if still_open:
        lines.append(t.count("list.open_sum", len(still_open), sum=t.money(sum_left(still_open))))
    elif listing.lacks_nothing and not found and (key := _absence(listing, query)):
        lines.append(t(key))
    return lines + gaps(t, listing)


def _absence(listing: Listing, query: Query) -> str | None:
    """Return the key of what to say of a complete list in which nothing is open."""
    if query == Query(StatusFilter.OPEN) or (query == Query() and listing.invoices):
        return none_open(listing)
    if listing.invoices:
        return None
    return "list.none" if query == Query() else "list.empty"


def list_title(t: Texts, query: Query) -> Markup:
    """Return what is listed, with the active filters."""
    filters = [t(f"filter.{query.kind}")] if query.kind is not ItemKind.ANY else []
    if query.with_transactions:
        filters.append(t("filter.transactions"))
    return Markup(" · ").join([t(f"list.title.{query.status}"), *filters])


def list_entry(t: Texts, invoice: Invoice, now: datetime) -> Markup:
    """Return what a list says of an invoice."""
    if invoice.is_open and invoice.due:
        when = t("list.due", date=t.day(invoice.due), day=t.due_day(invoice.due, now))
    elif invoice.is_open and invoice.due_unreadable:
        when = t("list.due_unreadable")
    elif invoice.paid_at and invoice.is_paid:
        when = t("list.paid", date=t.day(t.date_of(invoice.paid_at)))
    else:
        when = Markup.escape(status_of(t, invoice))
    if invoice.is_open and invoice.odd_status and (invoice.due or invoice.due_unreadable):
        when = Markup(" · ").join([when, Markup.escape(status_of(t, invoice))])
    amount = t.money(invoice.display_amount)
    line = t("list.line", icon=icon_of(t, invoice, now), id=invoice.id, amount=amount, when=when)
    title = [Markup.escape(one_line(t.title_of(invoice), LIST_TITLE_LENGTH))] if invoice.title else []
    if invoice.parts:
        ids = t.listing([str(number) for number in invoice.parts[:PARTS_NAMED]])
        title.append(t.count("list.parts", len(invoice.parts), ids=ids))
    return join([line, *title, *(consequences(t, invoice.due, invoice.types, now) if invoice.may_be_owed else [])])


def _ways(t: Texts, page: ListPage, *, can_jump: bool, can_filter: bool) -> list[Button]:
    jump = [Button(t.plain("button.jump"), f"jump:0:{page}")] if can_jump else []
    filters = [Button(t.plain("button.filter"), f"filter:{page}")] if can_filter or page.query != Query() else []
    return [*jump, *filters]


def _all_row(t: Texts, count: int, page: ListPage) -> Rows:
    """Return the button for all PDFs of the list, on whichever page it is, and the one to choose some of them."""
    whole = f"all:{ListPage(page.query, search=page.search)}"
    if count <= 1:
        return []
    return [[Button(t.plain_count("button.pdfs", count), whole), Button(t.plain("button.tick_pdfs"), f"some:{page}")]]


def _filter_rows(t: Texts, page: ListPage, count: int) -> Rows:
    """Return the filters, which stay open while several are chosen, and what leads to the invoices that fit."""
    query = page.query
    statuses = [_filter_button(t, f"filter.{status}", replace(query, status=status), page) for status in StatusFilter]
    kinds = [_filter_button(t, f"filter.{kind}", replace(query, kind=kind), page) for kind in ItemKind]
    flipped = replace(query, with_transactions=not query.with_transactions)
    transactions = f"{box(ticked=query.with_transactions)} {t.plain('filter.transactions')}"
    return [
        statuses,
        *in_rows(kinds),
        [Button(transactions, f"filter:{_begun(page, flipped)}")],
        [Button(t.plain_count("button.show", count), f"list:{page}")],
    ]


def _filter_button(t: Texts, key: str, choice: Query, page: ListPage) -> Button:
    return Button(marked(t.plain(key), chosen=choice == page.query), f"filter:{_begun(page, choice)}")


def _begun(page: ListPage, query: Query) -> ListPage:
    """Return the first page of another choice in the same search."""
    return ListPage(query, search=page.search)
