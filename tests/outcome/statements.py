"""What must hold at the end of a world: nobody loses a service without warnings, and credit that is there is told.

The statements look at the provider's history and at the words that arrived, not at the bot's rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from babel.dates import format_date

from bot.domain.provider_calendar import EVENING
from tests.outcome.customers import SEEN_WITHIN, Customer
from tests.outcome.hosting import DAY, Loss, at_hour
from tests.outcome.reading import Message
from tests.simulation.evidence import MINUTE, Evidence
from tests.simulation.history import Disturbances
from tests.simulation.world import HOUR

TIME_TO_ACT = 2 * HOUR
TOLD_WITHIN = 2 * MINUTE
WATCHED_FOR = HOUR
"""While credit is read every minute."""
PAUSE = HOUR
"""So long the provider may ask to be left alone, also after an outage."""
DOUBT = 6 * MINUTE
"""So long a token that was refused in passing is not tried again."""
LEASE = 3 * MINUTE
"""So long a chat may be held by a process that was killed."""
OF_CREDIT = re.compile(r"credit", re.IGNORECASE)
OF_CONSEQUENCES = re.compile(r"suspend|delet|will be lost|transfer", re.IGNORECASE)
"""What may be said only where the token may read the credit, and where the operator has set the provider's calendar."""


class Verdict:
    """One customer's months. ``losses`` and ``wishes`` count those that a statement applied to."""

    def __init__(self, customer: Customer, evidence: Evidence) -> None:
        self.losses = self.wishes = 0
        self._customer, self._evidence = customer, evidence
        world, person = evidence.world, evidence.person
        stopped = [(start, end + LEASE) for start, end in evidence.bot_away]
        refused = [(start, end + DOUBT) for start, end in person.not_read]
        paused = [(start, end + PAUSE) for start, end in evidence.failures]
        single = world.telegram.single_failures.get(id(person.chat), [])
        away = [*stopped, *refused, *evidence.person_away, *person.not_sent]
        self._unreachable = Disturbances([*away, *world.unsendable, *single])
        self._unread = Disturbances([*away, *paused, *person.account.troubles, *evidence.single_failures])

    def broken(self) -> Iterator[str]:
        """Yield what does not hold, in words."""
        for loss in self._customer.hosting.losses:
            if self._had_to_be_warned(loss):
                self.losses += 1
                yield from self._warned(loss)
        for number, at in self._customer.wishes:
            yield from self._told_of_credit(number, at)

    # --- Warnings ---

    def _had_to_be_warned(self, loss: Loss) -> bool:
        """Return whether the person was reachable on the day of the loss and the one before, and has muted nothing."""
        since, person = at_hour(loss.day - DAY, 0), self._evidence.person
        if not person.listings:
            return False
        issued = person.account.history[loss.number].times[1]
        known = self._evidence.reading.calm(max(issued, person.listings[0].at), 2 * HOUR)
        silences = person.silences.get(loss.number)
        muted = silences is not None and any(s.muted or not s.sure for s in silences.within(since, loss.at))
        return known < since and not muted and not self._unreachable.touch(since, loss.at)

    def _warned(self, loss: Loss) -> Iterator[str]:
        warnings = [m for m in self._customer.messages if m.at < loss.at and m.rings and self._names_day(m, loss)]
        if len(warnings) < 2:
            yield f"invoice {loss.number}, {loss.what} at {loss.at}, was announced by {len(warnings)} audible warnings"
        elif min(m.at for m in warnings) > loss.at - TIME_TO_ACT:
            yield f"invoice {loss.number}, {loss.what} at {loss.at}, was announced too late to act: {warnings[0].at}"

    def _names_day(self, message: Message, loss: Loss) -> bool:
        """Return whether a message says on which day the service is lost, as the reader's calendar counts it."""
        words = message.words.get(loss.number, "")
        read_on = message.at.astimezone(self._customer.zone).date()
        if loss.what == "deleted":
            last = format_date(loss.day - DAY, "medium", locale="en_GB")
            day = format_date(loss.day, "medium", locale="en_GB")
            is_today = read_on == loss.day and "deleted with all data today" in words
            names_it = f"On {day} it will be deleted" in words or f"on {day}, it will be deleted" in words
            return is_today or names_it or f"Last chance: {last}" in words
        evening = at_hour(loss.day, EVENING).astimezone(self._customer.zone).date()
        is_today = read_on == evening and "tonight" in words
        says_what = "will be suspended" in words or "will be lost" in words
        return says_what and (is_today or format_date(evening, "medium", locale="en_GB") in words)

    # --- Credit ---

    def _told_of_credit(self, number: int, wished: datetime) -> Iterator[str]:
        """Credit that suffices within the hour is told within two minutes; later at the usual pace."""
        there = self._suffices_since(number, wished)
        if there is None or self._evidence.wrong_clock.touch(wished, there):
            return
        disturbances = [self._unread, self._evidence.sending(number)]
        by = calm_in_all(disturbances, there, TOLD_WITHIN)
        if by > wished + WATCHED_FOR:
            by = calm_in_all(disturbances, there, SEEN_WITHIN + TOLD_WITHIN)
        if by >= self._evidence.end or self._suffices_since(number, by) != by:
            return
        self.wishes += 1
        if not any(wished <= m.at <= by and m.is_credit_there(number) for m in self._customer.messages):
            yield f"by {by} nobody said that the credit suffices for {number} since {there} (wished at {wished})"

    def _suffices_since(self, number: int, since: datetime) -> datetime | None:
        """Return the first instant at which the open invoice can be paid with the credit. None: it never can."""
        credit, history = self._customer.hosting.credit, self._evidence.person.account.history[number]
        for at in sorted(t for t in {since, *credit.times, *history.times} if t >= since):
            invoice = history.at(at)
            if invoice is None or not invoice.is_open:
                return None
            if credit.at(at) >= invoice.total:
                return at
        return None


def claims(customer: Customer, *, calendar_is_set: bool) -> Iterator[str]:
    """Yield what was said of consequences or credit, although nothing is known of them."""
    unknown = [] if calendar_is_set else [OF_CONSEQUENCES]
    unknown += [] if customer.person.account.credit is not None else [OF_CREDIT]
    for message in customer.messages:
        if any(words.search(message.text) for words in unknown):
            yield f"a message at {message.at} claims what is not known: {message.text!r}"


def calm_in_all(disturbances: Sequence[Disturbances], start: datetime, length: timedelta) -> datetime:
    """Return the end of the first span of this length in which nothing at all was disturbed."""
    while (end := max(each.calm(start, length) for each in disturbances)) > start + length:
        start = end - length
    return end
