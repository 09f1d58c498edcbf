"""What a service costs each time, and whether that is more than the time before.

Sums are compared for periods of the same length only. A service's period stands in the text of its item. Where one is
missing or can't be read for sure, nothing is said: a year must not look like a dear month.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

from bot.domain.invoices import Invoice, Item, Listing, sums_differ
from bot.domain.service_names import Service
from bot.domain.standings import Standing

CHARGED = frozenset({Standing.OPEN, Standing.PAID})
"""How invoices stand whose prices count. What was cancelled or given back has cost nothing."""

CHANGES_KEPT = 6
"""How many changes of price are remembered of one invoice."""

TITLE_KEPT = 100
"""How much of a service's title is remembered with a change of its price."""

_DAY = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_ISO_DAY = r"(\d{4})-(\d{1,2})-(\d{1,2})"
_DASH = r"\s*(?:-|–|—|bis|to)\s*"
_PERIODS = (re.compile(rf"(?<!\d){_DAY}{_DASH}{_DAY}(?!\d)"), re.compile(rf"(?<!\d){_ISO_DAY}{_DASH}{_ISO_DAY}(?!\d)"))


@dataclass(frozen=True, slots=True)
class Period:
    """What is paid for: from one day until another, as the provider wrote it."""

    start: date
    end: date

    @property
    def length(self) -> tuple[str, int]:
        """How long it is: so many calendar months, or else so many days.

        Providers name the period's last day or the day after it.
        """
        for next_start in (self.end + timedelta(days=1), self.end):
            if months := _months_between(self.start, next_start):
                return ("months", months)
        return ("days", (self.end - self.start).days)


def _months_between(start: date, end: date) -> int | None:
    """Return how many whole months lie between. A period that begins on the 31st also ends on a month's last day."""
    is_aligned = (
        start.day == end.day
        or (_is_last_of_month(start) and end.day > start.day)
        or (_is_last_of_month(end) and start.day > end.day)
    )
    return (end.year - start.year) * 12 + end.month - start.month if is_aligned else None


def _is_last_of_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def period_in(text: str) -> Period | None:
    """Return the period that stands in a text. None: there is none, or there are several."""
    found = set(_periods_in(text))
    return found.pop() if len(found) == 1 else None


def _periods_in(text: str) -> Iterator[Period | None]:
    for form, is_iso in zip(_PERIODS, (False, True), strict=True):
        for groups in form.findall(text):
            numbers = [int(group) for group in groups]
            first, last = numbers[:3], numbers[3:]
            try:
                start, end = (date(*(each if is_iso else each[::-1])) for each in (first, last))
            except ValueError:
                yield None
            else:
                yield Period(start, end) if start < end < date.max else None


def without_period(title: str) -> str:
    """Return a title without the period that it names: what is the same each time."""
    for form in _PERIODS:
        title = re.sub(rf"[-–,\s]*\(?(?:{form.pattern})\)?", "", title)
    return title.strip()


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
    periods = {_period_of(item) for item in items}
    return Charge(service, items[0].title, total, periods.pop() if len(periods) == 1 else None)


def _period_of(item: Item) -> Period | None:
    return period_in(item.title) or period_in(item.description)


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
