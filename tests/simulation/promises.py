"""What each person should have been told, stated from the provider's true history, what the person chose and pressed,
the times at which the bot could read and could write, and what arrived in the chat. It knows nothing of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from bot.domain.invoices import Invoice
from bot.domain.preferences import Preferences
from tests.simulation.expected import is_quiet, over_at, quiet_times, reminder_times
from tests.simulation.history import Disturbances, History
from tests.simulation.people import LONG_AGO, LOUD, UNSURE, Content, Hush, Listed, Person, Rules, standing_of
from tests.simulation.telegram import Arrival, Said, Try
from tests.simulation.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ON_ITS_WAY = 3 * MINUTE
"""How long a message may have been under way when somebody changed their mind."""
STALE = 15 * MINUTE
"""How long a reading may have been under way when the provider's books changed."""
TELL = 90 * MINUTE
"""Undisturbed time after which what is known has been told: the provider may ask for an hour's pause, a retry may wait
for ten minutes."""
KEPT = 29
"""So many messages later one need not be edited any more."""
REMINDERS = {"due", "overdue"}
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which nothing about an invoice changed: at the provider, in the chat's rules, or by a snooze."""

    start: datetime
    end: datetime
    rules: Rules
    truth: Invoice | None
    true_since: datetime
    hush: Hush
    ruled_since: datetime


class Statement:
    """The promises to one person. Each method gives what was broken, in words."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.room = person.room
        self.end = world.end
        books, everybody = person.books, [*world.down, *((at, at) for at in world.kills)]
        open_spans = [(person.refused_since, self.end)] if person.refused_since else []
        gone = [(person.gone_since, self.end)] if person.gone_since else []
        stumbles = [(at, at) for at in books.stumbles]
        unread = [*everybody, *world.unreadable, *books.troubles, *books.failures, *person.not_read, *open_spans, *gone, *stumbles]
        self.reading = Disturbances(unread)
        unsent = [*everybody, *world.unsendable, *person.not_sent, *gone, *world.telegram.stumbles.get(id(self.room), [])]
        quiet = [
            span
            for start, end, rules in person.rules.spans(self.end)
            if rules.link
            for span in quiet_times(rules.preferences, start, end)
        ]
        self.sending = Disturbances([*unsent, *quiet])
        self.look = world.plan.interval + TELL
        self.set_aside = self._may_be_set_aside()

    def broken(self) -> Iterator[str]:
        """Everything that was not kept."""
        yield from self._in_order_and_once()
        yield from self._at_the_right_time()
        for number in sorted(self.room.numbers() | self.person.books.history.keys()):
            yield from self._true(number)
            yield from self._with_a_reason(number)
            for stretch in self._stretches(number):
                yield from self._told_how_it_stands(number, stretch)
                yield from self._reminded(number, stretch)

    # --- Nothing twice, in order ---

    def _in_order_and_once(self) -> Iterator[str]:
        seen: Counter[str] = Counter()
        last: Arrival | None = None
        doubts = sorted([t.at for t in self.room.tries if t.error in {"DeliveryUncertain", "TelegramDown"}])
        doubts += self.world.kills
        for arrival in self.room.arrivals:
            ids = [said.alert_id for said in arrival.said]
            repeated = [i for i in ids if seen[i]]
            if repeated and not arrival.marked:
                yield f"message {arrival.number} came twice, unmarked, at {arrival.at}"
            created = min(said.created for said in arrival.said)
            reasons = sum(created <= at <= arrival.at + ON_ITS_WAY for at in doubts)
            if arrival.marked and not reasons:
                yield f"message {arrival.number} at {arrival.at} is marked for no reason"
            seen.update(ids)
            if any(seen[i] > 1 + reasons for i in ids):
                yield f"message {arrival.number} at {arrival.at} came more often than anything was uncertain"
            about = [said.invoice_id for said in arrival.said if said.invoice_id is not None]
            if len(about) != len(set(about)):
                yield f"message {arrival.number} at {arrival.at} tells of one invoice twice"
            if last and not repeated and max(said.created for said in last.said) > created:
                yield f"message {arrival.number} at {arrival.at} is older than the one before"
            last = arrival

    # --- Not in quiet hours, not without a link, not what was silenced ---

    def _at_the_right_time(self) -> Iterator[str]:
        rules = self.person.rules
        for arrival in self.room.arrivals:
            lately = rules.within(arrival.at - ON_ITS_WAY, arrival.at)
            if all(r.sure and not r.link for r in lately):
                yield f"message {arrival.number} at {arrival.at} came without a link"
            early = arrival.at - ON_ITS_WAY
            if all(r.sure and is_quiet(r.preferences, arrival.at) and is_quiet(r.preferences, early) for r in lately):
                yield f"message {arrival.number} at {arrival.at} came in quiet hours"
            for said in arrival.said:
                hushes = self.person.hushes.get(said.invoice_id or 0)
                if said.kind not in REMINDERS | {"changed"} or hushes is None:
                    continue
                if all(h.holds(arrival.at) for h in hushes.within(early, arrival.at)) and not self._closed_since(
                    said.invoice_id or 0, hushes, arrival.at
                ):
                    yield f"message {arrival.number} at {arrival.at} is about {said.invoice_id}, which was silenced"

    def _closed_since(self, number: int, hushes: History[Hush], at: datetime) -> bool:
        """Whether the invoice was closed after it was silenced: then it need not be silent when it opens again."""
        since = max(t for t in hushes.times if t <= at)
        return any(not _is_open(i) for i in self.person.books.history[number].within(since, at))

    # --- Nothing untrue ---

    def _true(self, number: int) -> Iterator[str]:
        truth = self.person.books.history.get(number)
        before = LONG_AGO + DAY
        for arrival in self.room.arrivals:
            said = arrival.of(number)
            if said is None:
                continue
            if truth is None:
                yield f"message {arrival.number} is about {number}, which never was"
                return
            settled = said.standing != "open"
            since = before - STALE if settled else LONG_AGO
            if not any(_says(said.content, invoice) for invoice in truth.within(since, arrival.at)):
                yield f"message {arrival.number} at {arrival.at} says of {number} what was not so: {said.content}"
            if said.kind == "overdue" and said.due is not None and arrival.at < over_at(said.due):
                yield f"message {arrival.number} at {arrival.at} calls {number} overdue too early"
            for at, standing in ((at, standing) for struck, at, standing in arrival.struck if struck == number):
                if not any(standing_of(invoice) == standing for invoice in truth.within(arrival.at - STALE, at)):
                    yield f"message {arrival.number} was struck at {at}: {number} {standing}, which was not so"
            before = arrival.at

    # --- Nothing without a reason ---

    def _with_a_reason(self, number: int) -> Iterator[str]:
        """Of two messages that say the same of an invoice, the second has a reason: a date, a press, a change."""
        told = [a for a in self.room.arrivals if a.of(number) is not None and not a.marked]
        for first, second in pairwise(told):
            a, b = first.of(number), second.of(number)
            assert a is not None
            assert b is not None
            if a.content == b.content and not self._reason(number, a, b):
                yield f"messages {first.number} and {second.number} at {second.at} say the same of {number}: {b.content}"

    def _reason(self, number: int, a: Said, b: Said) -> bool:
        after, until = a.created, b.created
        hushes = self.person.hushes.get(number)
        if hushes is not None:
            ends = [h.until for h in hushes.values if h.until is not None]
            if hushes.changed_within(after, until) or any(after < end <= until for end in ends):
                return True
        if self.person.rules.changed_within(after - ON_ITS_WAY, until):
            return True
        if self.person.books.history[number].changed_within(after - STALE, until):
            return True
        if b.kind not in REMINDERS or b.due is None:
            return False
        chosen = self.person.rules.at(until).preferences
        return any(after < at <= until for at in self._reminders(b.due, chosen, until))

    # --- Nothing lost ---

    def _stretches(self, number: int) -> Iterator[Stretch]:
        truth = self.person.books.history.get(number)
        if truth is None:
            return
        rules, hushes = self.person.rules, self.person.hushes.get(number, History(LONG_AGO, LOUD))
        ends = {h.until for h in hushes.values if h.until is not None}
        cuts = sorted({*truth.times, *rules.times, *hushes.times, *ends, self.end})
        since, ruled = {t: t for t in truth.times}, {t: t for t in rules.times}
        true_since = ruled_since = LONG_AGO
        for start, end in pairwise(cuts):
            true_since, ruled_since = since.get(start, true_since), ruled.get(start, ruled_since)
            now = rules.at(start)
            if now.link and now.sure and start < self.end:
                hush = hushes.at(start)
                if hush != LOUD and self._closed_since(number, hushes, start):
                    hush = UNSURE
                yield Stretch(start, min(end, self.end), now, truth.at(start), true_since, hush, ruled_since)

    def _known_by(self, stretch: Stretch) -> datetime:
        """By when the bot has surely read how the invoice stands."""
        return self.reading.calm(max(stretch.true_since, self._linked_since(stretch.rules.link)), self.look)

    def _linked_since(self, link: int) -> datetime:
        return self._listed(link).at

    def _listed(self, link: int) -> Listed:
        return next(listed for listed in self.person.listings if listed.link == link)

    def _told_how_it_stands(self, number: int, stretch: Stretch) -> Iterator[str]:
        """After a calm time the chat says how the invoice stands: in messages, or in what was shown at the linking."""
        by = self.sending.calm(max(self._known_by(stretch), stretch.start), TELL)
        if by >= stretch.end or not stretch.hush.sure:
            return
        if _is_open(stretch.truth) and stretch.true_since < self._muted_at(number, stretch.start):
            return
        if stretch.hush.holds(stretch.start) and _is_open(stretch.truth):
            return
        belief = self._belief(number, stretch.rules.link, by)
        if self.is_aside(number, by):
            return
        if _is_open(stretch.truth):
            if belief is None or belief[0] != "open" or not _says(belief, stretch.truth):
                yield f"by {by} nobody said of {number} that it is {_words(stretch.truth)}; the chat says {belief}"
        elif belief is not None and belief[0] == "open":
            shown = [a for a in self._messages(stretch.rules.link, by) if a.of(number)]
            hushes = self.person.hushes.get(number)
            muted = hushes is not None and any(not h.sure or h.muted for h in hushes.within(stretch.true_since, by))
            if shown and not muted:
                yield f"by {by} nobody said of {number} that it is settled ({_words(stretch.truth)})"
        elif belief is None and standing_of(stretch.truth) == "paid" and self._is_news(stretch, by):
            yield f"by {by} nobody said of {number} that it was paid on creation"
        if not _is_open(stretch.truth):
            yield from self._edited(number, stretch, by)

    def _is_news(self, stretch: Stretch, by: datetime) -> bool:
        issued = stretch.truth.issued if stretch.truth else None
        return issued is not None and issued + 30 * DAY > by.date()

    def _edited(self, number: int, stretch: Stretch, by: datetime) -> Iterator[str]:
        later = 0
        for arrival in reversed(self._messages(stretch.rules.link, by)):
            said = arrival.of(number)
            later += 1
            if said is None or said.standing != "open" or arrival.out_of_reach or later > KEPT:
                continue
            if not arrival.known_id or any(arrival.at <= at <= arrival.at + ON_ITS_WAY for at in self.world.kills):
                continue  # nobody told the bot which message it became
            if not any(struck == number and at <= by for struck, at, _ in arrival.struck):
                yield f"by {by} message {arrival.number} still shows {number} as open"

    def _messages(self, link: int, by: datetime) -> list[Arrival]:
        since = self._linked_since(link)
        return [a for a in self.room.arrivals if a.at <= by and all(said.created >= since for said in a.said)]

    def _belief(self, number: int, link: int, by: datetime) -> Content | None:
        """What the chat says of an invoice at a time: the last message about it, else the answer to the linking."""
        told = [said.content for a in self._messages(link, by) if (said := a.of(number))]
        return told[-1] if told else self._listed(link).contents.get(number)

    def _reminded(self, number: int, stretch: Stretch) -> Iterator[str]:
        """Each reminder that came due while nothing stood against it is covered by a message at or after it."""
        truth = stretch.truth
        if truth is None or not truth.is_open or truth.due is None or truth.left_to_pay == 0:
            return
        if not stretch.hush.sure or stretch.hush.holds(stretch.start):
            return
        chosen, known_by = stretch.rules.preferences, self._known_by(stretch)
        linked = self._linked_since(stretch.rules.link)
        times = self._reminders(truth.due, chosen, stretch.end)
        first = max((at for at in times if at <= stretch.start), default=None)
        moments = [(at, max(at, stretch.start)) for at in times if at > stretch.start or at == first]
        if stretch.hush.until is not None:
            moments.append((stretch.hush.until, stretch.hush.until))
        muted_at = self._muted_at(number, stretch.start)
        for at, since in moments:
            by = self.sending.calm(max(since, known_by), TELL)
            if by >= stretch.end or at < muted_at or self.is_aside(number, by):
                continue
            cover = at - 2 * DAY if stretch.ruled_since > at - 2 * DAY and at != stretch.hush.until else at
            told = [a for a in self.room.arrivals if a.of(number) and cover <= a.at <= by]
            if not told and not (cover <= linked and number in self._listed(stretch.rules.link).contents):
                yield f"by {by} there was no reminder of {number} ({_words(truth)}) that was to come at {at}"

    def _muted_at(self, number: int, by: datetime) -> datetime:
        """When an invoice was last muted. What waited to be said of it then is not said any more."""
        hushes = self.person.hushes.get(number)
        if hushes is None:
            return LONG_AGO
        begins = [at for at, hush in zip(hushes.times, hushes.values, strict=True) if at <= by and hush.muted]
        return max(begins, default=LONG_AGO)

    def _reminders(self, due: date, chosen: Preferences, until: datetime) -> list[datetime]:
        return reminder_times(due, chosen, until, banking_days=self.world.plan.is_banking_day is not None)

    # --- What was set aside ---

    def _may_be_set_aside(self) -> list[Try]:
        """Tries of alerts that were refused or uncertain so often that the bot may have given up."""
        tries: Counter[str] = Counter()
        doubts: Counter[str] = Counter()
        for attempt in self.room.tries:
            ids = [said.alert_id for said in attempt.said]
            if attempt.error == "SendRefused":
                tries.update(ids)
            elif attempt.error == "DeliveryUncertain":
                tries.update(ids)
                doubts.update(ids)
        given_up = {i for i in tries if tries[i] >= 5 or doubts[i] >= 2}
        return [t for t in self.room.tries if any(said.alert_id in given_up for said in t.said)]

    def is_aside(self, number: int | None, by: datetime) -> bool:
        """Whether the last thing to say of an invoice (None: of the account) may have been set aside."""
        tries = [t.at for t in self.set_aside if t.at <= by and any(s.invoice_id == number for s in t.said)]
        last = max(tries, default=None)
        return last is not None and not any(
            last < a.at <= by and any(s.invoice_id == number for s in a.said) for a in self.room.arrivals
        )


def _is_open(invoice: Invoice | None) -> bool:
    return invoice is not None and invoice.is_open


def _says(content: Content, invoice: Invoice | None) -> bool:
    """Whether this is what the provider says of an invoice."""
    standing, due, gross = content
    if standing != standing_of(invoice):
        return False
    if invoice is None or standing != "open":
        return True
    same_sum = gross is None or invoice.gross is None or abs(gross - invoice.gross) <= CENT
    return same_sum and invoice.due in {due, None}  # a due date that is missing now is no news


def _words(invoice: Invoice | None) -> str:
    return "gone" if invoice is None else f"{standing_of(invoice)}, due {invoice.due}, {invoice.total}"
