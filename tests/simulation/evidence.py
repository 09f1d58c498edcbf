"""What there is to judge by, independently of the bot's rules.

The provider's true history, what somebody chose and pressed, what arrived in the chat, and when the bot could read and
write without being disturbed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, takewhile

from bot.domain.invoices import Invoice
from bot.domain.preferences import Preferences
from tests.simulation.expected import quiet_times, reminder_times
from tests.simulation.history import Disturbances, History, Span
from tests.simulation.people import LONG_AGO, LOUD, UNSURE, Content, Hush, Listed, Person, Rules, standing_of
from tests.simulation.telegram import Arrival, Try
from tests.simulation.world import World

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ON_ITS_WAY = 3 * MINUTE
"""How long a message may have been under way when somebody changed their mind."""
STALE = 15 * MINUTE
"""How long a reading may have been under way when the provider's books changed."""
TELL = 90 * MINUTE
"""Undisturbed time after which what is known has been told: the provider may ask for an hour's pause, a retry may wait
for ten minutes."""
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


class Evidence:
    """All about one person. ``look`` is how long the bot may take until it has read, once it can."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.room = person.room
        self.end = world.end
        self.look = world.plan.interval + TELL
        books = person.books
        self.bot_away: list[Span] = [*world.down, *((at, at) for at in world.kills)]
        self.person_away: list[Span] = [(person.gone_since, self.end)] if person.gone_since else []
        self.failures: list[Span] = [*world.unreadable, *books.failures]
        self.stumbles: list[Span] = [(at, at) for at in books.stumbles]
        refused: list[Span] = [(person.refused_since, self.end)] if person.refused_since else []
        asked = [*self.bot_away, *self.person_away, *person.not_read, *refused]
        self.asking = Disturbances(asked)
        self.reading = Disturbances([*asked, *self.failures, *books.troubles, *self.stumbles])
        stumbled = world.telegram.stumbles.get(id(self.room), [])
        away = [*self.bot_away, *self.person_away, *world.unsendable, *person.not_sent, *stumbled]
        self.sending = Disturbances([*away, *self._quiet()])
        self._given_up = self._may_be_set_aside()

    def _quiet(self) -> Iterator[Span]:
        for start, end, rules in self.person.rules.spans(self.end):
            if rules.link:
                yield from quiet_times(rules.preferences, start, end)

    def numbers(self) -> list[int]:
        """All invoices that were or were spoken of."""
        return sorted(self.room.numbers() | self.person.books.history.keys())

    def listed(self, link: int) -> Listed:
        """The answer to a linking."""
        return next(listed for listed in self.person.listings if listed.link == link)

    def messages(self, link: int, by: datetime) -> list[Arrival]:
        """What arrived under a link."""
        since = self.listed(link).at
        return [a for a in self.room.arrivals if a.at <= by and all(said.created >= since for said in a.said)]

    def known_by(self, stretch: Stretch) -> datetime:
        """By when the bot has surely read how the invoice stands."""
        return self.reading.calm(max(stretch.true_since, self.listed(stretch.rules.link).at), self.look)

    def stretches(self, number: int) -> Iterator[Stretch]:
        """The times in which a chat was linked and nothing about an invoice changed."""
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
                if hush != LOUD and self.closed_since_hushed(number, start):
                    hush = UNSURE
                yield Stretch(start, min(end, self.end), now, truth.at(start), true_since, hush, ruled_since)

    def closed_since_hushed(self, number: int, at: datetime) -> bool:
        """Whether the invoice was closed after it was silenced: then it need not be silent when it opens again."""
        since = max(t for t in self.person.hushes[number].times if t <= at)
        return any(not is_open(i) for i in self.person.books.history[number].within(since, at))

    def closed_since(self, number: int, by: datetime) -> datetime:
        """Since when an invoice that is closed at a time has been closed, in whatever way."""
        truth = self.person.books.history[number]
        states = [(at, i) for at, i in zip(truth.times, truth.values, strict=True) if at <= by]
        closed = list(takewhile(lambda state: not is_open(state[1]), reversed(states)))
        return closed[-1][0]

    def muted_at(self, number: int, by: datetime) -> datetime:
        """When an invoice was last muted. What waited to be said of it then is not said any more."""
        hushes = self.person.hushes.get(number)
        if hushes is None:
            return LONG_AGO
        begins = [at for at, hush in zip(hushes.times, hushes.values, strict=True) if at <= by and hush.muted]
        return max(begins, default=LONG_AGO)

    def reminders(self, due: date, chosen: Preferences, until: datetime) -> list[datetime]:
        """All instants at which a reminder is to come."""
        return reminder_times(due, chosen, until, banking_days=self.world.plan.is_banking_day is not None)

    def may_be_aside(self, number: int | None, by: datetime) -> bool:
        """Whether the last thing to say of an invoice (None: of the account) may have been set aside."""
        tries = [t.at for t in self._given_up if t.at <= by and any(s.invoice_id == number for s in t.said)]
        last = max(tries, default=None)
        return last is not None and not any(
            last < a.at <= by and any(s.invoice_id == number for s in a.said) for a in self.room.arrivals
        )

    def _may_be_set_aside(self) -> list[Try]:
        """Tries of alerts that were refused or uncertain so often that the bot may give up."""
        tries: Counter[str] = Counter()
        doubts: Counter[str] = Counter()
        for attempt in self.room.tries:
            ids = [said.alert_id for said in attempt.said]
            tries.update(ids if attempt.error in {"SendRefused", "DeliveryUncertain"} else [])
            doubts.update(ids if attempt.error == "DeliveryUncertain" else [])
        given_up = {i for i in tries if tries[i] >= 5 or doubts[i] >= 2}
        return [t for t in self.room.tries if any(said.alert_id in given_up for said in t.said)]


def is_open(invoice: Invoice | None) -> bool:
    return invoice is not None and invoice.is_open


def says(content: Content, invoice: Invoice | None) -> bool:
    """Whether this is what the provider says of an invoice."""
    standing, due, gross = content
    if standing != standing_of(invoice):
        return False
    if invoice is None or standing != "open":
        return True
    same_sum = gross is None or invoice.gross is None or abs(gross - invoice.gross) <= CENT
    return same_sum and invoice.due in {due, None}  # a due date that is missing now is no news
