"""Helpers for the tests of the reminder rules: a check at noon of a day, with usual arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Link, Place, Silences, Token, Watch
from bot.domain.invoices import Invoice
from bot.domain.knowledge import take_as_known
from bot.domain.reminders import Decision, decide
from bot.domain.schedule import Schedule
from tests.domain.moments import BERLIN, schedule

DUE = date(2026, 6, 15)
DAY = timedelta(days=1)
USUAL = schedule()
LINKED_AT = datetime(2026, 1, 1, tzinfo=UTC)
LINK = Link(
    account="account",
    place=Place(7, 3),
    token=Token("token-0123456789"),
    linked_by=7,
    linked_at=LINKED_AT,
    next_check_at=LINKED_AT,
    watch=Watch(checked_at=LINKED_AT),
)

Told = tuple[AlertKind, int | None, int | None]


def noon(day: date) -> datetime:
    """Return noon in the time zone of provider and chat."""
    return datetime.combine(day, time(12), BERLIN).astimezone(UTC)


def look(
    known: Mapping[int, KnownInvoice],
    read: Iterable[Invoice],
    day: date,
    *,
    silences: Silences | None = None,
    shown: Collection[int] = (),
    clock: Schedule = USUAL,
) -> Decision:
    """Return what a check at noon decides."""
    return decide(known, read, link=LINK, silences=silences or {}, shown=shown, schedule=clock, now=noon(day))


def new_alert(now: datetime, kind: AlertKind, *facts: Any) -> Alert:
    """Return an alert as the rules make it, without an id. ``facts`` are the fields from ``invoice_id`` on."""
    return Alert("", LINK.place, LINK.account, kind, now, *facts)


def told(decision: Decision) -> list[Told]:
    """Return what is told, as (kind, invoice, threshold)."""
    return [(alert.kind, alert.invoice_id, alert.threshold) for alert in decision.alerts]


def told_on(
    days: Iterable[date],
    read: Iterable[Invoice],
    known: Mapping[int, KnownInvoice],
    *,
    silences: Silences | None = None,
    clock: Schedule = USUAL,
) -> dict[date, list[Told]]:
    """Return what is told on which of ``days``, if the provider has ``read`` on each of them."""
    by_day = {}
    for day in days:
        decision = look(known, read, day, silences=silences, clock=clock)
        known = decision.known
        if decision.alerts:
            by_day[day] = told(decision)
    return by_day


def known_long_before(*invoices: Invoice) -> Mapping[int, KnownInvoice]:
    """Return what a chat knows that was linked when these invoices were far from due."""
    return take_as_known(invoices, USUAL, noon(date(2026, 1, 1)))
