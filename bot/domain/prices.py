"""What a service costs each time, and whether that is more than the time before.

Sums are compared for periods of the same length only. A service's period stands in the text of its item. Where one is
missing or can't be read for sure, nothing is said: a year must not look like a dear month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice

from bot.domain.invoices import Invoice, Listing, sums_differ
from bot.domain.service_names import Service
from bot.domain.service_periods import Period, period_of
from bot.domain.standings import Standing

CHARGED = frozenset({Standing.OPEN, Standing.PAID})
"""How invoices stand whose prices count. What was cancelled or given back has cost nothing."""

CHANGES_KEPT = 6
"""How many changes of price are remembered of one invoice."""

TITLE_KEPT = 100
"""How much of a service's title is remembered with a change of its price."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an invoice asks for a service, over all its items for it.

    ``amount`` None: that can't be read. ``period`` None: its items don't all name the same one.
    """

    service: Service
    title: str
    amount: Decimal | None
    period: Period | None


def services_of(invoice: Invoice) -> tuple[Service, ...]:
    """Return the services that an invoice is for, each once, in the order of its items."""
    return tuple(dict.fromkeys(item.service for item in invoice.items if item.service is not None))


def charge_for(invoice: Invoice, service: Service) -> Charge | None:
    """Return what an invoice asks for a service. None: nothing."""
    items = [item for item in invoice.items if item.service == service]
    if not items:
        return None
    amounts = [item.amount for item in items]
    known = [amount for amount in amounts if amount is not None]
    total = sum(known, start=Decimal(0)) if len(known) == len(amounts) else None
    periods = {period_of(item) for item in items}
    return Charge(service, items[0].title, total, periods.pop() if len(periods) == 1 else None)


@dataclass(frozen=True, slots=True)
class PriceChange:
    """That a service costs ``now`` something else than on the last invoice ``before``, of the day ``since``.

    Both are for periods of the same length. ``title`` is empty if the invoice is for nothing else.
    """

    service: Service
    title: str
    before: Decimal
    now: Decimal
    since: date

    @property
    def difference(self) -> Decimal:
        """How much more it costs. Negative: less."""
        return self.now - self.before


def price_changes(new: Collection[int], listed: Sequence[Invoice]) -> Mapping[int, tuple[PriceChange, ...]]:
    """Return what costs more or less on these invoices than the time before, among all that are ``listed``."""
    fresh = [invoice for invoice in listed if invoice.id in new and not invoice.items_unreadable]
    rows = _rows_of({service for invoice in fresh for service in services_of(invoice)}, listed)
    found = {invoice.id: tuple(islice(_changes_of(invoice, rows), CHANGES_KEPT)) for invoice in fresh}
    return {number: changes for number, changes in found.items() if changes}


def _rows_of(services: Collection[Service], listed: Iterable[Invoice]) -> Mapping[Service, Sequence[Invoice]]:
    """Return the invoices of each of these services, the newest first."""
    numbers = {service.id for service in services}
    rows: dict[Service, list[Invoice]] = defaultdict(list)
    for invoice in listed:
        if any(item.relates_to in numbers for item in invoice.items):  # most have none of them: that is seen at once
            for service in services_of(invoice):
                rows[service].append(invoice)
    return {service: newest_first(row) for service, row in rows.items()}


def _changes_of(invoice: Invoice, rows: Mapping[Service, Sequence[Invoice]]) -> Iterator[PriceChange]:
    is_only_one = len({item.service for item in invoice.items}) == 1
    for service in services_of(invoice):
        row = rows[service]
        if (change := change_in_row(row, row.index(invoice), service)) is not None:
            yield replace(change, title="") if is_only_one else change


def newest_first(invoices: Iterable[Invoice]) -> list[Invoice]:
    """Return invoices by their date, the newest first. Those without one come last."""
    return sorted(invoices, key=lambda invoice: (invoice.issued or date.min, invoice.id), reverse=True)


def row_of(invoices: Iterable[Invoice], service: Service) -> list[Invoice]:
    """Return the invoices for a service, the newest first."""
    return [*_rows_of({service}, invoices).get(service, ())]


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """All invoices for a service, the newest first, among all that could be listed."""

    service: Service
    invoices: tuple[Invoice, ...]
    listing: Listing


def change_in_row(row: Sequence[Invoice], at: int, service: Service) -> PriceChange | None:
    """Compare an invoice of a row, by its place, with the last earlier one for as long a period.

    None: the price is the same, or that is in doubt.
    """
    invoice, charge = row[at], charge_for(row[at], service)
    if charge is None or invoice.issued is None or charge.amount is None or charge.period is None or charge.amount < 0:
        return None
    for other in row[at + 1 :]:
        if other.standing not in CHARGED:
            continue
        if other.items_unreadable:
            return None
        before = charge_for(other, service)
        if before is None or before.period is None or before.period.length != charge.period.length:
            continue
        if other.issued is None or before.amount is None or before.amount < 0:
            return None
        if before.period.start >= charge.period.start or not sums_differ(charge.amount, before.amount):
            return None
        return PriceChange(service, charge.title[:TITLE_KEPT], before.amount, charge.amount, other.issued)
    return None
