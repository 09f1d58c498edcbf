"""The invoices to choose from, for a command that came without a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.chat.screens import Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.chat.views.invoices import icon
from bot.domain.invoices import Invoice, Listing
from bot.domain.queries import ListPage

INVOICES_OFFERED = 8
BUTTON_TITLE_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """What to choose for a command: the word in its callback data, and the key of the answer if no invoice ``fits``."""

    word: str
    none: str
    fits: Callable[[Invoice], bool] = lambda _: True
    amount: Callable[[Invoice], Decimal] = lambda invoice: invoice.display_amount


CHOICES: Mapping[str, Choice] = {
    "invoice": Choice("show", "list.none"),
    "pdf": Choice("pdf", "list.none"),
    # Also one whose remainder is unclear: pressing says why it can't be paid here. "Nothing to pay" would be wrong.
    "pay": Choice("pay", "list.none_open", lambda invoice: invoice.is_open and invoice.left_to_pay != 0),
    "removecredit": Choice(
        "removecredit", "choose.no_credit", lambda invoice: invoice.can_return_credit, lambda invoice: invoice.credit
    ),
}
"""The commands that are about one invoice."""


def choice(t: Texts, command: str, listing: Listing, now: datetime) -> Screen:
    """Ask which invoice, in the listing's order, or say that none fits. Nobody knows that if some could not be read."""
    asked = CHOICES[command]
    fitting = [invoice for invoice in listing.invoices if asked.fits(invoice)]
    lines = []
    if fitting:
        lines.append(t(f"choose.{command}"))
    elif not listing.unreadable:
        lines.append(t(asked.none))
    if listing.unreadable:
        lines.append(t.count("list.unreadable", listing.unreadable))
    rows = [[_button(t, asked, invoice, now)] for invoice in fitting[:INVOICES_OFFERED]]
    if command == "pay" and sum(invoice.can_be_paid for invoice in fitting) > 1:
        rows.append([Button(t.plain("button.several"), "several")])
    if len(fitting) > INVOICES_OFFERED:
        rows.append([Button(t.plain("button.all_invoices"), f"list:{ListPage()}")])
    return Screen(join(lines), rows)


def _button(t: Texts, asked: Choice, invoice: Invoice, now: datetime) -> Button:
    parts = [
        f"{icon(t, invoice, now)} {invoice.id}",
        t.money(asked.amount(invoice)),
        one_line(invoice.title, BUTTON_TITLE_LENGTH),
    ]
    return Button(" · ".join(filter(None, parts)), f"{asked.word}:{invoice.id}")
