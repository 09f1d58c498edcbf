"""How an invoice stands, and what could not be read: the words that every view of invoices shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import one_line
from bot.chat.texts import Texts
from bot.domain.credit import Debt
from bot.domain.invoices import Invoice, Listing

STATUS_LENGTH = 40
UNDATED_NAMED = 20


def status_of(t: Texts, invoice: Invoice) -> str:
    """Return our word for how an invoice stands, or the provider's where that says more."""
    word = one_line(invoice.odd_status, STATUS_LENGTH)
    return word or t.plain(f"standing.{invoice.standing}")


def icon_of(t: Texts, invoice: Invoice, now: datetime) -> str:
    """Return a sign for how urgent an invoice is."""
    if not invoice.is_open:
        return "✅" if invoice.is_paid else "⚪️"
    return "🔴" if invoice.due and t.is_over(invoice.due, now) else "🟡"


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


def none_open(listing: Listing) -> str:
    """Return the key of what to say if nothing is open: nothing is to be paid, if that is known."""
    return "list.no_open" if listing.has_unclear else "list.none_open"
