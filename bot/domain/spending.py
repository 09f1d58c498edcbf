"""What was spent: by month, by what it was for, and what of it was tax.

Paid invoices count on the day of their payment, or of the invoice where no such day is known. Credit notes count
against that. What was cancelled or refunded, and what is still open, has cost nothing. Where an invoice collects
others, each sum counts once. Donations are apart. An invoice whose sum can't be told is left out and counted: nothing
is invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal
from enum import StrEnum

from bot.domain.invoices import Invoice
from bot.domain.ledger import Entry, Mark, entries
from bot.domain.standings import Standing

ZERO = Decimal(0)

UNTOLD = frozenset({Mark.TOTAL_UNCLEAR, Mark.COUNTED_TWICE})
"""What makes it impossible to say what an invoice has cost."""

TOP_UPS = frozenset({"addfunds"})
"""Item types for which nothing was bought: the money became credit. The field's name is that of WHMCS."""


class Kind(StrEnum):
    """What money was spent on."""

    HOSTING = "hosting"
    DOMAIN = "domain"
    OTHER = "other"
    DONATION = "donation"


BOUGHT = (Kind.HOSTING, Kind.DOMAIN, Kind.OTHER)
"""All kinds but donations."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Gross and net. ``net`` is None where some of it is not known."""

    gross: Decimal = ZERO
    net: Decimal | None = ZERO

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.gross + other.gross, None if self.net is None or other.net is None else self.net + other.net)


@dataclass(frozen=True, slots=True)
class Part:
    """What one invoice has cost of one kind, and on which day."""

    invoice_id: int
    day: date
    kind: Kind
    sum: Sum


@dataclass(frozen=True, slots=True)
class Spending:
    """All that was spent. ``left_out`` invoices were paid, but nobody can tell for how much, or when."""

    parts: tuple[Part, ...] = ()
    left_out: int = 0

    def __add__(self, other: Spending) -> Spending:
        return Spending(self.parts + other.parts, self.left_out + other.left_out)

    def months(self, year: int, kind: Kind) -> list[Decimal]:
        """Return what each month of a year has cost, gross."""
        sums = [ZERO] * 12
        for part in self.parts:
            if part.day.year == year and part.kind is kind:
                sums[part.day.month - 1] += part.sum.gross
        return sums

    def total(self, first: date, last: date, kinds: Sequence[Kind] = BOUGHT) -> Sum:
        """Return what was spent from one day to another."""
        chosen = (part.sum for part in self.parts if first <= part.day <= last and part.kind in kinds)
        return sum(chosen, start=Sum())


def spending_of(listed: Sequence[Invoice], zone: tzinfo) -> Spending:
    """Return what these invoices have cost. Days of payment are those of the provider's ``zone``."""
    parts, left_out = list[Part](), 0
    for entry in entries(listed, zone, listed=listed):
        if entry.line.head.standing not in {Standing.PAID, Standing.CREDIT_NOTE}:
            continue
        day = entry.line.head.paid or entry.line.head.issued
        if day is None or UNTOLD & {*entry.line.marks} or entry.line.figures.gross is None:
            left_out += 1
        else:
            parts += _parts_of(entry, day)
    return Spending(tuple(parts), left_out)


def _parts_of(entry: Entry, day: date) -> Iterator[Part]:
    """Yield the parts of an invoice. Where its items don't make its sums, these are of the kind that all items have."""
    kinds = {kind_of(line.type) for line in entry.items if not line.is_rest and line.counted_in is None}
    common = kinds.pop() if len(kinds) == 1 else Kind.OTHER
    for line in entry.items:
        if line.figures.gross and line.type.casefold() not in TOP_UPS:
            kind = common if line.is_rest else kind_of(line.type)
            yield Part(entry.line.head.number, day, kind, Sum(line.figures.gross, line.figures.net))


def kind_of(item_type: str) -> Kind:
    """Return what an item of this type is counted as."""
    known = {Kind.HOSTING.value: Kind.HOSTING, Kind.DOMAIN.value: Kind.DOMAIN, Kind.DONATION.value: Kind.DONATION}
    return known.get(item_type.casefold(), Kind.OTHER)


def same_day_last_year(day: date) -> date:
    """Return the day a year before: of 29 February, the 28th."""
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def steps(sums: Iterable[Decimal]) -> list[Decimal]:
    """Return round values for a scale that holds all of these, and zero: not more than nine."""
    low, high = min([ZERO, *(values := [*sums])]), max([ZERO, *values])
    span = max(high - low, Decimal(1))
    power = Decimal(10) ** (span.adjusted() - 1)
    step = next(power * times for times in (1, 2, 5, 10, 20, 50, 100) if span / (power * times) <= 6)  # noqa: PLR2004
    first, last = (
        int((low / step).to_integral_value("ROUND_FLOOR")),
        int((high / step).to_integral_value("ROUND_CEILING")),
    )
    return [step * at for at in range(first, max(last, 1) + 1)]
