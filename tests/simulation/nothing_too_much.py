"""The promises against nuisance: no message comes twice, is untrue, out of order, in quiet hours or unwanted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.invoices import Invoice
from tests.simulation.evidence import (
    DAY,
    IN_TRANSIT,
    READ_EARLIER,
    REMINDER_KINDS,
    TOLD_WITHIN,
    UNCERTAIN,
    Evidence,
    says,
)
from tests.simulation.expected import is_quiet, next_try, over_at
from tests.simulation.history import History
from tests.simulation.people import LONG_AGO, standing_of
from tests.simulation.telegram import Arrival, Said

GONE_FOR = timedelta(minutes=10)
"""An invoice that is away for a shorter time is never called gone."""


def nothing_too_much(evidence: Evidence) -> Iterator[str]:
    """Yield the broken promises, in words."""
    yield from _once(evidence)
    yield from _repeated_rarely(evidence)
    yield from _in_order(evidence)
    for arrival in evidence.chat.arrivals:
        yield from _at_the_right_time(evidence, arrival)
        yield from _wanted(evidence, arrival)
    for number in evidence.numbers():
        yield from _true(evidence, number)
        yield from _in_one_message(evidence, number)
        yield from _with_a_reason(evidence, number)
        yield from _new_once(evidence, number)


def _once(evidence: Evidence) -> Iterator[str]:
    """No alert comes twice without a mark, or more often than its sending was uncertain, or twice in one message."""
    seen: Counter[str] = Counter()
    doubts = [t.at for t in evidence.chat.tries if t.error in UNCERTAIN]
    doubts += evidence.world.kills
    doubts += [at for span in evidence.world.wrong for at in span]  # a clock that is put forward ends leases
    for arrival in evidence.chat.arrivals:
        ids = [said.alert_id for said in arrival.said]
        created = min(said.created for said in arrival.said)
        reasons = sum(created <= at <= arrival.at + IN_TRANSIT for at in doubts)
        if any(seen[i] for i in ids) and not arrival.marked:
            yield f"message {arrival.number} came twice, unmarked, at {arrival.at}"
        if arrival.marked and not reasons and not _says_again(evidence, arrival):
            yield f"message {arrival.number} at {arrival.at} is marked for no reason"
        seen.update(ids)
        if any(seen[i] > 1 + reasons for i in ids):
            yield f"message {arrival.number} at {arrival.at} was repeated more often than a send was uncertain"
        about = [said.invoice_id for said in arrival.said if said.invoice_id is not None]
        if len(about) != len(set(about)):
            yield f"message {arrival.number} at {arrival.at} mentions an invoice twice"


def _says_again(evidence: Evidence, arrival: Arrival) -> bool:
    """Return whether it has taken over something from an older alert that may have arrived."""
    about = {said.invoice_id for said in arrival.said}
    tries = [t for t in evidence.chat.tries if t.error in UNCERTAIN and t.at <= arrival.at]
    if any(said.invoice_id in about for t in tries for said in t.said):
        return True
    return any(_was_killed_untold(evidence, number, arrival) for number in about if number is not None)


def _was_killed_untold(evidence: Evidence, number: int, arrival: Arrival) -> bool:
    """Return whether a kill may hide a message about an invoice: none is known from then until this one."""
    truth = evidence.person.account.history.get(number)
    existed = [start for start, _, state in truth.spans(evidence.end) if state is not None] if truth else []
    told = [a.at for a in evidence.chat.arrivals if a.number < arrival.number and a.known_id and a.of(number)]
    return any(max([*existed[:1], *told]) <= kill <= arrival.at for kill in evidence.world.kills) if existed else False


def _repeated_rarely(evidence: Evidence) -> Iterator[str]:
    """What may have arrived comes again after 1, 5 and 25 minutes and 2 hours, then once a day at the reminder hour."""
    sends: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for t in evidence.chat.tries:
        for said in t.said:
            if t.error in UNCERTAIN:
                sends[said.alert_id].append((t.at, True))
    for arrival in evidence.chat.arrivals:
        for said in arrival.said if arrival.known_id else ():
            sends[said.alert_id].append((arrival.at, False))
    for alert_id, all_sends in sends.items():
        for number, ((at, uncertain), (later, _)) in enumerate(pairwise(sorted(all_sends))):
            wrong = evidence.wrong_clock.touch(at - IN_TRANSIT, later)
            if not uncertain or wrong or any(at - IN_TRANSIT <= kill <= later for kill in evidence.world.kills):
                break  # a kill, or a clock that was put right, repeats at once, but no more than once
            soonest = min(next_try(number, at, r.preferences) for r in evidence.person.rules.within(at, later))
            if later < soonest:
                yield f"alert {alert_id} came again at {later}, and not at {soonest} or later"


def _in_order(evidence: Evidence) -> Iterator[str]:
    seen = {said.alert_id for t in evidence.chat.tries if t.error == "SendRefused" for said in t.said}
    for first, second in pairwise(evidence.chat.arrivals):
        seen.update(said.alert_id for said in first.said)
        again = second.marked or any(said.alert_id in seen for said in second.said)
        if not again and max(said.created for said in first.said) > min(said.created for said in second.said):
            yield f"message {second.number} at {second.at} is older than the one before"


def _at_the_right_time(evidence: Evidence, arrival: Arrival) -> Iterator[str]:
    early = arrival.at - IN_TRANSIT
    lately = evidence.person.rules.within(early, arrival.at)
    if all(r.sure and not r.link for r in lately):
        yield f"message {arrival.number} at {arrival.at} came without a link"
    if evidence.wrong_clock.touch(early, arrival.at):
        return
    if all(r.sure and is_quiet(r.preferences, arrival.at) and is_quiet(r.preferences, early) for r in lately):
        yield f"message {arrival.number} at {arrival.at} came in quiet hours"


def _wanted(evidence: Evidence, arrival: Arrival) -> Iterator[str]:
    for said in arrival.said:
        number = said.invoice_id or 0
        silences = evidence.person.silences.get(number)
        if said.kind not in REMINDER_KINDS | {"changed"} or silences is None:
            continue
        silenced = all(silence.holds(arrival.at) for silence in silences.within(arrival.at - IN_TRANSIT, arrival.at))
        if silenced and not evidence.closed_since_silenced(number, arrival.at):
            yield f"message {arrival.number} at {arrival.at} is about {number}, which was silenced"


def _true(evidence: Evidence, number: int) -> Iterator[str]:
    """Every statement was true at its time. A settled state was true after the last message that said otherwise."""
    truth = evidence.person.account.history.get(number)
    last, last_at = None, LONG_AGO + DAY
    before = last_at
    for arrival in evidence.chat.arrivals:
        said = arrival.of(number)
        if said is None:
            continue
        if last is not None and said.content != last.content:
            before = last_at
        if truth is None:
            yield f"message {arrival.number} is about {number}, which never existed"
            return
        since = LONG_AGO if said.standing == "open" else before - READ_EARLIER
        if not any(says(said.content, invoice) for invoice in truth.within(since, arrival.at)):
            yield f"message {arrival.number} at {arrival.at} says of {number} what was not true: {said.content}"
        # What a wrong clock has found overdue says, once the clock is right, how things stand when it is sent.
        knew_the_time = not evidence.wrong_clock.touch(min(said.created, arrival.at - IN_TRANSIT), arrival.at)
        if said.standing == "gone" and not _was_gone(truth, evidence, arrival):
            yield f"message {arrival.number} at {arrival.at} says that {number} is gone, which it hardly was"
        if said.kind == "overdue" and said.due is not None and arrival.at < over_at(said.due) and knew_the_time:
            yield f"message {arrival.number} at {arrival.at} calls {number} overdue too early"
        for struck, at, standing in arrival.struck:
            was = {standing_of(invoice) for invoice in truth.within(arrival.at - READ_EARLIER, at)}
            if struck == number and standing not in was:
                yield f"message {arrival.number} was edited at {at}: {number} {standing}, which was not true"
        last, last_at = said, arrival.at


def _was_gone(truth: History[Invoice | None], evidence: Evidence, arrival: Arrival) -> bool:
    """Return whether an invoice was away for so long, before a message, that two readings could say so.

    A clock that is put forward between two readings makes them look as far apart.
    """
    spans = [(start, min(end, arrival.at)) for start, end, state in truth.spans(evidence.end) if state is None]
    away = spans[1:]  # at first it did not exist
    return any(end - start >= GONE_FOR or evidence.wrong_clock.touch(start, end) for start, end in away)


def _new_once(evidence: Evidence, number: int) -> Iterator[str]:
    """What the linking listed as open, or a message announced, is never called new again."""
    listings = evidence.person.listings
    ends = [*(listed.at for listed in listings[1:]), evidence.end]
    for listed, end in zip(listings, ends, strict=True):
        announced = number in listed.contents and listed.contents[number][0] == "open"
        for arrival in evidence.messages(listed.link, end):
            said = arrival.of(number)
            if said is None or arrival.marked:
                continue
            if said.kind == "new" and announced:
                yield f"message {arrival.number} at {arrival.at} calls {number} new, which had been announced"
            announced = True


def _in_one_message(evidence: Evidence, number: int) -> Iterator[str]:
    """After an undisturbed time no older message shows an open invoice that a newer one shows, if it can be edited."""
    for listed in evidence.person.listings:
        told = [a for a in evidence.messages(listed.link, evidence.end) if a.known_id and _noted(evidence, a)]
        showing = [a for a in told if (said := a.of(number)) and said.standing == "open"]
        for older, newer in pairwise(showing[-29:]):
            by = evidence.sending(number).calm(newer.at, TOLD_WITHIN)
            is_over = older.out_of_reach or any(struck == number for struck, _, _ in older.struck)
            alone = all(said.standing == "open" or said.kind == "settled" for said in older.said)
            rules = evidence.person.rules.within(newer.at, by)
            if by >= evidence.end or is_over or not alone or not all(r.sure and r.link == listed.link for r in rules):
                continue
            if number not in older.folded or older.folded[number] > by:
                yield f"by {by} message {older.number} still shows {number}, and so does {newer.number}"


def _noted(evidence: Evidence, arrival: Arrival) -> bool:
    """Return whether no kill kept the bot from noting that the message had arrived."""
    return not any(arrival.at <= at <= arrival.at + IN_TRANSIT for at in evidence.world.kills)


def _with_a_reason(evidence: Evidence, number: int) -> Iterator[str]:
    """If two messages say the same of an invoice, the second one has a reason: a date, a press or a change."""
    told = [(a, said) for a in evidence.chat.arrivals if not a.marked and (said := a.of(number))]
    for (first, a), (second, b) in pairwise(told):
        if a.content == b.content and not _reason(evidence, number, a, b) and not _reminded_wrongly(evidence, a, b):
            yield f"messages {first.number} and {second.number} at {second.at} say the same of {number}: {b.content}"


def _reminded_wrongly(evidence: Evidence, a: Said, b: Said) -> bool:
    """Return whether a wrong clock has led to one of these: a reminder of a day that had not come, or its own again."""
    return evidence.wrong_clock.touch(a.created - DAY, b.created + DAY)


def _reason(evidence: Evidence, number: int, a: Said, b: Said) -> bool:
    person, after, until = evidence.person, a.created, b.created
    silences = person.silences.get(number)
    if silences is not None:
        ends = [h.until for h in silences.values if h.until is not None]
        if silences.changed_within(after, until) or any(after < end <= until for end in ends):
            return True
    if person.rules.changed_within(after - IN_TRANSIT, until):
        return True
    if person.account.history[number].changed_within(after - READ_EARLIER, until):
        return True
    if b.due is None:
        return False
    times = evidence.reminders(b.due, person.rules.at(until).preferences, until)
    return any(after < at <= until for at in times)
