"""Which invoices a pack holds, and how somebody says that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from bot.domain.invoices import Invoice
from bot.domain.queries import ItemKind
from bot.domain.search.conditions import Condition, Dated, Numbered, OfKind
from bot.domain.search.periods import EachYear, Period, Span, Unit, months, relative


class Rhythm(StrEnum):
    """How often packs come by themselves."""

    OFF = "off"
    MONTH = "month"
    QUARTER = "quarter"


EVERYTHING, WITH_DOCUMENTS, TABLE_ONLY = "all", "pack", "table"


@dataclass(frozen=True, slots=True)
class PackChoice:
    """The invoices of a period, by their date, and of a type. Without a period: of all times.

    ``table_only``: without the documents. As callback data: ``20261001-20261031.any.pack``.
    """

    period: Span | None = None
    kind: ItemKind = ItemKind.ANY
    table_only: bool = False

    def __str__(self) -> str:
        period = f"{self.period.first:%Y%m%d}-{self.period.last:%Y%m%d}" if self.period is not None else EVERYTHING
        return f"{period}.{self.kind}.{TABLE_ONLY if self.table_only else WITH_DOCUMENTS}"

    @classmethod
    def parse(cls, text: str) -> PackChoice:
        """Return the choice that ``str()`` wrote. Raise ValueError on anything else."""
        period, kind, form = text.split(".")
        if form not in {WITH_DOCUMENTS, TABLE_ONLY}:
            raise ValueError(text)
        span = None
        if period != EVERYTHING:
            first, last = period.split("-")
            span = Span(date.fromisoformat(first), date.fromisoformat(last))
        return cls(span, ItemKind(kind), form == TABLE_ONLY)

    def fits(self, invoice: Invoice) -> bool:
        """Return whether an invoice belongs to it. One without a date belongs to no period."""
        if self.period is not None and (invoice.issued is None or not self.period.holds(invoice.issued)):
            return False
        return self.kind is ItemKind.ANY or invoice.has_type(self.kind)


def read_choice(text: str) -> PackChoice | None:
    """Return the choice that a button names, or None if it names none."""
    with suppress(ValueError):
        return PackChoice.parse(text)
    return None


def chosen(invoices: Iterable[Invoice], choice: PackChoice) -> list[Invoice]:
    """Return the invoices of a choice in the order in which they are packed: by month, then by number."""
    return sorted((one for one in invoices if choice.fits(one)), key=lambda one: (month_of(one), one.id))


def month_of(invoice: Invoice) -> date:
    """Return the first day of the month that an invoice is packed with. Those without a date come first."""
    return date.min if invoice.issued is None else invoice.issued.replace(day=1)


def choice_in(conditions: Sequence[Condition], today: date, before: PackChoice) -> PackChoice | None:
    """Return what a typed text chooses: a period, a type, or both. What it leaves open stays as ``before``.

    None: it says something else as well, or there is no such period. Months and quarters without a year are the last
    ones that have begun.
    """
    years = [each.number for each in conditions if isinstance(each, Numbered) and each.may_be_year]
    periods = [each.period for each in conditions if isinstance(each, Dated)]
    kinds = [each.kind for each in conditions if isinstance(each, OfKind)]
    if not conditions or len(years) + len(periods) + len(kinds) < len(conditions):
        return None
    if max(len(years), len(periods), len(kinds)) > 1:
        return None
    choice = replace(before, kind=kinds[0]) if kinds else before
    if not years and not periods:
        return choice
    span = _span(periods[0] if periods else None, years[0] if years else None, today)
    return None if span is None else replace(choice, period=span)


def _span(period: Period | None, year: int | None, today: date) -> Span | None:
    match period:
        case None:
            return months(year, 1, 12) if year is not None else None
        case EachYear() if year is not None:
            return period.of(year)
        case EachYear():
            parts = (period.of(today.year - back) for back in range(5))  # 29 February comes every four years
            return next((span for span in parts if span is not None and span.first <= today), None)
        case Span() if year is None:
            return period
    return None


def offered(today: date) -> list[tuple[str, Span]]:
    """Return the periods that are offered, each with its name: the ones before today's, and today's."""
    units = ((Unit.MONTH, 1), (Unit.QUARTER, 0), (Unit.QUARTER, 1), (Unit.YEAR, 0), (Unit.YEAR, 1))
    return [(f"{'last' if back else 'this'}_{unit}", relative(unit, back, today)) for unit, back in units]
