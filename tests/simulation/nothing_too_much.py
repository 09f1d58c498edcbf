"""The promises that keep a bot from being a nuisance: nothing twice, untrue, out of order, in quiet hours, unwanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.simulation.evidence import DAY, ON_ITS_WAY, REMINDERS, STALE, Evidence, says
from tests.simulation.expected import is_quiet, over_at
from tests.simulation.people import LONG_AGO, standing_of
from tests.simulation.telegram import Arrival, Said


def nothing_too_much(evidence: Evidence) -> Iterator[str]:
    """What was broken, in words."""
    yield from _once(evidence)
    yield from _in_order(evidence)
    for arrival in evidence.room.arrivals:
        yield from _at_the_right_time(evidence, arrival)
        yield from _wanted(evidence, arrival)
    for number in evidence.numbers():
        yield from _true(evidence, number)
        yield from _with_a_reason(evidence, number)


def _once(evidence: Evidence) -> Iterator[str]:
    """No alert comes twice without a mark, nor more often than its fate was uncertain, nor twice in a message."""
    seen: Counter[str] = Counter()
    doubts = [t.at for t in evidence.room.tries if t.error in {"DeliveryUncertain", "TelegramDown"}]
    doubts += evidence.world.kills
    for arrival in evidence.room.arrivals:
        ids = [said.alert_id for said in arrival.said]
        created = min(said.created for said in arrival.said)
        reasons = sum(created <= at <= arrival.at + ON_ITS_WAY for at in doubts)
        if any(seen[i] for i in ids) and not arrival.marked:
            yield f"message {arrival.number} came twice, unmarked, at {arrival.at}"
        if arrival.marked and not reasons:
            yield f"message {arrival.number} at {arrival.at} is marked for no reason"
        seen.update(ids)
        if any(seen[i] > 1 + reasons for i in ids):
            yield f"message {arrival.number} at {arrival.at} came more often than anything was uncertain"
        about = [said.invoice_id for said in arrival.said if said.invoice_id is not None]
        if len(about) != len(set(about)):
            yield f"message {arrival.number} at {arrival.at} tells of one invoice twice"


def _in_order(evidence: Evidence) -> Iterator[str]:
    seen: set[str] = set()
    for first, second in pairwise(evidence.room.arrivals):
        seen.update(said.alert_id for said in first.said)
        again = any(said.alert_id in seen for said in second.said)
        if not again and max(said.created for said in first.said) > min(said.created for said in second.said):
            yield f"message {second.number} at {second.at} is older than the one before"


def _at_the_right_time(evidence: Evidence, arrival: Arrival) -> Iterator[str]:
    early = arrival.at - ON_ITS_WAY
    lately = evidence.person.rules.within(early, arrival.at)
    if all(r.sure and not r.link for r in lately):
        yield f"message {arrival.number} at {arrival.at} came without a link"
    if all(r.sure and is_quiet(r.preferences, arrival.at) and is_quiet(r.preferences, early) for r in lately):
        yield f"message {arrival.number} at {arrival.at} came in quiet hours"


def _wanted(evidence: Evidence, arrival: Arrival) -> Iterator[str]:
    for said in arrival.said:
        number = said.invoice_id or 0
        hushes = evidence.person.hushes.get(number)
        if said.kind not in REMINDERS | {"changed"} or hushes is None:
            continue
        silenced = all(hush.holds(arrival.at) for hush in hushes.within(arrival.at - ON_ITS_WAY, arrival.at))
        if silenced and not evidence.closed_since_hushed(number, arrival.at):
            yield f"message {arrival.number} at {arrival.at} is about {number}, which was silenced"


def _true(evidence: Evidence, number: int) -> Iterator[str]:
    """What is said was so; and of what is settled, that it was so after the last message that said otherwise."""
    truth = evidence.person.books.history.get(number)
    before = LONG_AGO + DAY
    for arrival in evidence.room.arrivals:
        said = arrival.of(number)
        if said is None:
            continue
        if truth is None:
            yield f"message {arrival.number} is about {number}, which never was"
            return
        since = LONG_AGO if said.standing == "open" else before - STALE
        if not any(says(said.content, invoice) for invoice in truth.within(since, arrival.at)):
            yield f"message {arrival.number} at {arrival.at} says of {number} what was not so: {said.content}"
        if said.kind == "overdue" and said.due is not None and arrival.at < over_at(said.due):
            yield f"message {arrival.number} at {arrival.at} calls {number} overdue too early"
        for struck, at, standing in arrival.struck:
            was = {standing_of(invoice) for invoice in truth.within(arrival.at - STALE, at)}
            if struck == number and standing not in was:
                yield f"message {arrival.number} was struck at {at}: {number} {standing}, which was not so"
        before = arrival.at


def _with_a_reason(evidence: Evidence, number: int) -> Iterator[str]:
    """Of two messages that say the same of an invoice, the second has a reason: a date, a press, a change."""
    told = [(a, said) for a in evidence.room.arrivals if not a.marked and (said := a.of(number))]
    for (first, a), (second, b) in pairwise(told):
        if a.content == b.content and not _reason(evidence, number, a, b):
            yield f"messages {first.number} and {second.number} at {second.at} say the same of {number}: {b.content}"


def _reason(evidence: Evidence, number: int, a: Said, b: Said) -> bool:
    person, after, until = evidence.person, a.created, b.created
    hushes = person.hushes.get(number)
    if hushes is not None:
        ends = [h.until for h in hushes.values if h.until is not None]
        if hushes.changed_within(after, until) or any(after < end <= until for end in ends):
            return True
    if person.rules.changed_within(after - ON_ITS_WAY, until):
        return True
    if person.books.history[number].changed_within(after - STALE, until):
        return True
    if b.due is None:
        return False
    times = evidence.reminders(b.due, person.rules.at(until).preferences, until)
    return any(after < at <= until for at in times)
