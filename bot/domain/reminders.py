"""The reminder rules: from what was known and what was read to what is known now, what to tell, and when to look next.

They go by states, not by events: whatever the person has not been told yet is told, once, as it is now. So nothing is
lost while the bot, the machine or the provider is down, and nothing that has come and gone meanwhile is told late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.domain.alerts import Alert, AlertKind, KnownInvoice, Standing, standing_of
from bot.domain.chats import NO_SILENCE, Link, Silence, Silences
from bot.domain.invoices import Invoice, sums_differ
from bot.domain.schedule import Schedule

PAID_IS_NEWS_FOR = timedelta(days=31)
"""How old a paid invoice that nobody knew may be to be news; older ones come from a list that was not whole before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chat knows from now on, and the alerts that tell it. Whoever saves them gives them their ids."""

    known: Mapping[int, KnownInvoice]
    alerts: tuple[Alert, ...]


def take_as_known(invoices: Iterable[Invoice], schedule: Schedule, now: datetime) -> dict[int, KnownInvoice]:
    """The knowledge of a freshly linked chat, which has just been shown what is open: nothing of it is news."""
    read = [_learn(None, invoice, now, shown=False) for invoice in invoices]
    told = [_as_told(k, NO_SILENCE, _untold_threshold(k, schedule, now), now) for k in read]
    # A message from before a chat was linked anew may still speak of what is settled by now.
    return {k.id: replace(k, settled_told=False) for k in told}


def missing_from(
    known: Mapping[int, KnownInvoice], invoices: Iterable[Invoice], schedule: Schedule, now: datetime
) -> list[int]:
    """Open invoices that the list no longer holds; each must be asked for singly before anything is said of it.

    Those whose reminder has come stand first, then those that could be read the last time, then the soonest due.
    """
    listed = {invoice.id for invoice in invoices}
    lost = [k for k in known.values() if k.is_open and k.id not in listed]

    def order(k: KnownInvoice) -> tuple[bool, bool, date, int]:
        return (_untold_threshold(k, schedule, now) is None, k.unread_since is not None, k.due or date.max, k.id)

    return [k.id for k in sorted(lost, key=order)]


def forget(known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int]) -> dict[int, KnownInvoice]:
    """The knowledge after the provider, asked for these very invoices, no longer had them."""
    return {**known, **{number: replace(known[number], standing=Standing.GONE) for number in invoice_ids}}


def doubt(known: Mapping[int, KnownInvoice], invoice_ids: Iterable[int], now: datetime) -> dict[int, KnownInvoice]:
    """The knowledge after the provider, asked for these very invoices, gave no answer that could be read."""
    return {**known, **{n: replace(known[n], unread_since=known[n].unread_since or now) for n in invoice_ids}}


def decide(
    known: Mapping[int, KnownInvoice],
    read: Iterable[Invoice],
    *,
    link: Link,
    silences: Silences,
    shown: Collection[int],
    schedule: Schedule,
    now: datetime,
) -> Decision:
    """Compare what was known with what was ``read`` just now (nothing, if the provider is down), and with the clock.

    ``shown`` are the invoices of which a message of ours stands in the chat: only of those it is told that they are
    settled. Of each invoice one thing is told at most. A new one counts as the reminder of the day on which it will be
    read as well; so does a changed one; the alert then carries that threshold.
    """
    after = dict(known)
    for invoice in read:
        after[invoice.id] = _learn(known.get(invoice.id), invoice, now, shown=invoice.id in shown)
    alerts = []
    for number, invoice_known in sorted(after.items(), key=_urgency):
        silence = silences.get(number, NO_SILENCE)
        if kind := _news_of(invoice_known, silence, schedule, now, shown=number in shown):
            stands_for = schedule.stands_for(now) if kind in {AlertKind.NEW, AlertKind.CHANGED} else now
            threshold = _untold_threshold(invoice_known, schedule, stands_for)
            before = (invoice_known.told_gross, invoice_known.told_due) if kind is AlertKind.CHANGED else (None, None)
            facts = (number, threshold, invoice_known.due, *before)
            alerts.append(Alert("", link.place, link.account, kind, now, *facts))
            after[number] = _as_told(invoice_known, silence, threshold, now)
        elif not invoice_known.is_open and not invoice_known.announced:
            after[number] = replace(invoice_known, announced=True, settled_told=True)
    return Decision(after, tuple(sorted(alerts, key=lambda alert: alert.kind is not AlertKind.NEW)))


def next_look(
    known: Mapping[int, KnownInvoice], silences: Silences, schedule: Schedule, now: datetime
) -> datetime | None:
    """When there will be something to tell though nothing changes at the provider; None: not in sight."""
    return min(_looks(known, silences, schedule, now), default=None)


def _looks(
    known: Mapping[int, KnownInvoice], silences: Silences, schedule: Schedule, now: datetime
) -> Iterator[datetime]:
    for k in known.values():
        silence = silences.get(k.id, NO_SILENCE)
        if not k.is_open or silence.muted:
            continue
        if silence.until is not None and now < silence.until:
            yield silence.until
        elif k.can_be_due and k.due is not None and (at := schedule.next_reminder(k.due, now, k.told)):
            yield at


def _learn(known: KnownInvoice | None, invoice: Invoice, now: datetime, *, shown: bool) -> KnownInvoice:
    """What is known of an invoice once it was read again; what was told of a due date stays told.

    One that opens again after it was closed is new to the person; one that was gone for a while is, unless it is
    ``shown`` in a message and they were not told that it is gone.
    """
    told = _told_by_due(known)
    standing = standing_of(invoice)
    before = known or KnownInvoice(invoice.id, standing, None, None, invoice.total, "")
    was_open = before.standing is Standing.OPEN or (before.standing is Standing.GONE and shown)
    reopened = standing is Standing.OPEN and (before.settled_told or not was_open)
    if (
        known is None
        and invoice.is_paid
        and invoice.issued is not None
        and invoice.issued < (now - PAID_IS_NEWS_FOR).date()
    ):
        before = replace(before, announced=True)
    return replace(
        before,
        standing=standing,
        due=invoice.due,
        left=invoice.left_to_pay,
        total=invoice.total,
        title=invoice.title,
        gross=invoice.gross,
        unread_since=None,
        announced=before.announced and not reopened,
        settled_told=before.settled_told and not reopened,
        told_gross=invoice.gross if before.told_gross is None else before.told_gross,
        told=told.pop(invoice.due, None) if invoice.due is not None else None,
        told_earlier=tuple(told.items()),
    )


def _told_by_due(known: KnownInvoice | None) -> dict[date, int]:
    if known is None:
        return {}
    present = {} if known.due is None or known.told is None else {known.due: known.told}
    return dict(known.told_earlier) | present


def _urgency(entry: tuple[int, KnownInvoice]) -> tuple[date, int]:
    return (entry[1].due or date.max, entry[0])


def _news_of(k: KnownInvoice, silence: Silence, schedule: Schedule, now: datetime, *, shown: bool) -> AlertKind | None:
    """The one thing to tell of an invoice, if there is any."""
    if not k.is_open and k.announced:
        return AlertKind.SETTLED if shown and not k.settled_told else None
    if not k.announced and not silence.muted:
        return AlertKind.NEW if k.standing in {Standing.OPEN, Standing.PAID} else None
    if silence.holds(now):
        return None
    if _has_changed(k):
        return AlertKind.CHANGED
    if _untold_threshold(k, schedule, now) is None and not _is_woken(k, silence, now):
        return None
    return AlertKind.OVERDUE if k.due is not None and schedule.days_left(k.due, now) < 0 else AlertKind.DUE


def _untold_threshold(k: KnownInvoice, schedule: Schedule, now: datetime) -> int | None:
    if not k.can_be_due or k.due is None:
        return None
    threshold = schedule.reached(k.due, now)
    if threshold is None or (k.told is not None and threshold >= k.told):
        return None
    return threshold


def _is_woken(k: KnownInvoice, silence: Silence, now: datetime) -> bool:
    """Whether a snooze has ended and the reminder that was put off to then is still to come."""
    until = silence.until
    return until is not None and until <= now and k.woken != until and k.left != 0


def _has_changed(k: KnownInvoice) -> bool:
    """Whether sum or due date differ from what the person was told; one that is missing is no change."""
    return sums_differ(k.gross, k.told_gross) or (k.due is not None and k.due != k.told_due)


def _as_told(k: KnownInvoice, silence: Silence, threshold: int | None, now: datetime) -> KnownInvoice:
    """The knowledge once the person was told how the invoice stands, which counts as this reminder if as any."""
    ended = silence.until is not None and silence.until <= now
    return replace(
        k,
        announced=True,
        settled_told=not k.is_open,
        told_gross=k.gross if k.gross is not None else k.told_gross,
        told_due=k.due if k.due is not None else k.told_due,
        told=k.told if threshold is None else threshold,
        woken=silence.until if ended else k.woken,
    )
