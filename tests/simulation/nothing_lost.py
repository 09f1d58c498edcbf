"""The promises that nothing is missed: no reminder, no new, changed or settled invoice, and no edit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.domain.invoices import Invoice
from tests.simulation.evidence import DAY, IN_TRANSIT, TOLD_WITHIN, Evidence, Period, is_open, says
from tests.simulation.expected import wall, zone_of
from tests.simulation.people import LONG_AGO, Content, standing_of
from tests.simulation.telegram import Arrival

EDITED_MESSAGES = 29
"""Only so many of the latest messages must be edited."""
READ_BEFORE = timedelta(hours=3)
"""A reminder that comes so shortly before the next one stands for it."""
NEWS_FOR = 30 * DAY
"""For so long after its issue, an invoice that was paid on creation is news."""


def nothing_lost(evidence: Evidence) -> Iterator[str]:
    """Yield the broken promises, in words."""
    for number in evidence.numbers():
        for period in evidence.periods(number):
            yield from _told_how_it_stands(evidence, number, period)
            yield from _reminded(evidence, number, period)


def _told_how_it_stands(evidence: Evidence, number: int, period: Period) -> Iterator[str]:
    """After an undisturbed time the chat shows the invoice's state, in a message or in the answer to the linking."""
    by = evidence.sending(number).calm(max(evidence.known_by(period), period.start), TOLD_WITHIN)
    if not is_open(period.truth):
        by = _after_transit(evidence, number, period, by)
    if by >= period.end or not period.silence.sure or evidence.may_be_aside(number, by):
        return
    if is_open(period.truth):
        yield from _open_told(evidence, number, period, by)
    else:
        yield from _settled_told(evidence, number, period, by)
        yield from _edited(evidence, number, period, by)


def _after_transit(evidence: Evidence, number: int, period: Period, by: datetime) -> datetime:
    """Allow for an alert in transit when the invoice was found settled. The next reading settles that.

    The bot takes one whose outcome is unknown as shown once its repetition is due, and it has become void.
    """
    told = [a.at for a in evidence.chat.arrivals if a.at <= by and _says_open(a, number)]
    late = [at for at in told if period.true_since <= at]
    tries = [t.at for t in evidence.chat.tries if t.at <= by and any(said.invoice_id == number for said in t.said)]
    if tries and max(tries) > max(told, default=LONG_AGO):
        late.append(by)
    if not late:
        return by
    read_by = evidence.reading.calm(late[-1], evidence.checked_within)
    return evidence.sending(number).calm(max(by, read_by), TOLD_WITHIN)


def _says_open(arrival: Arrival, number: int) -> bool:
    said = arrival.of(number)
    return said is not None and said.standing == "open"


def _open_told(evidence: Evidence, number: int, period: Period, by: datetime) -> Iterator[str]:
    if period.silence.holds(period.start) or period.true_since < evidence.muted_at(number, period.start):
        return
    belief = _belief(evidence, number, period.rules.link, by)
    if belief is None or not says(belief, period.truth):
        yield f"by {by} no message said that {number} is {_words(period.truth)}; the chat says {belief}"


def _settled_told(evidence: Evidence, number: int, period: Period, by: datetime) -> Iterator[str]:
    belief = _belief(evidence, number, period.rules.link, by)
    if belief is None:
        issued = period.truth.issued if period.truth else None
        looked_old = evidence.wrong_clock.touch(period.true_since, by)  # to a clock that was a month ahead
        if standing_of(period.truth) == "paid" and issued and issued + NEWS_FOR > by.date() and not looked_old:
            yield f"by {by} no message said that {number} was paid on creation"
    elif belief[0] == "open":
        silences = evidence.person.silences.get(number)
        since = evidence.closed_since(number, period.start)
        muted = silences is not None and any(not h.sure or h.muted for h in silences.within(since, by))
        # A message that was struck out before, while the invoice had vanished, no longer shows it as open.
        standing = [a for a in evidence.messages(period.rules.link, by) if a.of(number)]
        shown = any(not any(struck == number and at <= period.start for struck, at, _ in a.struck) for a in standing)
        if shown and not muted:
            yield f"by {by} no message said that {number} is settled ({_words(period.truth)})"


def _edited(evidence: Evidence, number: int, period: Period, by: datetime) -> Iterator[str]:
    """Earlier messages don't show a settled invoice as open, if the bot can know and reach them."""
    for arrival in evidence.messages(period.rules.link, by)[-EDITED_MESSAGES:]:
        if arrival.out_of_reach or not _says_open(arrival, number):
            continue
        cut_off = any(arrival.at <= at <= arrival.at + IN_TRANSIT for at in evidence.world.kills)
        if (
            arrival.known_id
            and not cut_off
            and number not in arrival.folded
            and not any(struck == number and at <= by for struck, at, _ in arrival.struck)
        ):
            yield f"by {by} message {arrival.number} still shows {number} as open"


def _belief(evidence: Evidence, number: int, link: int, by: datetime) -> Content | None:
    """Return what the chat says of an invoice: in the last message about it, or in the answer to the linking."""
    told = [said.content for a in evidence.messages(link, by) if (said := a.of(number))]
    return told[-1] if told else evidence.listed(link).contents.get(number)


def _reminded(evidence: Evidence, number: int, period: Period) -> Iterator[str]:
    """Every reminder that came due without an obstacle is covered by a message at its time or later."""
    truth, silence = period.truth, period.silence
    if truth is None or not truth.is_open or truth.due is None or truth.left_to_pay == 0:
        return
    if not silence.sure or silence.holds(period.start):
        return
    times = evidence.reminders(truth.due, period.rules.preferences, period.end)
    reached = max((at for at in times if at <= period.start), default=None)
    moments = [at for at in times if at > period.start or at == reached]
    moments += [silence.until] if silence.until is not None else []
    known_by, muted_at = evidence.known_by(period), evidence.muted_at(number, period.start)
    for at in moments:
        by = evidence.sending(number).calm(max(at, period.start, known_by), TOLD_WITHIN)
        if by >= period.end or at < muted_at or evidence.may_be_aside(number, by):
            continue
        if not _covered(evidence, number, period, at, by):
            yield f"by {by} there was no reminder of {number} ({_words(truth)}), which was due at {at}"


def _covered(evidence: Evidence, number: int, period: Period, at: datetime, by: datetime) -> bool:
    """Return whether a message, or the answer to the linking, mentioned the invoice at that time.

    News about the invoice counts as the reminder of the same day, and so does a late reminder shortly before. If the
    rules have changed lately, the reminder may have come by the old ones, up to two days before. So it may if the clock
    was wrong.
    """
    changed = period.ruled_since > at - 2 * DAY or evidence.wrong_clock.touch(at - 3 * DAY, at)
    since = at - 3 * DAY if changed and at != period.silence.until else at
    listed = evidence.listed(period.rules.link)
    if since <= listed.at and number in listed.contents:
        return True
    zone = zone_of(period.rules.preferences)
    morning = min(since, wall(at.astimezone(zone).date(), 0, zone))
    told = [(a.at, said.kind) for a in evidence.chat.arrivals if a.at <= by and (said := a.of(number))]
    late = max(morning, since - READ_BEFORE)
    return any((morning if kind in {"new", "reopened", "changed"} else late) <= when for when, kind in told)


def _words(invoice: Invoice | None) -> str:
    return "gone" if invoice is None else f"{standing_of(invoice)}, due {invoice.due}, {invoice.total}"
