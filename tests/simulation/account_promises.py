"""The promises about the account itself: outages, refused tokens and the weekly digest are each told once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.simulation.evidence import DAY, IN_TRANSIT, TOLD_WITHIN, Evidence
from tests.simulation.expected import mondays
from tests.simulation.history import Disturbances, Span
from tests.simulation.people import Rules
from tests.simulation.telegram import Arrival

TROUBLES = {"token_refused", "permission_missing"}
DOUBT_LASTS = timedelta(days=3)
"""For so long after an uncertain message, later ones may refer to something that the person never received."""


class AccountPromises:
    """Each method yields the broken promises, in words."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.person, self.end, self.checked_within = evidence.person, evidence.end, evidence.checked_within
        self.arrivals = evidence.chat.arrivals
        self.checking, self.reading, self.sending = evidence.checking, evidence.reading, evidence.sending(None)
        moves = [span for span in self.person.not_sent if span in self.person.not_read]
        away = [*evidence.bot_away, *evidence.person_away, *moves]
        self.noticing = Disturbances([*away, *evidence.failures, *evidence.single_failures])
        self.failing = Disturbances([*evidence.failures, *evidence.single_failures])

    def broken(self) -> Iterator[str]:
        """Yield all broken promises."""
        yield from self._outages_told()
        yield from self._outages_once()
        yield from self._refusals()
        yield from self._digests()

    def _told(self, kinds: set[str], start: datetime, end: datetime) -> bool:
        """Return whether an alert of these kinds came, or may have been set aside."""
        came = any(start <= a.at <= end and any(s.kind in kinds for s in a.said) for a in self.arrivals)
        return came or self.evidence.may_be_aside(None, end)

    def _of(self, *kinds: str, marked: bool = False) -> list[tuple[str, datetime, Arrival]]:
        """Return kind, time of finding and message of all alerts of these kinds; with ``marked``, also repeats."""
        messages = [a for a in self.arrivals if marked or not a.marked]
        return [(s.kind, s.created, a) for a in messages for s in a.said if s.kind in kinds]

    def _same_link(self, start: datetime, end: datetime) -> bool:
        links = {(rules.link, rules.sure or rules.link) for rules in self.person.rules.within(start, end)}
        return len(links) == 1 and 0 not in {link for link, _ in links}

    def _outages_told(self) -> Iterator[str]:
        for start, end in self._outages():
            noted = self.checking.calm(start, self.checked_within)
            by = self.sending.calm(self.checking.calm(noted + DAY, self.checked_within), TOLD_WITHIN)
            if by < min(end, self.end) and self._same_link(start, by) and not self._told({"outage"}, start, by):
                yield f"the outage from {start} was not told by {by}"

    def _outages(self) -> list[Span]:
        """Return the failures as the bot sees them: failures without a reading between them are one outage."""
        whole: list[Span] = []
        for start, end in _merged(self.evidence.failures):
            goes_on = whole and not any(whole[-1][1] <= at <= start for at in self.person.account.read_at)
            whole.append((whole.pop()[0] if goes_on else start, end))
        return whole

    def _outages_once(self) -> Iterator[str]:
        for (_, found, first), (_, found_again, second) in pairwise(self._of("outage")):
            if not any(found < at < found_again for at in self.person.account.read_at):
                yield f"messages {first.number} and {second.number} are about the same outage"
        last = ""
        for kind, _, arrival in self._of("outage", "outage_over", marked=True):
            heard = last == "outage" or self.evidence.may_be_aside(None, arrival.at - timedelta(seconds=1))
            if kind == "outage_over" and not heard and not arrival.marked and not self._in_doubt(arrival.at):
                yield f"message {arrival.number} tells the end of an outage that was never told"
            if kind == "outage":
                yield from self._end_told(arrival)
            last = kind

    def _end_told(self, outage: Arrival) -> Iterator[str]:
        by = self.sending.calm(self.reading.calm(outage.at, self.checked_within), TOLD_WITHIN)
        trouble = any(outage.at - DAY <= end and start <= by for start, end in self._refused())
        if by >= self.end or trouble or not self._same_link(outage.at, by):
            return
        if not self._told({"outage_over"}, outage.at, by):
            yield f"the end of the outage in message {outage.number} was not told by {by}"

    def _in_doubt(self, at: datetime) -> bool:
        doubts = [*self.evidence.world.kills, *(t.at for t in self.person.chat.tries)]
        return any(at - DOUBT_LASTS <= doubt <= at for doubt in doubts)

    def _refused(self) -> list[Span]:
        last = self.person.refused_since
        return [*self.person.refusals, *([(last, self.end)] if last else [])]

    def _refusals(self) -> Iterator[str]:
        for start, end in self.person.refusals:
            by = self.sending.calm(self.noticing.calm(start, self.checked_within), TOLD_WITHIN)
            if by < end and self._same_link(start, by) and not self._told(TROUBLES, start, by):
                yield f"the refusal of the token since {start} was not told by {by}"
        for (_, found, first), (_, found_again, second) in pairwise(self._of(*TROUBLES)):
            begun = any(found < start for start, _ in self._refused() if start < found_again)
            if self._same_link(found, found_again) and not begun:
                yield f"messages {first.number} and {second.number} are about the same refusal"
        for _, found, arrival in self._of(*TROUBLES):
            lasted = any(start <= found <= end + IN_TRANSIT for start, end in self._refused())
            if not lasted and not self.failing.touch(found - DAY, found):
                yield f"message {arrival.number} alarms for a refusal that had passed"
        last = ""
        for kind, _, arrival in self._of(*TROUBLES, "trouble_over", marked=True):
            heard = last in TROUBLES or arrival.marked or self._in_doubt(arrival.at)
            if kind == "trouble_over" and not heard:
                yield f"message {arrival.number} tells the end of a refusal that was never told"
            last = kind

    def _digests(self) -> Iterator[str]:
        told = self._of("digest")
        rules = self.person.rules
        for (_, found, first), (_, found_again, second) in pairwise(told):
            chosen = rules.at(found_again).preferences
            monday = any(found < at for at in mondays(chosen, found, found_again))
            if self.evidence.wrong_clock.touch(found - 3 * DAY, found_again):
                continue  # it may be the digest of a week that had not come
            if not monday and not rules.changed_within(found, found_again):
                yield f"messages {first.number} and {second.number} are digests of the same week"
        for start, end, now in rules.spans(self.end):
            if now.link and now.sure and now.preferences.digest:
                yield from self._digests_within(self.reading.calm(start, self.checked_within), end, now)

    def _digests_within(self, start: datetime, end: datetime, now: Rules) -> Iterator[str]:
        for monday in mondays(now.preferences, start, end):
            by = self.sending.calm(self.checking.calm(monday, self.checked_within), TOLD_WITHIN)
            since = monday - 3 * DAY if self.evidence.wrong_clock.touch(monday - 3 * DAY, monday) else monday
            if by < end and self._any_open(start, monday, by) and not self._told({"digest"}, since, by):
                yield f"there was no digest for the week of {monday} by {by}"

    def _any_open(self, start: datetime, monday: datetime, by: datetime) -> bool:
        """Return whether some invoice was unpaid all the time, and the bot knew of it."""
        for history in self.person.account.history.values():
            since = max(history.times[max(len([t for t in history.times if t <= monday]) - 1, 0)], start)
            states = history.within(since, by)
            knows = self.reading.calm(since, self.checked_within) <= monday
            if knows and all(i is not None and i.is_open and i.due and i.left_to_pay != 0 for i in states):
                return True
        return False


def _merged(spans: list[Span]) -> list[Span]:
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole
