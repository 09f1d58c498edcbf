"""The promises about what must not be missed: each reminder, each new, changed or settled invoice, each edit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.domain.invoices import Invoice
from tests.simulation.evidence import DAY, ON_ITS_WAY, TELL, Evidence, Stretch, is_open, says
from tests.simulation.expected import wall, zone_of
from tests.simulation.people import Content, standing_of
from tests.simulation.telegram import Arrival

KEPT = 29
"""So many messages later one need not be edited any more."""
OLD = 30 * DAY
"""So long after its issue an invoice that was paid on creation is no news any more."""


def nothing_lost(evidence: Evidence) -> Iterator[str]:
    """What was broken, in words."""
    for number in evidence.numbers():
        for stretch in evidence.stretches(number):
            yield from _told_how_it_stands(evidence, number, stretch)
            yield from _reminded(evidence, number, stretch)


def _told_how_it_stands(evidence: Evidence, number: int, stretch: Stretch) -> Iterator[str]:
    """After a calm time the chat says how the invoice stands: in messages, or in what was shown at the linking."""
    by = evidence.sending.calm(max(evidence.known_by(stretch), stretch.start), TELL)
    if not is_open(stretch.truth):
        by = _after_what_was_on_its_way(evidence, number, stretch, by)
    if by >= stretch.end or not stretch.hush.sure or evidence.may_be_aside(number, by):
        return
    if is_open(stretch.truth):
        yield from _open_told(evidence, number, stretch, by)
    else:
        yield from _settled_told(evidence, number, stretch, by)
        yield from _edited(evidence, number, stretch, by)


def _after_what_was_on_its_way(evidence: Evidence, number: int, stretch: Stretch, by: datetime) -> datetime:
    """An alert that was under way when the invoice was found settled is known to have arrived at the next reading."""
    late = [a.at for a in evidence.room.arrivals if stretch.true_since <= a.at <= by and _says_open(a, number)]
    return evidence.sending.calm(max(by, evidence.reading.calm(late[-1], evidence.look)), TELL) if late else by


def _says_open(arrival: Arrival, number: int) -> bool:
    said = arrival.of(number)
    return said is not None and said.standing == "open"


def _open_told(evidence: Evidence, number: int, stretch: Stretch, by: datetime) -> Iterator[str]:
    if stretch.hush.holds(stretch.start) or stretch.true_since < evidence.muted_at(number, stretch.start):
        return
    belief = _belief(evidence, number, stretch.rules.link, by)
    if belief is None or not says(belief, stretch.truth):
        yield f"by {by} nobody said of {number} that it is {_words(stretch.truth)}; the chat says {belief}"


def _settled_told(evidence: Evidence, number: int, stretch: Stretch, by: datetime) -> Iterator[str]:
    belief = _belief(evidence, number, stretch.rules.link, by)
    if belief is None:
        issued = stretch.truth.issued if stretch.truth else None
        if standing_of(stretch.truth) == "paid" and issued and issued + OLD > by.date():
            yield f"by {by} nobody said of {number} that it was paid on creation"
    elif belief[0] == "open":
        hushes = evidence.person.hushes.get(number)
        since = evidence.closed_since(number, stretch.start)
        muted = hushes is not None and any(not h.sure or h.muted for h in hushes.within(since, by))
        # What was struck out before, as the invoice was gone for a while, offers nothing to pay any more.
        standing = [a for a in evidence.messages(stretch.rules.link, by) if a.of(number)]
        shown = any(not any(struck == number and at <= stretch.start for struck, at, _ in a.struck) for a in standing)
        if shown and not muted:
            yield f"by {by} nobody said of {number} that it is settled ({_words(stretch.truth)})"


def _edited(evidence: Evidence, number: int, stretch: Stretch, by: datetime) -> Iterator[str]:
    """Earlier messages do not show as open what is settled, as far as the bot can know and reach them."""
    for arrival in evidence.messages(stretch.rules.link, by)[-KEPT:]:
        if arrival.out_of_reach or not _says_open(arrival, number):
            continue
        cut_off = any(arrival.at <= at <= arrival.at + ON_ITS_WAY for at in evidence.world.kills)
        if (
            arrival.known_id
            and not cut_off
            and not any(struck == number and at <= by for struck, at, _ in arrival.struck)
        ):
            yield f"by {by} message {arrival.number} still shows {number} as open"


def _belief(evidence: Evidence, number: int, link: int, by: datetime) -> Content | None:
    """What the chat says of an invoice at a time: the last message about it, else the answer to the linking."""
    told = [said.content for a in evidence.messages(link, by) if (said := a.of(number))]
    return told[-1] if told else evidence.listed(link).contents.get(number)


def _reminded(evidence: Evidence, number: int, stretch: Stretch) -> Iterator[str]:
    """Each reminder that came due while nothing stood against it is covered by a message at or after it."""
    truth, hush = stretch.truth, stretch.hush
    if truth is None or not truth.is_open or truth.due is None or truth.left_to_pay == 0:
        return
    if not hush.sure or hush.holds(stretch.start):
        return
    times = evidence.reminders(truth.due, stretch.rules.preferences, stretch.end)
    reached = max((at for at in times if at <= stretch.start), default=None)
    moments = [at for at in times if at > stretch.start or at == reached]
    moments += [hush.until] if hush.until is not None else []
    known_by, muted_at = evidence.known_by(stretch), evidence.muted_at(number, stretch.start)
    for at in moments:
        by = evidence.sending.calm(max(at, stretch.start, known_by), TELL)
        if by >= stretch.end or at < muted_at or evidence.may_be_aside(number, by):
            continue
        if not _covered(evidence, number, stretch, at, by):
            yield f"by {by} there was no reminder of {number} ({_words(truth)}) that was to come at {at}"


def _covered(evidence: Evidence, number: int, stretch: Stretch, at: datetime, by: datetime) -> bool:
    """Whether a message, or the answer to the linking, spoke of the invoice then.

    What is told as new or changed counts as the reminder of its day. Where the rules have changed lately, the same
    reminder may have come by the old ones, up to two days before.
    """
    since = at - 2 * DAY if stretch.ruled_since > at - 2 * DAY and at != stretch.hush.until else at
    listed = evidence.listed(stretch.rules.link)
    if since <= listed.at and number in listed.contents:
        return True
    zone = zone_of(stretch.rules.preferences)
    morning = min(since, wall(at.astimezone(zone).date(), 0, zone))
    told = [(a.at, said.kind) for a in evidence.room.arrivals if a.at <= by and (said := a.of(number))]
    return any((morning if kind in {"new", "changed"} else since) <= when for when, kind in told)


def _words(invoice: Invoice | None) -> str:
    return "gone" if invoice is None else f"{standing_of(invoice)}, due {invoice.due}, {invoice.total}"
