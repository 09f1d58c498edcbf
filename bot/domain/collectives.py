"""Collective invoices: their items name other invoices, so that one payment pays all of these.

What a collective invoice collects is owed once. Its open parts count, since they hold the services and the dates on
which these end; of the collective invoice only that counts which is in none of them, mostly nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bot.domain.invoices import Invoice, Item, left_or_total

_NUMBER = re.compile(r"\d{1,19}")


def with_parts(invoices: Sequence[Invoice]) -> tuple[Invoice, ...]:
    """Return these invoices, each with the open ones among them that it collects."""
    known = {invoice.id: invoice for invoice in invoices}
    named = {
        invoice.id: parts
        for invoice in invoices
        if invoice.is_open and invoice.is_collective and (parts := dict(_open_parts(invoice, known)))
    }
    sound = _without_circles(named)
    return tuple(_collecting(one, named[one.id], known) if one.id in sound else one for one in invoices)


def collected_in(invoices: Sequence[Invoice]) -> Mapping[int, Mapping[int, int]]:
    """Return which of these invoices others of them collect, whether these are open or not.

    By the id of the collective invoice: the place of each item that names another one, and that one's id.
    """
    known = {invoice.id: invoice for invoice in invoices}
    named = {
        invoice.id: found
        for invoice in invoices
        if invoice.is_collective and (found := {at: number for at, number, _ in _named_in(invoice, known)})
    }
    sound = _without_circles({collective: found.values() for collective, found in named.items()})
    return {collective: found for collective, found in named.items() if collective in sound}


def _open_parts(invoice: Invoice, known: Mapping[int, Invoice]) -> Iterator[tuple[int, Item]]:
    """Yield the other open invoices that the items name."""
    return ((number, item) for _, number, item in _named_in(invoice, known) if known[number].is_open)


def _named_in(invoice: Invoice, known: Mapping[int, Invoice]) -> Iterator[tuple[int, int, Item]]:
    """Yield each item that names another invoice, behind its place and that invoice's number."""
    for at, item in enumerate(invoice.items):
        number = _named_by(item, known) if item.names_invoice else None
        if number is not None and number != invoice.id:
            yield at, number, item


def _named_by(item: Item, known: Mapping[int, Invoice]) -> int | None:
    """Return the invoice that an item relates to, or else the first number in its words: later ones may be dates."""
    if item.relates_to in known:
        return item.relates_to
    found = _NUMBER.search(item.title)
    return int(found[0]) if found and int(found[0]) in known else None


def _without_circles(named: Mapping[int, Collection[int]]) -> set[int]:
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


def _collecting(invoice: Invoice, parts: Mapping[int, Item], known: Mapping[int, Invoice]) -> Invoice:
    whole = left_or_total(invoice.left_to_pay, invoice.total)
    named = sum(1 for item in invoice.items if item.names_invoice)
    if named == len(invoice.items) == len(parts) and not invoice.items_unreadable:
        in_parts = whole
    else:
        in_parts = sum((_amount(item, known[part]) for part, item in parts.items()), start=Decimal(0))
    return replace(invoice, parts=tuple(parts), in_parts=min(max(in_parts, Decimal(0)), whole))


def _amount(item: Item, part: Invoice) -> Decimal:
    return left_or_total(part.left_to_pay, part.total) if item.amount is None else item.amount
