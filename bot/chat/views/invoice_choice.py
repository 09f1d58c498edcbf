"""The invoices to choose from, for a command that came without a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.chat.screens import Button, Screen, join, one_line, page_of, page_rows
from bot.chat.texts import Texts
from bot.chat.views.invoice_words import gaps, icon_of, none_open
from bot.chat.views.selecting import ALL_OFFERED, rows_of_none, tick_label
from bot.domain.invoices import Invoice, Listing
from bot.domain.queries import ListPage
from bot.domain.selections import CHOSEN_AT_MOST, OFFERS_PER_PAGE, Purpose

INVOICES_OFFERED = 8
BUTTON_TITLE_LENGTH = 30


@dataclass(frozen=True, slots=True)
class InvoiceChoice:
    """What to choose for a command: the word in its callback data, and the key of the answer if no invoice ``fits``."""

    word: str
    none: str
    fits: Callable[[Invoice], bool] = lambda _: True
    amount: Callable[[Invoice], Decimal] = lambda invoice: invoice.display_amount
    newest_first: bool = False


INVOICE_CHOICES: Mapping[str, InvoiceChoice] = {
    "invoice": InvoiceChoice("show", "list.none", newest_first=True),
    "pdf": InvoiceChoice("pdf", "list.none", newest_first=True),
    # An unclear remainder counts: the press says why it can't be paid here. "Nothing to pay" would be wrong.
    "pay": InvoiceChoice("pay", "list.none_open", lambda invoice: invoice.may_be_owed and not invoice.parts),
    "removecredit": InvoiceChoice(
        "removecredit", "choose.no_credit", lambda invoice: invoice.can_return_credit, lambda invoice: invoice.credit
    ),
}
"""The commands that are about one invoice."""


def invoice_choice(t: Texts, command: str, listing: Listing, now: datetime, number: int = 0) -> Screen:
    """Ask which invoice, or say that none fits: not if some could not be read. ``number`` is the page of them, from 0.

    To look at, the newest come first, whether paid or open; to pay, the listing's order counts.
    """
    asked = INVOICE_CHOICES[command]
    fitting = [invoice for invoice in listing.invoices if asked.fits(invoice)]
    if asked.newest_first:
        fitting.sort(key=lambda invoice: (invoice.issued or date.min, invoice.id), reverse=True)
    limited = [i for i in fitting if i.can_be_paid and not t.offers(i.left_to_pay)] if command == "pay" else []
    too_large = {invoice.id for invoice in limited}
    fitting = [invoice for invoice in fitting if invoice.id not in too_large]
    payable = sum(invoice.can_be_paid for invoice in fitting) if command == "pay" else 0
    lines = []
    if fitting:
        lines.append(t("select.ask" if payable > 1 else f"choose.{command}"))
    elif listing.lacks_nothing and not limited:
        lines.append(t(none_open(listing) if command == "pay" else asked.none))
    if limited and t.paying.limit is not None:
        lines.append(t.count("choose.too_large", len(limited), limit=t.money(t.paying.limit)))
    lines += gaps(t, listing)
    shown, number, pages = page_of(fitting, number, OFFERS_PER_PAGE if payable > 1 else INVOICES_OFFERED)
    rows = [[_invoice_button(t, asked, invoice, now, ticks=payable > 1)] for invoice in shown]
    rows += page_rows(number, pages, lambda at: f"more:{command}:{at}")
    if payable > 1:
        every = [Button(t.plain("button.all"), f"tick:{ALL_OFFERED}")]
        rows += rows_of_none(t, "close", every if payable <= CHOSEN_AT_MOST[Purpose.PAY] else [])
    elif command == "pdf" and len(fitting) > 1:
        rows.append([Button(t.plain("button.several"), "some")])
    if pages > 1 and payable <= 1:
        rows.append([Button(t.plain("button.all_invoices"), f"list:{ListPage()}")])
    return Screen(join(lines), rows)


def _invoice_button(t: Texts, asked: InvoiceChoice, invoice: Invoice, now: datetime, *, ticks: bool) -> Button:
    if ticks and invoice.can_be_paid:
        overdue = invoice.due is not None and t.is_over(invoice.due, now)
        amount, title = t.money(asked.amount(invoice)), t.title_of(invoice)
        label = tick_label(invoice.id, amount, title, ticked=False, overdue=overdue)
        return Button(label, f"tick:{invoice.id}")
    parts = [
        f"{icon_of(t, invoice, now)} {invoice.id}",
        t.money(asked.amount(invoice)),
        one_line(t.title_of(invoice), BUTTON_TITLE_LENGTH),
    ]
    return Button(" · ".join(filter(None, parts)), f"{asked.word}:{invoice.id}")
