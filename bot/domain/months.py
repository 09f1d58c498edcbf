"""The months of a list: what each holds, and where it begins. Open invoices stand before them, whatever their date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bot.domain.invoices import Invoice

UNDATED = date.min
"""Stands for the month of invoices without a date."""


@dataclass(frozen=True, slots=True)
class Month:
    """What a list holds of a month: how many invoices, and how much was paid for them. ``first`` is its first day."""

    first: date
    count: int
    paid: Decimal


def month_of(invoice: Invoice) -> date | None:
    """Return the first day of the month that an invoice stands under, or None for an open one."""
    if invoice.is_open:
        return None
    return UNDATED if invoice.issued is None else invoice.issued.replace(day=1)


def months_in(invoices: Iterable[Invoice]) -> list[Month]:
    """Return the months of a list, the newest first.

    A collective invoice adds nothing to what was paid: the invoices that it collected are counted by themselves.
    """
    counts: dict[date, int] = {}
    paid: dict[date, Decimal] = {}
    for invoice in invoices:
        first = month_of(invoice)
        if first is not None:
            counts[first] = counts.get(first, 0) + 1
            if invoice.is_paid and not invoice.is_collective:
                paid[first] = paid.get(first, Decimal(0)) + invoice.full_total
    return [Month(first, counts[first], paid.get(first, Decimal(0))) for first in sorted(counts, reverse=True)]


def start_of(invoices: Sequence[Invoice], month: date | None) -> int:
    """Return where a month begins in a list, or the next older one if it is not there. None: the list's beginning."""
    if month is None:
        return 0
    reached = (at for at, each in enumerate(invoices) if (own := month_of(each)) is not None and own <= month)
    return next(reached, len(invoices))
