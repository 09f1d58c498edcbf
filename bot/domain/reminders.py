"""The reminder rules: compare what a chat knows with what was read and with the clock, and decide what to tell.

They decide about invoices and about the account itself.

The rules look at states, not at events: they tell once what the person has not been told yet, as it is now. So nothing
is lost while the bot, the machine or the provider is down, and nothing is told that has passed meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.domain.alerts import (
    NEWS_KINDS,
    REMINDER_KINDS,
    Alert,
    AlertKind,
    KnownInvoice,
    SentMessage,
    is_announceable,
    is_reached,
)
from bot.domain.chats import NO_SILENCE, Link, Loudness, Silence, Silences, Trouble, Watch
from bot.domain.credit import NO_FUNDS, Funds
from bot.domain.invoices import Invoice, sums_differ
from bot.domain.schedule import ASK_AGAIN_AFTER, Schedule
from bot.domain.standings import Standing
from bot.domain.waits import is_ahead, may_be_right

PAID_IS_NEWS_FOR = timedelta(days=31)
"""How long after its issue a paid invoice is news to a chat that did not know it. Lists may leave older ones out."""

GONE_AFTER = timedelta(minutes=10)
"""How long after its first word that it has no such invoice the provider is asked again, and believed."""

LONG_OUTAGE = timedelta(days=1)
"""How long the provider may be away before the chat is told. Reminders are sent nevertheless."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chat knows from now on, and the alerts to save, still without ids."""

    known: Mapping[int, KnownInvoice]
    alerts: tuple[Alert, ...]


# --- What to tell of invoices ---


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
    known = {number: _without_what_is_to_come(k, now) for number, k in known.items()}
    after = dict(known)
    for invoice in read:
        after[invoice.id] = _learn(known.get(invoice.id), invoice, now)
    after |= {number: _without_transfer(after[number], schedule, now) for number in funds.covered if number in after}
    alerts = []
    for number, k in sorted(after.items(), key=_urgency):
        silence = silences.get(number, NO_SILENCE)
        kind = _kind_of_news(k, silence, schedule, now, shown=number in shown)
        if number in funds.wished and k.may_be_owed and kind in {None, *REMINDER_KINDS, *NEWS_KINDS}:
            kind = AlertKind.CREDIT_THERE
        if kind is not None:
            alert = _alert(k, kind, link, schedule, now)
            alerts.append(alert)
            after[number] = _as_told(k, silence, alert.threshold, schedule, now)
    return Decision(after, tuple(sorted(alerts, key=lambda alert: alert.kind not in NEWS_KINDS)))


def _without_what_is_to_come(k: KnownInvoice, now: datetime) -> KnownInvoice:
    """Forget what was told of days that are still to come: a clock that was ahead has told it, and it must come."""
    if not may_be_right(now):
        return k
    told = k.told if k.told is None or k.due is None or is_reached(k.due, k.told, now) else None
    earlier = tuple((due, told) for due, told in k.told_earlier if is_reached(due, told, now))
    evening = k.evening_told if k.evening_told is None or is_reached(k.evening_told, 0, now) else None
    if (told, earlier, evening) == (k.told, k.told_earlier, k.evening_told):
        return k
    return replace(k, told=told, told_earlier=earlier, evening_told=evening)


def _without_transfer(k: KnownInvoice, schedule: Schedule, now: datetime) -> KnownInvoice:
    """Pass over the reminder of a transfer: the credit suffices, so none is needed."""
    threshold = _untold_threshold(k, schedule, now)
    if k.due is None or not k.announced or not schedule.is_for_transfer(k.due, threshold):
        return k
    return replace(k, told=threshold)


def _urgency(entry: tuple[int, KnownInvoice]) -> tuple[date, int]:
    return (entry[1].due or date.max, entry[0])


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
    return _untold_threshold(k, schedule, now) is not None or _untold_evening(k, schedule, now) is not None


def _is_warning_due(k: KnownInvoice, schedule: Schedule, now: datetime) -> bool:
    """Return whether a suspension or deletion is to be announced. Only a mute holds that back."""
    threshold = _untold_threshold(k, schedule, now)
    if k.due is not None and threshold is not None and threshold in schedule.warnings(k.due, k.types):
        return True
    return _untold_evening(k, schedule, now) is not None


def _untold_evening(k: KnownInvoice, schedule: Schedule, now: datetime) -> date | None:
    """Return the last day on whose evening the person is to be warned once more, if that is now."""
    if not k.can_be_due or k.due is None:
        return None
    day = schedule.evening_warning(k.due, now, k.types)
    return day if day is not None and day != k.evening_told else None


def _untold_threshold(k: KnownInvoice, schedule: Schedule, now: datetime) -> int | None:
    """Return the threshold that was reached by ``now``, if the person was not reminded of it or a later one."""
    if not k.can_be_due or k.due is None:
        return None
    threshold = schedule.reached(k.due, now, k.types)
    if threshold is None or (k.told is not None and threshold >= k.told):
        return None
    return threshold


def _is_woken(k: KnownInvoice, silence: Silence, now: datetime) -> bool:
    """Return whether a snooze has ended and its reminder is still to come."""
    until = silence.until
    return until is not None and until <= now and k.woken != until and k.left != 0


def _alert(k: KnownInvoice, kind: AlertKind, link: Link, schedule: Schedule, now: datetime) -> Alert:
    """Return an alert about an invoice.

    News of an invoice also counts as the reminder of the day on which it will be read: it carries that threshold.
    """
    read_at = schedule.covers_until(now) if kind in {*NEWS_KINDS, AlertKind.CHANGED} else now
    threshold = _untold_threshold(k, schedule, read_at)
    told_before = (k.told_gross, k.told_due) if kind is AlertKind.CHANGED else (None, None)
    is_warning = _is_warning_due(k, schedule, read_at)
    if is_warning and threshold is None and k.due is not None:
        threshold = k.told  # the evening warning is as urgent as the reminder of the day
    return Alert("", link.place, link.account, kind, now, k.id, threshold, k.due, *told_before, is_warning=is_warning)


# --- What is known ---


def _learn(known: KnownInvoice | None, invoice: Invoice, now: datetime) -> KnownInvoice:
    """Return what is known of an invoice that was just read. What was told of a due date stays told.

    If it was announced and then closed, people may believe so until they are told that it is open again. One that was
    only gone is back as if nothing had been, unless they were told.
    """
    told = _told_by_due(known)
    due = _due_now(known, invoice)
    standing = invoice.standing
    before = known or KnownInvoice(invoice.id, standing, None, None, invoice.total, "")
    was_closed = before.standing not in {Standing.OPEN, Standing.GONE}
    reopened = standing is Standing.OPEN and before.announced and was_closed
    is_old = invoice.issued is not None and invoice.issued < (now - PAID_IS_NEWS_FOR).date()
    if known is None and invoice.is_paid and is_old:
        before = replace(before, announced=True)
    return replace(
        before,
        standing=standing,
        due=due,
        due_unreadable=invoice.due_unreadable,
        status_label=invoice.odd_status,
        left=invoice.own_left,
        in_parts=not invoice.counts and invoice.is_open,
        total=invoice.total,
        title=invoice.title,
        gross=invoice.gross,
        paid_with_credit=invoice.is_paid_with_credit,
        types=before.types if invoice.items_unreadable and before.types else invoice.types,
        unread_since=None,
        missing_since=None,
        settled_told=before.settled_told or reopened,
        told_gross=invoice.gross if before.told_gross is None else before.told_gross,
        told=told.pop(due, None) if due is not None else None,
        told_earlier=tuple(told.items()),
    )


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


def _as_told(
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
    read = [_learn(None, invoice, now) for invoice in invoices]
    told = [_as_told(k, NO_SILENCE, _untold_threshold(k, schedule, now), schedule, now) for k in read]
    # A message from before this link may still show a settled invoice as open.
    return {k.id: replace(k, settled_told=False, announced=k.standing is not Standing.CLOSED) for k in told}


def left_out(known: Mapping[int, KnownInvoice], now: datetime) -> dict[int, KnownInvoice]:
    """Return what is known of invoices that the answer to a new link of the same account leaves out.

    People may take the open ones for closed. Once they are read, it is said that they are open again.
    """
    unread = mark_unread(known, [k.id for k in known.values() if k.is_open], now)
    return {number: replace(k, settled_told=k.is_open or k.settled_told) for number, k in unread.items()}


# --- Reminders that came late ---


def mark_reminded(
    known: Mapping[int, KnownInvoice], sent: Iterable[SentMessage], schedule: Schedule, now: datetime
) -> dict[int, KnownInvoice]:
    """Take the reminder of a day as told where an earlier one came late, shortly before its hour.

    A reminder says how things stand when it is sent: if it comes at eight, nobody needs the same again at nine. But
    a warning has to ring, and where the chat wants no sound, only the warning itself does. What a clock that was ahead
    has sent reminds of nothing.
    """
    after = dict(known)
    for message in (message for message in sent if not is_ahead(message.sent_at, now)):
        for shown in message.shown:
            k = after.get(shown.invoice_id)
            reminds = shown.kind in REMINDER_KINDS and message.message_id is not None and not shown.resolved
            if k is not None and reminds and k.due is not None and k.due == shown.due:
                after[k.id] = _reminded_at(k, k.due, message.sent_at, schedule)
    return after


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
        return (_untold_threshold(k, schedule, now) is None, k.unread_since is not None, k.due or date.max, k.id)

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


# --- What to tell of the account itself ---


def watch_reading(
    before: Watch,
    now: datetime,
    *,
    good: bool,
    trouble: Trouble | None,
    partial: bool = False,
    unreadable: int = 0,
    doubt: timedelta = ASK_AGAIN_AFTER[0],
) -> tuple[Watch, list[AlertKind]]:
    """Return the account's new watch and what to tell of it. Each outage and each trouble is told once, and its end.

    In a good reading, unreadable invoices are told when their number has grown. If it is ``partial``, and the whole
    list was not read for long, that is told like an outage. A ``trouble`` is told if it is met again after ``doubt``,
    and no good reading came in between. A failed reading (neither ``good`` nor a ``trouble``) does not end one.
    """
    if good:
        over = [AlertKind.OUTAGE_OVER] if before.outage_told and not partial else []
        over += [AlertKind.TROUBLE_OVER] if before.trouble is not None else []
        broken = [AlertKind.UNREADABLE] if unreadable > before.unreadable_told else []
        after = Watch(checked_at=now, digest_told=before.digest_told, unreadable_told=unreadable)
        if not partial:
            return after, over + broken
        whole_at = min(before.whole_at or before.checked_at, now)
        long = now - whole_at >= LONG_OUTAGE and not before.outage_told and not over
        after = replace(after, whole_at=whole_at, outage_told=before.outage_told or long)
        return after, over + ([AlertKind.OUTAGE] if long else []) + broken
    if trouble is not None:
        since = _began(before.refused_since, before, now)
        refused = replace(before, refused_since=since, refused_at=now)
        if before.trouble is None and now - since < doubt:
            return refused, []
        news = [] if trouble is before.trouble else [AlertKind(trouble.value)]
        return replace(refused, trouble=trouble, failing_since=None, outage_told=False), news
    if before.trouble is not None:
        return before, []
    since = _began(before.failing_since, before, now)
    long = now - since >= LONG_OUTAGE and not before.outage_told
    after = replace(before, failing_since=since, outage_told=before.outage_told or long)
    return after, [AlertKind.OUTAGE] if long else []


def _began(noted: datetime | None, before: Watch, now: datetime) -> datetime:
    """Return since when something fails: after the last good reading, not ahead, whatever a wrong clock has noted."""
    since = min(noted or now, now)
    return since if is_ahead(before.checked_at, now) else max(since, min(before.checked_at, now))


def trusted(before: Watch) -> Watch:
    """Return the watch after a good answer outside of the checks: the token works."""
    return replace(before, trouble=None, refused_since=None, refused_at=None, said="")


def watch_week(before: Watch, schedule: Schedule, now: datetime, *, any_open: bool) -> tuple[Watch, list[AlertKind]]:
    """Return the new watch, and the week's digest if it is due: first on the Monday after it was chosen."""
    if not schedule.preferences.digest:
        return replace(before, digest_told=None), []
    week = schedule.week(now)
    due = any_open and before.digest_told is not None and before.digest_told < week
    return replace(before, digest_told=week), [AlertKind.DIGEST] if due else []
