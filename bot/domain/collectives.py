"""Collective invoices: their items name other invoices, so that one payment pays all of these.

What a collective invoice collects is owed once. Its open parts count, since they hold the services and the dates on
which these end; of the collective invoice only that counts which is in none of them, mostly nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bot.domain.invoices import Invoice, Item, left_or_total

WORDS = 200
"""In so many characters of its words, an item names the other invoice."""

_NUMBER = re.compile(r"\d{1,19}")


def with_parts(invoices: Sequence[Invoice]) -> tuple[Invoice, ...]:
    """Return these invoices, each with the open ones among them that it collects."""
    open_ones = {invoice.id: invoice for invoice in invoices if invoice.is_open}
    named = {
        invoice.id: parts
        for invoice in open_ones.values()
        if invoice.is_collective and (parts := dict(_named_in(invoice, open_ones)))
    }
    sound = _without_circles(named)
    return tuple(
        _collecting(invoice, named[invoice.id], open_ones) if invoice.id in sound and invoice.is_open else invoice
        for invoice in invoices
    )


def _named_in(invoice: Invoice, open_ones: Mapping[int, Invoice]) -> Iterator[tuple[int, Item]]:
    """Yield the other open invoices that the items name: as what they relate to, or in their words."""
    for item in invoice.items:
        if item.names_invoice:
            words = (int(found[0]) for found in _NUMBER.finditer(item.title[:WORDS]))
            numbers = (number for number in (item.relates_to, *words) if number != invoice.id)
            number = next((number for number in numbers if number in open_ones), None)
            if number is not None:
                yield number, item


def _without_circles(named: Mapping[int, Mapping[int, Item]]) -> set[int]:
    """Return those that don't collect themselves, over however many others: what is in a circle would count nowhere."""
    waiting, used_by = {}, defaultdict[int, list[int]](list)
    for collective, parts in named.items():
        inner = [part for part in parts if part in named]
        waiting[collective] = len(inner)
        for part in inner:
            used_by[part].append(collective)
    ready = [collective for collective, count in waiting.items() if not count]
    for done in ready:  # it grows meanwhile
        for collective in used_by[done]:
            waiting[collective] -= 1
            if not waiting[collective]:
                ready.append(collective)
    return set(ready)


def _collecting(invoice: Invoice, parts: Mapping[int, Item], open_ones: Mapping[int, Invoice]) -> Invoice:
    whole = left_or_total(invoice.left_to_pay, invoice.total)
    named = sum(1 for item in invoice.items if item.names_invoice)
    if named == len(invoice.items) == len(parts) and not invoice.items_unreadable:
        in_parts = whole
    else:
        in_parts = sum((_amount(item, open_ones[part]) for part, item in parts.items()), start=Decimal(0))
    return replace(invoice, parts=tuple(parts), in_parts=min(max(in_parts, Decimal(0)), whole))


def _amount(item: Item, part: Invoice) -> Decimal:
    return left_or_total(part.left_to_pay, part.total) if item.amount is None else item.amount
