"""The reminder rules: from what was known, what was read and what day it is, to what is known now and what to tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.invoices import Invoice


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to remind: days before the due date, days after it (then weekly), and the hour at which a day begins."""

    before: tuple[int, ...] = (7, 3, 1, 0)
    after: tuple[int, ...] = (1, 3, 7)
    hour: int = 9


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: of an invoice, or (None) of the account. Reminders carry their threshold and due date."""

    kind: AlertKind
    invoice_id: int | None = None
    threshold: int | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chat knows from now on, and what it is told."""

    known: Mapping[int, KnownInvoice]
    notices: tuple[Notice, ...]


def reminder_day(now: datetime, zone: tzinfo, schedule: Schedule) -> date:
    """The day whose reminders have come: it begins at the schedule's hour, not at midnight when people sleep."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    return (wall - timedelta(hours=schedule.hour)).date()


def reached_threshold(due: date, today: date, schedule: Schedule) -> int | None:
    """The latest threshold that ``today`` has reached, as days before the due date (negative: after it), or None."""
    days = (due - today).days
    thresholds = [*schedule.before, *(-late for late in schedule.after)]
    last = min(thresholds, default=0)
    if schedule.after and days < last:
        thresholds.append(last - (last - days) // 7 * 7)
    return min((threshold for threshold in thresholds if threshold >= days), default=None)


def learn(known: KnownInvoice | None, invoice: Invoice) -> KnownInvoice:
    """What is known of an invoice once it was read again; what was told of a due date stays told."""
    told = _told_by_due(known)
    return KnownInvoice(
        id=invoice.id,
        is_open=invoice.is_open,
        due=invoice.due,
        left=invoice.left_to_pay,
        total=invoice.total,
        title=invoice.title,
        told=told.pop(invoice.due, None) if invoice.due is not None else None,
        told_earlier=tuple(told.items()),
    )


def take_as_known(invoices: Iterable[Invoice], today: date, schedule: Schedule) -> dict[int, KnownInvoice]:
    """The knowledge of a freshly linked chat, which has just been shown what is open: nothing of it is news."""
    return {invoice.id: _told_up_to(learn(None, invoice), today, schedule) for invoice in invoices}


def missing_from(
    known: Mapping[int, KnownInvoice], invoices: Iterable[Invoice], today: date, schedule: Schedule
) -> list[int]:
    """Open invoices that the list no longer holds; each must be asked for singly before anything is said of it.

    Those whose reminder has come stand first, then the soonest due.
    """
    listed = {invoice.id for invoice in invoices}
    lost = [k for k in known.values() if k.is_open and not k.gone and k.id not in listed]

    def order(k: KnownInvoice) -> tuple[bool, date, int]:
        return (_untold_threshold(k, today, schedule) is None, k.due or date.max, k.id)

    return [k.id for k in sorted(lost, key=order)]


def forget(known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int]) -> dict[int, KnownInvoice]:
    """The knowledge after the provider, asked for these very invoices, no longer had them."""
    return {**known, **{number: replace(known[number], gone=True) for number in invoice_ids}}


def decide(known: Mapping[int, KnownInvoice], read: Iterable[Invoice], today: date, schedule: Schedule) -> Decision:
    """Compare what was known with what was ``read`` just now (nothing, if the provider is down), and with the day.

    An invoice that is new and open is told at once, which counts as the reminder of that day as well; its notice then
    carries that threshold. One that is new and closed is taken as known silently. A reminder that was missed comes
    once, as things stand now.
    """
    after = dict(known)
    notices = []
    for invoice in {invoice.id: invoice for invoice in read}.values():
        before = known.get(invoice.id)
        after[invoice.id] = learn(before, invoice)
        if invoice.is_open and (before is None or not before.is_open):
            after[invoice.id] = _told_up_to(after[invoice.id], today, schedule)
            notices.append(Notice(AlertKind.NEW, invoice.id, after[invoice.id].told, invoice.due))
    for number, now_known in sorted(after.items(), key=_urgency):
        if (threshold := _untold_threshold(now_known, today, schedule)) is not None:
            after[number] = replace(now_known, told=threshold)
            kind = AlertKind.OVERDUE if threshold < 0 else AlertKind.DUE
            notices.append(Notice(kind, number, threshold, now_known.due))
    return Decision(after, tuple(notices))


def _urgency(entry: tuple[int, KnownInvoice]) -> tuple[date, int]:
    return (entry[1].due or date.max, entry[0])


def _told_by_due(known: KnownInvoice | None) -> dict[date, int]:
    if known is None:
        return {}
    present = {} if known.due is None or known.told is None else {known.due: known.told}
    return dict(known.told_earlier) | present


def _untold_threshold(invoice: KnownInvoice, today: date, schedule: Schedule) -> int | None:
    if not invoice.is_open or invoice.gone or invoice.due is None or invoice.left == 0:
        return None
    threshold = reached_threshold(invoice.due, today, schedule)
    if threshold is None or (invoice.told is not None and threshold >= invoice.told):
        return None
    return threshold


def _told_up_to(invoice: KnownInvoice, today: date, schedule: Schedule) -> KnownInvoice:
    threshold = _untold_threshold(invoice, today, schedule)
    return invoice if threshold is None else replace(invoice, told=threshold)
