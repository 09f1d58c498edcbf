"""The list of invoices, one invoice in detail, and the choice of an invoice for a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import (
    PAYS,
    Button,
    Rows,
    Screen,
    box,
    cut,
    fit,
    in_rows,
    join,
    marked,
    one_line,
    page_of,
    page_rows,
)
from bot.chat.texts import Texts
from bot.chat.views.consequences import consequences
from bot.chat.views.credit import money_lines, shortfall_rows
from bot.chat.views.snoozing import silence_rows
from bot.domain.chats import Silence
from bot.domain.credit import Credit, Debt
from bot.domain.invoices import CENT, Invoice, Item, Listing, sum_left
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from bot.domain.standings import Standing
from bot.domain.topping_up import TopUpSubject

INVOICES_PER_PAGE = 6
INVOICES_OFFERED = 8
LIST_TITLE_LENGTH = 60
BUTTON_TITLE_LENGTH = 30
ITEM_TITLE_LENGTH = 200
ITEMS_AT_MOST = 1000
"""More surely don't fit into a message."""
ITEM_DESCRIPTION_LENGTH = 800
STATUS_LENGTH = 40
UNDATED_NAMED = PARTS_NAMED = 20


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

    ``title`` takes the place of the list's own one, and ``beside`` are more buttons.
    """
    shown, number, pages = page_of(listing.invoices, page.number, INVOICES_PER_PAGE)
    page = replace(page, number=number)
    head = [*(title or [_list_title(t, page.query)]), *summary(t, listing, page.query, found=bool(page.search))]
    # Among a part of the invoices, what the credit covers can't be said.
    has_all = page.query.holds_all_open and not page.search and listing.lacks_nothing
    owed = debts(listing.invoices) if has_all else ()
    head += money_lines(t, credit, owed, now)
    body = [list_entry(t, invoice, now) for invoice in shown]
    rows = _filter_rows(t, page) if filtering else [*_list_rows(t, shown, page, pages), *map(list, beside)]
    rows += shortfall_rows(t, credit, owed, now, TopUpSubject())
    return Screen(Markup("\n\n").join([join(head), *body]), rows)


def invoice_details(
    t: Texts, invoice: Invoice, now: datetime, back: ListPage | None = None, silence: Silence | None = None
) -> Screen:
    """Return everything about one invoice, with the buttons that make sense now.

    ``silence`` says whether its reminders are put off. None: no reminder can come.
    """
    head = [t("details.title", id=invoice.id, status=status_of(t, invoice))]
    if invoice.issued:
        head.append(t("details.issued", date=t.day(invoice.issued)))
    if invoice.due and not invoice.is_credit_note:
        since_today = t.due_day(invoice.due, now) if invoice.is_open else ""
        head.append(t("details.due_in" if since_today else "details.due", date=t.day(invoice.due), day=since_today))
    elif invoice.is_open:
        head.append(t("due_unreadable" if invoice.due_unreadable else "details.no_due"))
    if invoice.is_open and invoice.is_collective:
        head.append(t("details.collective"))
    if invoice.is_credit_note:
        head.append(t("details.credit_note", amount=t.money(-invoice.full_total)))
    if invoice.may_be_owed:
        head += consequences(t, invoice.due, invoice.types, now)
    if invoice.paid_at:
        head.append(t("details.paid", date=t.day(t.date_of(invoice.paid_at))))
    body = [line for item in invoice.items[:ITEMS_AT_MOST] for line in _item_lines(t, item)]
    if invoice.items_unreadable:
        body.append(t("details.items_unreadable"))
    tail = [Markup(""), *_sums(t, invoice)]
    snoozing = silence_rows(t, str(invoice.id), silence, now) if silence is not None else []
    rows = [*_details_rows(t, invoice), *snoozing]
    if back is not None:
        rows.append([Button(t.plain("button.back"), f"list:{back}")])
    return Screen(fit([*head, Markup("")], body, tail, t("details.more_items")), rows)


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


def gaps(t: Texts, listing: Listing) -> list[Markup]:
    """Return what a list lacks, and what could not be read of its open invoices."""
    lines = []
    if listing.unreadable:
        count = listing.unreadable
        lines.append(named(t, t.count("list.unreadable", count), listing.unreadable_ids, count))
    if listing.missing:
        lines.append(t.count("list.missing", listing.missing))
    elif not listing.is_whole:
        lines.append(t("list.not_all"))
    if undated := [str(i.id) for i in listing.invoices if i.may_be_owed and i.due_unreadable]:
        lines.append(t.count("list.undated", len(undated), ids=t.listing(undated[:UNDATED_NAMED])))
    return lines


def named(t: Texts, text: Markup, numbers: Sequence[int], count: int) -> Markup:
    """Return a text about so many invoices that can't be read, and behind it the numbers that are known of them."""
    if not numbers:
        return text
    ids = t.listing([str(number) for number in numbers])
    are_all = len(numbers) >= count
    return Markup(" ").join([text, t.count("unreadable.all" if are_all else "unreadable.some", len(numbers), ids=ids)])


def debts(invoices: Iterable[Invoice]) -> list[Debt]:
    """Return what is to be paid of these invoices."""
    return [invoice.debt for invoice in invoices if invoice.may_be_owed]


def _absence(listing: Listing, query: Query) -> str | None:
    """Return the key of what to say of a complete list in which nothing is open."""
    if query == Query(StatusFilter.OPEN) or (query == Query() and listing.invoices):
        return _none_open(listing)
    if listing.invoices:
        return None
    return "list.none" if query == Query() else "list.empty"


def _none_open(listing: Listing) -> str:
    """Return the key of what to say if nothing is open: nothing is to be paid, if that is known."""
    return "list.no_open" if listing.has_unclear else "list.none_open"


def status_of(t: Texts, invoice: Invoice) -> str:
    """Return the provider's word for how an invoice stands, or ours where it has none that fits."""
    if invoice.standing is Standing.CREDIT_NOTE:
        return t.plain("status.credit_note")
    word = one_line(invoice.status_label or invoice.status, STATUS_LENGTH)
    return word or t.plain("status.open" if invoice.is_open else "status.closed")


def _icon(t: Texts, invoice: Invoice, now: datetime) -> str:
    """Return a sign for how urgent an invoice is."""
    if not invoice.is_open:
        return "✅" if invoice.is_paid else "⚪️"
    return "🔴" if invoice.due and t.is_over(invoice.due, now) else "🟡"


def _list_title(t: Texts, query: Query) -> Markup:
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
    line = t("list.line", icon=_icon(t, invoice, now), id=invoice.id, amount=t.money(invoice.display_amount), when=when)
    title = [Markup.escape(one_line(t.title_of(invoice), LIST_TITLE_LENGTH))] if invoice.title else []
    if invoice.parts:
        ids = t.listing([str(number) for number in invoice.parts[:PARTS_NAMED]])
        title.append(t.count("list.parts", len(invoice.parts), ids=ids))
    return join([line, *title, *(consequences(t, invoice.due, invoice.types, now) if invoice.may_be_owed else [])])


def _list_rows(t: Texts, shown: Sequence[Invoice], page: ListPage, pages: int) -> Rows:
    rows = in_rows([Button(f"{i.id} · {t.money(i.display_amount)}", f"show:{i.id}:{page}") for i in shown])
    rows += page_rows(page.number, pages, lambda number: f"list:{replace(page, number=number)}")
    if shown or page.query != Query():
        rows.append([Button(t.plain("button.filter"), f"filter:{page}")])
    return rows


def _filter_rows(t: Texts, page: ListPage) -> Rows:
    query = page.query
    statuses = [_filter_button(t, f"filter.{status}", replace(query, status=status), page) for status in StatusFilter]
    kinds = [_filter_button(t, f"filter.{kind}", replace(query, kind=kind), page) for kind in ItemKind]
    flipped = replace(query, with_transactions=not query.with_transactions)
    transactions = f"{box(ticked=query.with_transactions)} {t.plain('filter.transactions')}"
    return [
        statuses,
        *in_rows(kinds),
        [Button(transactions, f"list:{replace(page, query=flipped, number=0)}")],
        [Button(t.plain("button.back"), f"list:{page}")],
    ]


def _filter_button(t: Texts, key: str, choice: Query, page: ListPage) -> Button:
    return Button(marked(t.plain(key), chosen=choice == page.query), f"list:{replace(page, query=choice, number=0)}")


def _item_lines(t: Texts, item: Item) -> list[Markup]:
    title = one_line(t.titled(item.title or item.type, item.service), ITEM_TITLE_LENGTH)
    key = "details.item" if item.amount is not None else "details.item_without_amount"
    lines = [t(key, title=title, amount=t.money(item.amount or Decimal(0)))]
    first, _, rest = item.description.strip().partition("\n")
    # The description most often repeats the title as its first line.
    text = rest if first.strip() == item.title.strip() else item.description
    lines += [
        t("details.description", text=line) for line in cut(text, ITEM_DESCRIPTION_LENGTH).splitlines() if line.strip()
    ]
    return lines


def _sums(t: Texts, invoice: Invoice) -> list[Markup]:
    """Return the sums so that a person can check them: net + tax = total, total - credit = what is left.

    So the total is that before credit, whatever the provider means by it. What doesn't add up is said to.
    """
    lines = []
    if invoice.subtotal is not None and invoice.tax is not None:
        lines.append(t("details.subtotal", amount=t.money(invoice.subtotal)))
        if invoice.tax_rate is None:
            lines.append(t("details.tax_without_rate", amount=t.money(invoice.tax)))
        else:
            lines.append(t("details.tax", rate=t.number(invoice.tax_rate), amount=t.money(invoice.tax)))
    off = invoice.full_total - invoice.net_and_tax if invoice.net_and_tax is not None else Decimal(0)
    is_clear = invoice.gross is not None
    if is_clear and off and abs(off) <= CENT:
        lines.append(t("details.rounding", amount=t.money(off)))
    lines.append(t("details.total", amount=t.money(invoice.full_total)))
    if abs(off) > CENT and (is_clear or not invoice.is_open):
        lines.append(t("details.other_sum"))
    if invoice.credit:
        lines.append(t("details.credit", amount=t.money(invoice.credit)))
    if invoice.is_open:
        left = invoice.left_to_pay
        if invoice.gross is not None and left is not None and (surplus := left + invoice.credit - invoice.gross):
            lines.append(t("details.surplus", amount=t.money(surplus)))
        lines.append(t("details.left_unclear") if left is None else t("details.left", amount=t.money(left)))
    return lines


def _details_rows(t: Texts, invoice: Invoice) -> Rows:
    rows = [[Button(t.plain("button.pdf"), f"pdf:{invoice.id}")]]
    if any(item.service is not None for item in invoice.items):
        rows[0].append(Button(t.plain("button.history"), f"row:{invoice.id}"))
    if invoice.left_to_pay is not None and t.offers(invoice.left_to_pay):
        label = t.plain("button.pay", amount=t.money(invoice.left_to_pay))
        rows.append([Button(label, f"pay:{invoice.id}", style=PAYS)])
    if t.payments and invoice.can_return_credit:
        label = t.plain("button.remove_credit", amount=t.money(invoice.credit))
        rows.append([Button(label, f"removecredit:{invoice.id}")])
    if invoice.left_to_pay:
        rows.append([_copying(str(invoice.id)), _copying(t.typed(invoice.left_to_pay))])
    return rows


def _copying(text: str) -> Button:
    """Return a button that copies what is to be typed elsewhere: a number, or a sum."""
    return Button(f"📋 {text}", copy=text)


# --- The invoices to choose from, for a command that came without a number ---


@dataclass(frozen=True, slots=True)
class InvoiceChoice:
    """What to choose for a command: the word in its callback data, and the key of the answer if no invoice ``fits``."""

    word: str
    none: str
    fits: Callable[[Invoice], bool] = lambda _: True
    amount: Callable[[Invoice], Decimal] = lambda invoice: invoice.display_amount


INVOICE_CHOICES: Mapping[str, InvoiceChoice] = {
    "invoice": InvoiceChoice("show", "list.none"),
    "pdf": InvoiceChoice("pdf", "list.none"),
    # An unclear remainder counts: the press says why it can't be paid here. "Nothing to pay" would be wrong.
    "pay": InvoiceChoice("pay", "list.none_open", lambda invoice: invoice.may_be_owed and not invoice.parts),
    "removecredit": InvoiceChoice(
        "removecredit", "choose.no_credit", lambda invoice: invoice.can_return_credit, lambda invoice: invoice.credit
    ),
}
"""The commands that are about one invoice."""


def invoice_choice(t: Texts, command: str, listing: Listing, now: datetime) -> Screen:
    """Ask which invoice, in the listing's order, or say that none fits: not if some could not be read."""
    asked = INVOICE_CHOICES[command]
    fitting = [invoice for invoice in listing.invoices if asked.fits(invoice)]
    limited = [i for i in fitting if i.can_be_paid and not t.offers(i.left_to_pay)] if command == "pay" else []
    fitting = [invoice for invoice in fitting if invoice not in limited]
    lines = []
    if fitting:
        lines.append(t(f"choose.{command}"))
    elif listing.lacks_nothing and not limited:
        lines.append(t(_none_open(listing) if command == "pay" else asked.none))
    if limited and t.paying.limit is not None:
        lines.append(t.count("choose.too_large", len(limited), limit=t.money(t.paying.limit)))
    lines += gaps(t, listing)
    rows = [[_invoice_button(t, asked, invoice, now)] for invoice in fitting[:INVOICES_OFFERED]]
    if command == "pay" and sum(invoice.can_be_paid for invoice in fitting) > 1:
        rows.append([Button(t.plain("button.several"), "several")])
    if len(fitting) > INVOICES_OFFERED:
        rows.append([Button(t.plain("button.all_invoices"), f"list:{ListPage()}")])
    return Screen(join(lines), rows)


def _invoice_button(t: Texts, asked: InvoiceChoice, invoice: Invoice, now: datetime) -> Button:
    parts = [
        f"{_icon(t, invoice, now)} {invoice.id}",
        t.money(asked.amount(invoice)),
        one_line(t.title_of(invoice), BUTTON_TITLE_LENGTH),
    ]
    return Button(" · ".join(filter(None, parts)), f"{asked.word}:{invoice.id}")
