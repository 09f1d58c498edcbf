"""What must hold at the end of a run, whatever faults were injected."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from bot.chat import polling
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.ledger import Ledger
from bot.sandbox.telegram.calls import Call as TelegramCall
from bot.services import checks, leader_lease
from tests.chaos.people import Customer
from tests.chaos.replicas import Replica

REPEATED = "You may have received this message already"
PAID, UNCLEAR, RUNNING = "is paid", "could not find out", "⏳"
"""Words in the message of a payment, by its outcome."""
UNCERTAIN_FAULTS = ("kill", "long freeze", "outage")
"""Faults that may leave it unknown whether a message was sent."""
TOLERANCE = timedelta(seconds=3)
"""In real time, since the machine may be busy."""


@dataclass
class Figures:
    """The figures of a run. Spans are in the bot's time."""

    happened: Counter[str] = field(default_factory=Counter)
    database_away: timedelta = timedelta()
    planned_every: timedelta = timedelta()
    longest_unread: timedelta = timedelta()
    longest_unpolled: timedelta = timedelta()
    told: int = 0
    marked: int = 0
    answered: int = 0
    paid: int = 0
    unclear: int = 0
    conflicts: int = 0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        actions = ", ".join(f"{count} x {act}" for act, count in sorted(self.happened.items()))
        return (
            f"{actions}; database away for {self.database_away.total_seconds():.0f} s in all\n"
            f"{self.told} invoices told, {self.marked} of these messages repeated and marked\n"
            f"{self.answered} questions answered; {self.paid} payments, of which {self.unclear} ended as unclear\n"
            f"longest without a check of an account: {self.longest_unread.total_seconds():.0f} s "
            f"(planned every {self.planned_every.total_seconds():.0f} s)\n"
            f"longest without a poll: {self.longest_unpolled.total_seconds():.0f} s; two pollers: {self.conflicts} x"
        )


Span = tuple[datetime, datetime]


class Judge:
    """Checks the promises. Each method adds to ``figures``. The bot's time is ``factor`` times as fast as real time."""

    def __init__(self, figures: Figures, factor: float, outages: Sequence[tuple[datetime, datetime]]) -> None:
        self.figures = figures
        self._factor = factor
        self._outages = outages

    def judge_alerts(self, customers: Iterable[Customer]) -> None:
        """Each invoice is told once, and at most once more, with a mark. There are no more repeats than faults."""
        marked = set[tuple[int, int]]()
        for customer in customers:
            for number in customer.told:
                messages = customer.alerts_of(number)
                again = [message for message in messages if REPEATED in message.text]
                marked |= {(customer.chat.id, message.id) for message in again}
                self.figures.told += bool(messages)
                if not messages:
                    self._blame(f"{number} was never told")
                elif len(messages) - len(again) > 1 or len(again) > 1:
                    self._blame(f"{number} was told {len(messages)} times, {len(again)} of these marked")
        self.figures.marked = len(marked)
        breaks = sum(self.figures.happened[act] for act in UNCERTAIN_FAULTS)
        if len(marked) > breaks:
            self._blame(f"{len(marked)} messages were repeated, but there were only {breaks} faults")

    def judge_answers(self, customers: Iterable[Customer]) -> None:
        """Each question and each press was answered."""
        for customer in customers:
            self.figures.answered += customer.answered
            if customer.asks is not None:
                self._blame(f"a question about {customer.asks} was not answered")
            if lost := sum(press.answer is None for press in customer.presses):
                self._blame(f"{lost} presses of customer {customer.chat.id} were not answered")

    def judge_payments(self, customers: Iterable[Customer], ledger: Ledger) -> None:
        """Nothing is paid twice or without a press, and the messages say what happened."""
        for customer in customers:
            pressed = {press.message.id for press in customer.presses}
            for number in customer.payable:
                times = ledger.executed(Call.PAY, number)
                messages = list(customer.words_about(number))
                words = [message.text for message in messages]
                unclear = any(UNCLEAR in text for text in words)
                self.figures.paid += times
                self.figures.unclear += unclear
                if times > 1:
                    self._blame(f"{number} was paid {times} times")
                if times and not pressed & {message.id for message in messages}:
                    self._blame(f"{number} was paid without a press")
                if not unclear and bool(times) != any(PAID in text for text in words):
                    self._blame(f"{number} was paid {times} times, but its messages say: {words}")
                if any(RUNNING in text for text in words):
                    self._blame(f"the payment of {number} has not ended")

    def judge_checks(self, read: Mapping[str, Sequence[datetime]], accounts: int, end: datetime) -> None:
        """An account is read again within its interval plus a lease, not counting outages of the database."""
        allowed = self._ours(self.figures.planned_every + checks.CHECK_LEASE) + TOLERANCE
        for times in read.values():
            for before, after in pairwise([*times, end]):
                gap = after - before - self._outages_between(before, after)
                self.figures.longest_unread = max(self.figures.longest_unread, gap * self._factor)
                if gap > allowed:
                    self._blame(f"an account was not read for {gap * self._factor} of the bot's time, since {before}")
        if len(read) != accounts:
            self._blame(f"{len(read)} of {accounts} accounts were read")

    def judge_polls(self, polls: Sequence[TelegramCall], end: datetime, disturbed: Iterable[Sequence[Span]]) -> None:
        """Two replicas never poll at once. Another one takes over within a minute, plus some time after an outage.

        ``disturbed`` are the times in which each replica could not: if all were killed in a row, none has a minute.
        """
        disturbed = list(disturbed)
        for first, second in pairwise(polls):
            if first.status == 409:
                self.figures.conflicts += 1
                self._blame(f"two replicas polled at the same time, the second one since {second.at:%H:%M:%S.%f}")
        minute = self._ours(leader_lease.LEASE_DURATION + timedelta(seconds=polling.STANDBY))
        allowed = self._ours(polling.POLL_TIMEOUT) + minute + TOLERANCE
        after_outage = self._ours(leader_lease.TAKEOVER_DELAY) + timedelta(seconds=1)  # one second to notice the outage
        good = [call.at for call in polls if call.status == 200]
        for before, after in pairwise([*good, end]):
            gap = after - before
            if spent := self._outages_between(before, after):
                gap -= spent + after_outage
            self.figures.longest_unpolled = max(self.figures.longest_unpolled, gap * self._factor)
            if min(gap, max(_longest_without(spans, before, after) for spans in disturbed)) > allowed:
                self._blame(f"no replica polled for {gap * self._factor} of the bot's time, since {before}")

    def judge_logs(self, replicas: Iterable[Replica]) -> None:
        """No unexpected errors were logged. An unavailable database is expected."""
        for replica in replicas:
            for line in replica.log.read_text().splitlines():
                if not line.startswith("{"):
                    self._blame(f"{replica.log.name}: {line}")
                    continue
                entry = json.loads(line)
                if entry["level"] in {"error", "critical"} and entry["event"] != "database is away":
                    self._blame(f"{replica.log.name}: {line}")

    def judge_stops(self, statuses: Sequence[int]) -> None:
        """Every process stopped in time when it was asked to."""
        for status in statuses:
            self._blame(f"a stop ended with status {status}")

    def _blame(self, fault: str) -> None:
        self.figures.violations.append(fault)

    def _ours(self, span: timedelta) -> timedelta:
        return span / self._factor

    def _outages_between(self, begin: datetime, end: datetime) -> timedelta:
        zero = timedelta()
        return sum((max(zero, min(end, over) - max(begin, since)) for since, over in self._outages), zero)


def _longest_without(spans: Sequence[Span], begin: datetime, end: datetime) -> timedelta:
    """Return the longest time between two instants that none of the spans touches."""
    longest, since = timedelta(), begin
    for first, last in sorted(spans):
        longest = max(longest, min(first, end) - since)
        since = max(since, last)
    return max(longest, end - since)


def readings(requests: Iterable[tuple[str, str, datetime]]) -> Mapping[str, Sequence[datetime]]:
    """Return when each account's list was read, by token. ``requests`` are paths, tokens and times."""
    read: defaultdict[str, list[datetime]] = defaultdict(list)
    for path, token, at in requests:
        if path.endswith("/client/invoices"):
            read[token].append(at)
    return read
