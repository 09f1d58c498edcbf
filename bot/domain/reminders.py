"""The reminder rules: compare what a chat knows with what was read and with the clock, and decide what to tell.

They look at states, not at events: they tell once what the person has not been told yet, as it is now. So nothing is
lost while the bot, the machine or the provider is down, and nothing is told that has passed meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from bot.domain.alerts import NEWS_KINDS, REMINDER_KINDS, Alert, AlertKind, KnownInvoice, is_announceable, is_reached
from bot.domain.chats import NO_SILENCE, Link, Silence, Silences
from bot.domain.credit import NO_FUNDS, Funds
from bot.domain.invoices import Invoice, sums_differ
from bot.domain.knowledge import GONE_AFTER, as_told, learn, untold_threshold
from bot.domain.prices import price_changes
from bot.domain.schedule import Schedule
from bot.domain.waits import may_be_right


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chat knows from now on, and the alerts to save, still without ids."""

    known: Mapping[int, KnownInvoice]
    alerts: tuple[Alert, ...]


def decide(
    known: Mapping[int, KnownInvoice],
    read: Iterable[Invoice],
    *,
    link: Link,
    silences: Silences,
    shown: Collection[int],
    schedule: Schedule,
    now: datetime,
    funds: Funds = NO_FUNDS,
) -> Decision:
    """Compare what was known with what was just ``read``, and with the clock. Each invoice leads to one alert at most.

    ``read`` is empty if the provider is down. ``shown`` are the invoices in our messages in the chat: only of these is
    the person told that they are settled. ``funds`` say what the credit suffices for.
    """
    if may_be_right(now):  # else nothing is forgotten because it lies ahead
        known = {number: _without_what_is_to_come(k, now) for number, k in known.items()}
    after = dict(known)
    for invoice in read:
        after[invoice.id] = learn(known.get(invoice.id), invoice, now)
    after |= {number: _without_transfer(after[number], schedule, now) for number in funds.covered if number in after}
    news = []
    for number, k in after.items():
        kind = _kind_of_news(k, silences.get(number, NO_SILENCE), schedule, now, shown=number in shown)
        if number in funds.wished and k.may_be_owed and kind in {None, *REMINDER_KINDS, *NEWS_KINDS}:
            kind = AlertKind.CREDIT_THERE
        if kind is not None:
            news.append((kind not in NEWS_KINDS, k.due or date.max, number, kind))
    alerts = []
    for *_, number, kind in sorted(news):  # what is new first, then by due date
        alert = _alert(after[number], kind, link, schedule, now)
        alerts.append(alert)
        after[number] = as_told(after[number], silences.get(number, NO_SILENCE), alert.threshold, schedule, now)
    return Decision(after, tuple(alerts))


def with_prices(decision: Decision, listed: Sequence[Invoice]) -> Decision:
    """Add what costs something else than the time before. ``listed`` are all of the account, or none.

    A change of an invoice counts, too: it is told as new if that was not told yet.
    """
    news = [a.invoice_id for a in decision.alerts if a.kind in {AlertKind.NEW, AlertKind.CHANGED} and a.invoice_id]
    changes = price_changes(news, listed) if news and listed else {}
    seen = {number: replace(decision.known[number], price_changes=changes.get(number, ())) for number in news}
    return replace(decision, known={**decision.known, **seen}) if seen else decision


def _without_what_is_to_come(k: KnownInvoice, now: datetime) -> KnownInvoice:
    """Forget what was told of days that are still to come: a clock that was ahead has told it, and it must come."""
    if k.told is None and not k.told_earlier and k.evening_told is None:
        return k
    told = k.told if k.told is None or k.due is None or is_reached(k.due, k.told, now) else None
    earlier = tuple((due, told) for due, told in k.told_earlier if is_reached(due, told, now))
    evening = k.evening_told if k.evening_told is None or is_reached(k.evening_told, 0, now) else None
    if (told, earlier, evening) == (k.told, k.told_earlier, k.evening_told):
        return k
    return replace(k, told=told, told_earlier=earlier, evening_told=evening)


def _without_transfer(k: KnownInvoice, schedule: Schedule, now: datetime) -> KnownInvoice:
    """Pass over the reminder of a transfer: the credit suffices, so none is needed."""
    threshold = untold_threshold(k, schedule, now)
    if k.due is None or not k.announced or not schedule.is_for_transfer(k.due, threshold):
        return k
    return replace(k, told=threshold)


def _kind_of_news(
    k: KnownInvoice, silence: Silence, schedule: Schedule, now: datetime, *, shown: bool
) -> AlertKind | None:
    """Return which kind of alert an invoice leads to, if any."""
    if not k.is_open and (k.announced or shown):
        return AlertKind.SETTLED if shown and not k.settled_told else None
    if k.in_parts:
        return None  # its parts are told
    if not k.announced and not silence.muted:
        return AlertKind.NEW if is_announceable(k) else None
    if k.settled_told and k.unread_since is None and not silence.muted:
        return AlertKind.REOPENED
    if silence.holds(now) and (silence.muted or not _is_warning_due(k, schedule, now)):
        return None
    if _has_changed(k):
        return AlertKind.CHANGED
    if not (_is_reminder_due(k, schedule, now) or _is_woken(k, silence, now)):
        return None
    return AlertKind.OVERDUE if k.due is not None and schedule.days_left(k.due, now) < 0 else AlertKind.DUE


def _has_changed(k: KnownInvoice) -> bool:
    """Return whether sum or due date differ from what the person was told. A missing one is no change."""
    return sums_differ(k.gross, k.told_gross) or (k.due is not None and k.due != k.told_due)


def _is_reminder_due(k: KnownInvoice, schedule: Schedule, now: datetime) -> bool:
    return untold_threshold(k, schedule, now) is not None or _untold_evening(k, schedule, now) is not None


def _is_warning_due(k: KnownInvoice, schedule: Schedule, now: datetime) -> bool:
    """Return whether a suspension or deletion is to be announced. Only a mute holds that back."""
    threshold = untold_threshold(k, schedule, now)
    if k.due is not None and threshold is not None and threshold in schedule.warnings(k.due, k.types):
        return True
    return _untold_evening(k, schedule, now) is not None


def _untold_evening(k: KnownInvoice, schedule: Schedule, now: datetime) -> date | None:
    """Return the last day on whose evening the person is to be warned once more, if that is now."""
    if not k.can_be_due or k.due is None:
        return None
    day = schedule.evening_warning(k.due, now, k.types)
    return day if day is not None and day != k.evening_told else None


def _is_woken(k: KnownInvoice, silence: Silence, now: datetime) -> bool:
    """Return whether a snooze has ended and its reminder is still to come."""
    until = silence.until
    return until is not None and until <= now and k.woken != until and k.left != 0


def _alert(k: KnownInvoice, kind: AlertKind, link: Link, schedule: Schedule, now: datetime) -> Alert:
    """Return an alert about an invoice.

    News of an invoice also counts as the reminder of the day on which it will be read: it carries that threshold.
    """
    read_at = schedule.covers_until(now) if kind in {*NEWS_KINDS, AlertKind.CHANGED} else now
    threshold = untold_threshold(k, schedule, read_at)
    told_before = (k.told_gross, k.told_due) if kind is AlertKind.CHANGED else (None, None)
    is_warning = _is_warning_due(k, schedule, read_at)
    if is_warning and threshold is None and k.due is not None:
        threshold = k.told  # the evening warning is as urgent as the reminder of the day
    return Alert("", link.place, link.account, kind, now, k.id, threshold, k.due, *told_before, is_warning=is_warning)


# --- When to look again ---


def next_look(
    known: Mapping[int, KnownInvoice], silences: Silences, schedule: Schedule, now: datetime
) -> datetime | None:
    """Return when there will be something to tell even if nothing changes at the provider. None: never."""
    return min(_looks(known, silences, schedule, now), default=None)


def _looks(
    known: Mapping[int, KnownInvoice], silences: Silences, schedule: Schedule, now: datetime
) -> Iterator[datetime]:
    for k in known.values():
        silence = silences.get(k.id, NO_SILENCE)
        if k.is_open and k.missing_since is not None and now < k.missing_since + GONE_AFTER:
            yield k.missing_since + GONE_AFTER
        if not k.is_open or silence.muted:
            continue
        is_snoozed = silence.holds(now)
        if is_snoozed and silence.until is not None:
            yield silence.until
        if not k.can_be_due or k.due is None:
            continue
        next_one = schedule.next_warning if is_snoozed else schedule.next_reminder
        looks = (next_one(k.due, now, k.told, k.types), schedule.next_evening(k.due, now, k.types))
        yield from (at for at in looks if at is not None)
