"""The days that a calendar shows: those that open invoices lead to, as far as the last check knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.domain.alerts import KnownInvoice
from bot.domain.due_calendar import DayKey, DayKind
from bot.domain.provider_calendar import ProviderCalendar

INVOICES_SHOWN = 100
"""Of so many open invoices a calendar shows the days: those that are due first."""


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day that an open invoice leads to. ``lost``: the service is gone with the suspension."""

    invoice: KnownInvoice
    kind: DayKind
    day: date
    lost: bool = False

    @property
    def key(self) -> DayKey:
        return DayKey(self.invoice.id, self.kind)


def days_of(known: Iterable[KnownInvoice], calendar: ProviderCalendar) -> list[CalendarDay]:
    """Return the days that open invoices lead to, in the order of the calendar.

    An invoice that is wholly counted with others shows no days of its own: theirs are the ones that count.
    """
    shown = sorted((k for k in known if k.can_be_due and not k.in_parts), key=lambda k: (k.due or date.max, k.id))
    days = [day for invoice in shown[:INVOICES_SHOWN] for day in _days_of(invoice, calendar)]
    return sorted(days, key=lambda day: (day.day, day.invoice.id, [*DayKind].index(day.kind)))


def _days_of(invoice: KnownInvoice, calendar: ProviderCalendar) -> Iterator[CalendarDay]:
    if invoice.due is None:
        return
    transfer = calendar.last_transfer_day(invoice.due)
    if transfer is not None:
        yield CalendarDay(invoice, DayKind.TRANSFER, transfer)
    yield CalendarDay(invoice, DayKind.DUE, invoice.due)
    follows = calendar.consequences(invoice.due, invoice.types)
    if follows is None:
        return
    if follows.suspended_on is not None:
        yield CalendarDay(invoice, DayKind.SUSPENDED, follows.suspended_on, follows.lost)
    if follows.deleted_on is not None:
        yield CalendarDay(invoice, DayKind.DELETED, follows.deleted_on)
