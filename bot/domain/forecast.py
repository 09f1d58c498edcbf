"""What the coming days will cost: an estimate.

What is open is to be paid. And a service whose period ends is taken to go on at the same price, as often as its period
fits in. A service is taken to have ended where its last invoice was cancelled or given back, or where its period is
over and no newer invoice came.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from decimal import Decimal

from bot.domain.invoices import Invoice, Item
from bot.domain.ledger import ItemLine, entries
from bot.domain.prices import CHARGED
from bot.domain.service_periods import Period, period_of, without_period
from bot.domain.spending import Kind, Sum, kind_of

TURNS_AT_MOST = 400
"""How often a period is continued: more than days in any forecast."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the days up to ``until`` will cost. ``unclear`` open invoices are in it with a sum that may be another."""

    until: date
    open: Sum = field(default_factory=Sum)
    renewals: Sum = field(default_factory=Sum)
    unclear: int = 0

    def __add__(self, other: Forecast) -> Forecast:
        return Forecast(
            self.until, self.open + other.open, self.renewals + other.renewals, self.unclear + other.unclear
        )

    @property
    def total(self) -> Sum:
        return self.open + self.renewals


@dataclass(frozen=True, slots=True)
class _Charge:
    """The last that was asked for a service."""

    period: Period
    sum: Sum
    goes_on: bool


def forecast(listed: Sequence[Invoice], zone: tzinfo, today: date, days: int) -> Forecast:
    """Return what so many days from today on will cost. Donations are in neither part."""
    until = today + timedelta(days=days)
    charges = _last_charges(listed, zone)
    renewals = (charge.sum for charge in charges.values() for _ in _renewals(charge, today, until))
    due = [invoice for invoice in listed if _is_to_be_paid(invoice, until)]
    unclear = sum(invoice.own_left is None for invoice in due)
    return Forecast(until, sum(map(_left, due), start=Sum()), sum(renewals, start=Sum()), unclear)


def _is_to_be_paid(invoice: Invoice, until: date) -> bool:
    is_donation = bool(invoice.types) and {kind_of(each) for each in invoice.types} == {Kind.DONATION}
    return invoice.counts and not is_donation and (invoice.due is None or invoice.due <= until)


def _left(invoice: Invoice) -> Sum:
    """Return what is left to pay of an invoice, with the part of it that is net in the whole."""
    left = invoice.display_amount - invoice.in_parts
    gross, net = invoice.full_total, invoice.subtotal
    if net is None or not gross:
        return Sum(left, None if left else Decimal(0))
    return Sum(left, (left * net / gross).quantize(Decimal("0.01")))


def _last_charges(listed: Iterable[Invoice], zone: tzinfo) -> Mapping[Hashable, _Charge]:
    """Return for each service what was asked for its last period, over all items that name that one."""
    found: dict[Hashable, _Charge] = {}
    for invoice, entry in zip(listed := [*listed], entries(listed, zone, listed=listed), strict=True):
        for key, charge in _charges_of(invoice, entry.items):
            before = found.get(key)
            if before is None or _is_later(charge, before):
                found[key] = charge
    return found


def _is_later(charge: _Charge, than: _Charge) -> bool:
    """Of two for the same period, the one that was not cancelled counts: the other was made anew."""
    return (charge.period.start, charge.goes_on) > (than.period.start, than.goes_on)


def _charges_of(invoice: Invoice, lines: Sequence[ItemLine]) -> Iterator[tuple[Hashable, _Charge]]:
    sums: dict[tuple[Hashable, Period], Sum] = {}
    for item, line in zip(invoice.items, lines, strict=False):  # a line about the rest may follow
        period = period_of(item)
        if period is None or line.figures.gross is None or kind_of(item.type) is Kind.DONATION:
            continue
        key = (_service_of(item), period)
        sums[key] = sums.get(key, Sum()) + Sum(line.figures.gross, line.figures.net)
    goes_on = invoice.standing in CHARGED
    yield from ((service, _Charge(period, total, goes_on)) for (service, period), total in sums.items())


def _service_of(item: Item) -> Hashable:
    """Return what tells a service from others: its number, or else what its items always say."""
    return item.service or (item.type.casefold(), without_period(item.title))


def _renewals(charge: _Charge, today: date, until: date) -> Iterator[Period]:
    """Yield the periods that begin until then, if the service goes on."""
    period = charge.period
    if not charge.goes_on or period.next_start < today:
        return
    for _ in range(TURNS_AT_MOST):
        period = period.following
        if period.start > until:
            return
        yield period
