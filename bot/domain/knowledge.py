"""What a chat knows of its invoices, and how that changes: by what was read, told, sent or asked for in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from bot.domain.alerts import REMINDER_KINDS, Alert, AlertKind, KnownInvoice, SentMessage, Shown
from bot.domain.chats import NO_SILENCE, Loudness, Silence
from bot.domain.invoices import Invoice
from bot.domain.schedule import Schedule
from bot.domain.standings import Standing
from bot.domain.waits import is_ahead, may_be_right

PAID_IS_NEWS_FOR = timedelta(days=31)
"""How long after its issue a paid invoice is news to a chat that did not know it. Lists may leave older ones out."""

GONE_AFTER = timedelta(minutes=10)
"""How long after its first word that it has no such invoice the provider is asked again, and believed."""


def learn(known: KnownInvoice | None, invoice: Invoice, now: datetime) -> KnownInvoice:
    """Return what is known of an invoice that was just read: the same object if nothing has changed.

    What was told of a due date stays told. If it was announced and then closed, people may believe so until they are
    told that it is open again. One that was only gone is back as if nothing had been, unless they were told.
    """
    told = _told_by_due(known)
    due = _due_now(known, invoice)
    standing = invoice.standing
    before = known or _first_met(invoice, now)
    was_closed = before.standing not in {Standing.OPEN, Standing.GONE}
    reopened = standing is Standing.OPEN and before.announced and was_closed
    facts: dict[str, Any] = {
        "standing": standing,
        "due": due,
        "due_unreadable": invoice.due_unreadable,
        "status_label": invoice.odd_status,
        "left": invoice.own_left,
        "in_parts": not invoice.counts and invoice.is_open,
        "total": invoice.total,
        "title": invoice.title,
        "service": invoice.title_service,
        "gross": invoice.gross,
        "paid_with_credit": invoice.is_paid_with_credit,
        "paid_at": invoice.paid_at if standing is Standing.PAID else None,
        "types": before.types if invoice.items_unreadable and before.types else invoice.types,
        "unread_since": None,
        "missing_since": None,
        "settled_told": before.settled_told or reopened,
        "told_gross": invoice.gross if before.told_gross is None else before.told_gross,
        "told": told.pop(due, None) if due is not None else None,
        "told_earlier": tuple(told.items()),
    }
    is_same = [getattr(before, name) for name in facts] == [*facts.values()]
    return before if is_same else replace(before, **facts)


def _first_met(invoice: Invoice, now: datetime) -> KnownInvoice:
    """Return an invoice of which nothing was known. One that was paid long ago is no news."""
    is_old = invoice.issued is not None and invoice.issued < (now - PAID_IS_NEWS_FOR).date()
    facts = (invoice.id, invoice.standing, None, None, invoice.total, "")
    return KnownInvoice(*facts, announced=invoice.is_paid and is_old)


def _due_now(known: KnownInvoice | None, invoice: Invoice) -> date | None:
    """Return the due date that counts. One that can't be read, or that an open invoice no longer has, is as before."""
    was_lost = known is not None and known.is_open and invoice.is_open and invoice.due is None
    return known.due if known is not None and (was_lost or invoice.due_unreadable) else invoice.due


def _told_by_due(known: KnownInvoice | None) -> dict[date, int]:
    """Return the latest threshold that was told of each due date the invoice has had."""
    if known is None:
        return {}
    present = {} if known.due is None or known.told is None else {known.due: known.told}
    return dict(known.told_earlier) | present


def as_told(
    k: KnownInvoice, silence: Silence, threshold: int | None, schedule: Schedule, now: datetime
) -> KnownInvoice:
    """Mark the invoice as told. If ``threshold`` is given, that reminder counts as sent."""
    ended = silence.until is not None and silence.until <= now
    evening = schedule.covers_evening(k.due, now, k.types) if k.due is not None else None
    return replace(
        k,
        announced=True,
        settled_told=not k.is_open,
        told_gross=k.gross if k.gross is not None else k.told_gross,
        told_due=k.due if k.due is not None else k.told_due,
        told=k.told if threshold is None else threshold,
        woken=silence.until if ended else k.woken,
        evening_told=evening or k.evening_told,
    )


def as_untold(k: KnownInvoice, alert: Alert) -> KnownInvoice:
    """Return what is known of an invoice if nobody got this alert: what it would have told is still to be told.

    A reminder comes once its invoice is open again, or has that due date again.
    """
    if alert.kind is AlertKind.CHANGED and not k.is_open:
        k = replace(k, told_gross=alert.told_gross, told_due=alert.told_due)
    if alert.threshold is None and alert.kind not in REMINDER_KINDS:
        return k
    return replace(
        k,
        told=None if k.due == alert.due else k.told,
        told_earlier=tuple(each for each in k.told_earlier if each[0] != alert.due),
        evening_told=None if alert.is_warning else k.evening_told,
    )


def take_as_known(invoices: Iterable[Invoice], schedule: Schedule, now: datetime) -> dict[int, KnownInvoice]:
    """Return what a newly linked chat knows. The linking shows it what is open, so nothing is news.

    What is closed in a way without a name may be a draft: if it opens, it is new.
    """
    read = [learn(None, invoice, now) for invoice in invoices]
    told = [as_told(k, NO_SILENCE, untold_threshold(k, schedule, now), schedule, now) for k in read]
    # A message from before this link may still show a settled invoice as open.
    return {k.id: replace(k, settled_told=False, announced=k.standing is not Standing.CLOSED) for k in told}


def left_out(known: Mapping[int, KnownInvoice], now: datetime) -> dict[int, KnownInvoice]:
    """Return what is known of invoices that the answer to a new link of the same account leaves out.

    People may take the open ones for closed. Once they are read, it is said that they are open again.
    """
    unread = mark_unread(known, [k.id for k in known.values() if k.is_open], now)
    return {number: replace(k, settled_told=k.is_open or k.settled_told) for number, k in unread.items()}


# --- What was told, and what was sent ---


def untold_threshold(k: KnownInvoice, schedule: Schedule, now: datetime) -> int | None:
    """Return the threshold that was reached by ``now``, if the person was not reminded of it or a later one."""
    if not k.can_be_due or k.due is None:
        return None
    threshold = schedule.reached(k.due, now, k.types)
    if threshold is None or (k.told is not None and threshold >= k.told):
        return None
    return threshold


def mark_reminded(
    known: Mapping[int, KnownInvoice], sent: Iterable[SentMessage], schedule: Schedule, now: datetime
) -> dict[int, KnownInvoice]:
    """Take the reminder of a day as told where an earlier one came late, shortly before its hour.

    A reminder says how things stand when it is sent: if it comes at eight, nobody needs the same again at nine. But
    a warning has to ring, and where the chat wants no sound, only the warning itself does. What a clock that was ahead
    has sent reminds of nothing: what is still to come will be told on its day.
    """
    after = dict(known)
    for message in sent:
        too_early = is_ahead(message.sent_at, now)
        for shown in message.shown:
            k = after.get(shown.invoice_id)
            if k is None or k.due is None or k.due != shown.due:
                continue
            if too_early and may_be_right(now):
                after[k.id] = _untold_too_early(k, k.due, schedule, now)
            elif not too_early and _reminds(message, shown):
                after[k.id] = _reminded_at(k, k.due, message.sent_at, schedule)
    return after


def _reminds(message: SentMessage, shown: Shown) -> bool:
    return shown.kind in REMINDER_KINDS and message.message_id is not None and not shown.resolved


def _untold_too_early(k: KnownInvoice, due: date, schedule: Schedule, now: datetime) -> KnownInvoice:
    """Forget a reminder that a clock that was ahead has sent, unless its day has come by the right one."""
    reached = schedule.reached(due, now, k.types)
    is_to_come = k.told is not None and (reached is None or k.told < reached)
    evening = schedule.evening_warning(due, now, k.types)
    is_evening_to_come = k.evening_told is not None and k.evening_told != evening and k.evening_told >= now.date()
    return replace(k, told=None if is_to_come else k.told, evening_told=None if is_evening_to_come else k.evening_told)


def _reminded_at(k: KnownInvoice, due: date, at: datetime, schedule: Schedule) -> KnownInvoice:
    hour = schedule.covers_until(at)
    threshold = schedule.reached(due, hour, k.types) if at < hour else None
    has_come = schedule.evening_warning(due, at, k.types) is not None
    evening = None if has_come else schedule.covers_evening(due, at, k.types)
    if schedule.preferences.loudness is Loudness.NONE:
        threshold = None if threshold in schedule.warnings(due, k.types) else threshold
        evening = None
    return replace(
        k,
        told=min((t for t in (k.told, threshold) if t is not None), default=None),
        evening_told=max((day for day in (k.evening_told, evening) if day is not None), default=None),
    )


# --- Invoices that vanished from the list ---


def missing_from(
    known: Mapping[int, KnownInvoice], invoices: Iterable[Invoice], schedule: Schedule, now: datetime
) -> list[int]:
    """Return the open invoices that the list no longer holds. Each must be read singly before anything is said of it.

    First come those with a reminder due, then those that could be read the last time, then the soonest due.
    """
    listed = {invoice.id for invoice in invoices}
    lost = [k for k in known.values() if k.is_open and k.id not in listed]

    def order(k: KnownInvoice) -> tuple[bool, bool, date, int]:
        return (untold_threshold(k, schedule, now) is None, k.unread_since is not None, k.due or date.max, k.id)

    return [k.id for k in sorted(lost, key=order)]


def mark_missing(
    known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int], now: datetime
) -> dict[int, KnownInvoice]:
    """Note that the provider, asked for each of these, says that it has none. Only at the second time are they gone.

    Until then the older knowledge stands, and its age is told. A clock that can't be right begins and ends no doubt.
    """
    if not may_be_right(now):
        return mark_unread(known, invoice_ids, now)
    since = {number: min(known[number].missing_since or now, now) for number in invoice_ids}
    doubted = {n: replace(k, missing_since=since[n]) for n, k in mark_unread(known, since, now).items() if n in since}
    return mark_gone({**known, **doubted}, [n for n, first in since.items() if now - first >= GONE_AFTER])


def mark_gone(known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int]) -> dict[int, KnownInvoice]:
    """Mark these as gone: asked for each of them, the provider no longer has it."""
    return {**known, **{n: replace(known[n], standing=Standing.GONE, status_label="") for n in invoice_ids}}


def mark_unread(
    known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int], now: datetime
) -> dict[int, KnownInvoice]:
    """Mark these as unread: asked for each of them, the provider gave no readable answer."""
    return {**known, **{n: replace(known[n], unread_since=known[n].unread_since or now) for n in invoice_ids}}
