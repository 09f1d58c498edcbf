"""The evidence for the verdict, independent of the bot's rules.

It is the provider's true history, the person's choices and presses, the messages that arrived, and the times in which
the bot could read and write undisturbed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, takewhile

from bot.domain.chats import Preferences
from bot.domain.invoices import Invoice
from tests.simulation.expected import next_try, quiet_times, reminder_times
from tests.simulation.history import Disturbances, History, Span
from tests.simulation.people import (
    LONG_AGO,
    NOT_SILENCED,
    SILENCE_UNKNOWN,
    Content,
    Listed,
    Person,
    Rules,
    SilenceState,
    standing_of,
)
from tests.simulation.telegram import Arrival, FailedSend
from tests.simulation.world import World

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
IN_TRANSIT = 3 * MINUTE
"""How long a message may have been in transit when the person changed something."""
READ_EARLIER = 15 * MINUTE
"""How old a reading may be when its message arrives."""
TOLD_WITHIN = 90 * MINUTE
"""Undisturbed time within which known news is told. The provider may ask for an hour's pause."""
UNCERTAIN = {"DeliveryUncertain", "TelegramDown"}
UNCLEAR = UNCERTAIN | {"SendRefused"}
"""Errors after which a message may have arrived, or was refused for an unknown reason."""
REMINDER_KINDS = {"due", "overdue"}
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which nothing about an invoice changed: neither at the provider, nor in the chat's rules or snoozes."""

    start: datetime
    end: datetime
    rules: Rules
    truth: Invoice | None
    true_since: datetime
    silence: SilenceState
    ruled_since: datetime


class Evidence:
    """Everything about one person. The bot must check the account within ``checked_within`` of undisturbed time."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.chat = person.chat
        self.end = world.end
        self.checked_within = world.plan.interval + TOLD_WITHIN
        account = person.account
        self.wrong_clock = Disturbances(world.wrong)
        self.bot_away: list[Span] = [*world.down, *((at, at) for at in world.kills), *world.wrong]
        self.person_away: list[Span] = [(person.gone_since, self.end)] if person.gone_since else []
        self.failures: list[Span] = [*world.unreadable, *account.failures]
        self.single_failures: list[Span] = [(at, at) for at in account.single_failures]
        refused: list[Span] = [(person.refused_since, self.end)] if person.refused_since else []
        asked = [*self.bot_away, *self.person_away, *person.not_read, *refused]
        self.checking = Disturbances(asked)
        self.reading = Disturbances([*asked, *self.failures, *account.troubles, *self.single_failures])
        failed_alone = world.telegram.single_failures.get(id(self.chat), [])
        away = [*self.bot_away, *self.person_away, *world.unsendable, *person.not_sent, *failed_alone]
        self._unsendable = [*away, *self._quiet()]
        self._sending: dict[int | None, Disturbances] = {}
        self._unclear = self._unclear_tries()
        self._given_up = self._may_be_set_aside()

    def _quiet(self) -> Iterator[Span]:
        for start, end, rules in self.person.rules.spans(self.end):
            if rules.link:
                yield from quiet_times(rules.preferences, start, end)

    def sending(self, number: int | None) -> Disturbances:
        """Return when nothing could be sent about an invoice (None: about the account).

        That includes the waits after tries whose outcome nobody knows, or which were refused for an unknown reason.
        """
        if number not in self._sending:
            waits = [wait for tries in self._unclear[number].values() for wait in self._waits(tries)]
            self._sending[number] = Disturbances([*self._unsendable, *waits])
        return self._sending[number]

    def _unclear_tries(self) -> defaultdict[int | None, dict[str, list[datetime]]]:
        """Return when which alert was tried without a clear outcome, by invoice. A kill may hide a try, also the first.

        The bot repeats such an alert at growing distances, so each hidden try makes the next distance longer.
        """
        found: defaultdict[int | None, dict[str, list[datetime]]] = defaultdict(dict)
        created: dict[str, datetime] = {}
        for attempt in self.chat.tries:
            for said in attempt.said if attempt.error in UNCLEAR else ():
                found[said.invoice_id].setdefault(said.alert_id, []).append(attempt.at)
                created[said.alert_id] = said.created
        for tries_of in found.values():
            for alert_id, tries in tries_of.items():
                told = min((a.at for a in self.chat.arrivals if self._tells(a, alert_id)), default=self.end)
                tries += [kill for kill in self.world.kills if created[alert_id] <= kill < told]
                tries.sort()
        return found

    @staticmethod
    def _tells(arrival: Arrival, alert_id: str) -> bool:
        return arrival.known_id and any(said.alert_id == alert_id for said in arrival.said)

    def _waits(self, tries: list[datetime]) -> Iterator[Span]:
        for number, at in enumerate(tries):
            yield at, next_try(number, at, self.person.rules.at(at).preferences)

    def numbers(self) -> list[int]:
        """Return the ids of all invoices that existed or were mentioned."""
        return sorted(self.chat.numbers() | self.person.account.history.keys())

    def listed(self, link: int) -> Listed:
        """Return what the answer to a linking showed."""
        return next(listed for listed in self.person.listings if listed.link == link)

    def messages(self, link: int, by: datetime) -> list[Arrival]:
        """Return the messages that arrived under a link."""
        since = self.listed(link).at
        return [a for a in self.chat.arrivals if a.at <= by and all(said.created >= since for said in a.said)]

    def known_by(self, period: Period) -> datetime:
        """Return the time by which the bot must have read the invoice's state."""
        return self.reading.calm(max(period.true_since, self.listed(period.rules.link).at), self.checked_within)

    def periods(self, number: int) -> Iterator[Period]:
        """Yield the times in which the chat was linked and nothing about the invoice changed."""
        truth = self.person.account.history.get(number)
        if truth is None:
            return
        rules, silences = self.person.rules, self.person.silences.get(number, History(LONG_AGO, NOT_SILENCED))
        ends = {h.until for h in silences.values if h.until is not None}
        cuts = sorted({*truth.times, *rules.times, *silences.times, *ends, self.end})
        since, ruled = {t: t for t in truth.times}, {t: t for t in rules.times}
        true_since = ruled_since = LONG_AGO
        for start, end in pairwise(cuts):
            true_since, ruled_since = since.get(start, true_since), ruled.get(start, ruled_since)
            now = rules.at(start)
            if now.link and now.sure and start < self.end:
                silence = silences.at(start)
                if silence != NOT_SILENCED and self.closed_since_silenced(number, start):
                    silence = SILENCE_UNKNOWN
                yield Period(start, min(end, self.end), now, truth.at(start), true_since, silence, ruled_since)

    def closed_since_silenced(self, number: int, at: datetime) -> bool:
        """Return whether the invoice was closed after it was silenced. If it opens again, alerts are allowed."""
        since = max(t for t in self.person.silences[number].times if t <= at)
        return any(not is_open(i) for i in self.person.account.history[number].within(since, at))

    def closed_since(self, number: int, by: datetime) -> datetime:
        """Return since when an invoice has been closed. It must be closed at ``by``."""
        truth = self.person.account.history[number]
        states = [(at, i) for at, i in zip(truth.times, truth.values, strict=True) if at <= by]
        closed = list(takewhile(lambda state: not is_open(state[1]), reversed(states)))
        return closed[-1][0]

    def muted_at(self, number: int, by: datetime) -> datetime:
        """Return when an invoice was last muted. Alerts that waited then are dropped."""
        silences = self.person.silences.get(number)
        if silences is None:
            return LONG_AGO
        begins = [at for at, silence in zip(silences.times, silences.values, strict=True) if at <= by and silence.muted]
        return max(begins, default=LONG_AGO)

    def reminders(self, due: date, chosen: Preferences, until: datetime) -> list[datetime]:
        """Return all instants at which a reminder is due."""
        return reminder_times(due, chosen, until, banking_days=self.world.plan.is_banking_day is not None)

    def may_be_aside(self, number: int | None, by: datetime) -> bool:
        """Return whether the last alert about an invoice (None: the account) may have been set aside."""
        tries = [t.at for t in self._given_up if t.at <= by and any(s.invoice_id == number for s in t.said)]
        last = max(tries, default=None)
        return last is not None and not any(
            last < a.at <= by and any(s.invoice_id == number for s in a.said) for a in self.chat.arrivals
        )

    def _may_be_set_aside(self) -> list[FailedSend]:
        """Return the failed sends of alerts whose text was refused so often that the bot may give up."""
        tries: Counter[str] = Counter()
        for attempt in self.chat.tries:
            tries.update(said.alert_id for said in attempt.said if attempt.error == "TextRefused")
        given_up = {i for i in tries if tries[i] >= 5}
        return [t for t in self.chat.tries if any(said.alert_id in given_up for said in t.said)]


def is_open(invoice: Invoice | None) -> bool:
    return invoice is not None and invoice.is_open


def says(content: Content, invoice: Invoice | None) -> bool:
    """Return whether this content is true of an invoice."""
    standing, due, gross = content
    if standing != standing_of(invoice):
        return False
    if invoice is None or standing != "open":
        return True
    same_sum = gross is None or invoice.gross is None or abs(gross - invoice.gross) <= CENT
    return same_sum and invoice.due in {due, None}  # a due date that is now missing is no news
