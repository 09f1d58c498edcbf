"""The reminder rules in any story, compared with an independent statement of what a person should be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.chats import NO_SILENCE, Preferences, Silence
from bot.domain.invoices import CENT, Invoice
from bot.domain.knowledge import mark_gone, take_as_known
from bot.domain.reminders import Decision, decide, next_look
from bot.domain.schedule import Schedule
from bot.domain.standings import Standing
from tests.domain.deciding import DAY, DUE, LINK, Told, noon, told
from tests.domain.moments import BERLIN
from tests.fakes import invoice

HOUR = timedelta(hours=1)
BEGIN = noon(DUE - 12 * DAY)
NEW, CHANGED, DUE_SOON = AlertKind.NEW, AlertKind.CHANGED, AlertKind.DUE
OVERDUE, SETTLED, REOPENED = AlertKind.OVERDUE, AlertKind.SETTLED, AlertKind.REOPENED


@dataclass(frozen=True)
class Step:
    """After a ``gap`` things have changed, and a check follows.

    ``read`` is what could be read; empty if the provider is down. ``asked`` are invoices that the provider, asked
    singly, no longer has. ``delivered``: all messages so far have arrived.
    """

    gap: timedelta
    read: tuple[Invoice, ...]
    asked: frozenset[int]
    silences: dict[int, timedelta | bool]
    preferences: Preferences | None
    delivered: bool


PREFERENCES = st.builds(
    Preferences,
    before=st.lists(st.integers(0, 14), max_size=4).map(tuple),
    after=st.lists(st.integers(1, 14), max_size=3).map(tuple),
    hour=st.integers(0, 23),
    zone=st.sampled_from([None, None, "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kathmandu"]),
)
INVOICES = st.builds(
    lambda number, due, status, total, credit: replace(
        invoice(number, due, total, is_open=status == "Unpaid", status=status),
        issued=DUE if number == 1 else date(2020, 1, 1),
        credit=Decimal(credit),
    ),
    st.integers(1, 2),
    st.sampled_from([None, DUE, DUE, DUE, DUE, DUE + 7 * DAY]),
    st.sampled_from(["Unpaid"] * 5 + ["Paid", "Cancelled"]),
    st.sampled_from(["7.95", "7.95", "7.95", "7.96", "20"]),
    st.sampled_from(["0", "0", "0", "1", "20"]),
)
STEPS = st.builds(
    Step,
    gap=st.timedeltas(timedelta(0), 6 * DAY) | st.sampled_from([DAY, HOUR]),
    read=st.lists(INVOICES, max_size=2, unique_by=lambda one: one.id).map(tuple),
    asked=st.frozensets(st.integers(1, 2), max_size=1),
    silences=st.just({})
    | st.dictionaries(st.integers(1, 2), st.booleans() | st.timedeltas(HOUR, 9 * DAY), min_size=1, max_size=1),
    preferences=st.none() | st.none() | PREFERENCES,
    delivered=st.booleans(),
)
STORIES = st.lists(STEPS, max_size=20)


@dataclass
class Heard:
    """What a person has heard of one invoice, and what was read of it last."""

    last: Invoice
    gone: bool = False
    to_announce: bool = True
    as_settled: bool = False
    at: datetime | None = None
    sum: Decimal | None = None
    due: date | None = None
    thresholds: dict[date, set[int]] = field(default_factory=dict)


class Person:
    """What somebody should be told, stated as simply as possible: look at everything, every time."""

    def __init__(self) -> None:
        self.heard: dict[int, Heard] = {}

    def expects(self, story: Story) -> set[Told]:
        step, now = story.step, story.now
        for one in step.read:
            self._read(one, story)
        for number in story.gone:
            self.heard[number].gone = True
        return {told_of for number in self.heard if (told_of := self._tell(number, story, now))}

    def _read(self, one: Invoice, story: Story) -> None:
        heard, now = self.heard.get(one.id), story.now
        if heard is None:
            heard = self.heard[one.id] = Heard(one)
            if one.is_paid and one.issued is not None and (now.date() - one.issued).days > 31:
                heard.to_announce = False
        elif one.is_open and not heard.last.is_open and not heard.gone and not heard.to_announce:
            heard.as_settled = True
        if one.due is None and one.is_open and self._open(heard):
            one = replace(one, due=heard.last.due)
        heard.last, heard.gone = one, False
        if heard.sum is None:
            heard.sum = one.gross

    def _tell(self, number: int, story: Story, now: datetime) -> Told | None:
        heard = self.heard[number]
        kind = self._kind(number, heard, story)
        if kind is None:
            return None
        threshold = self._untold(heard, story, story.read_at() if kind in {NEW, REOPENED, CHANGED} else now)
        if threshold is not None and heard.last.due is not None:
            heard.thresholds.setdefault(heard.last.due, set()).add(threshold)
        heard.to_announce, heard.at = False, now
        heard.as_settled = not self._open(heard)
        heard.sum = heard.sum if heard.last.gross is None else heard.last.gross
        heard.due = heard.last.due or heard.due
        return kind, number, threshold

    def _kind(self, number: int, heard: Heard, story: Story) -> AlertKind | None:
        muted = story.silences.get(number, NO_SILENCE).muted
        if not self._open(heard) and (number in story.shown or not heard.to_announce):
            return SETTLED if number in story.shown and not heard.as_settled else None
        if heard.to_announce:
            return NEW if not muted and (self._open(heard) or (heard.last.is_paid and not heard.gone)) else None
        if heard.as_settled:
            return None if muted else REOPENED
        silence = story.silences.get(number, NO_SILENCE)
        if silence.muted or (silence.until and story.now < silence.until):
            return None
        if self._differs(heard):
            return CHANGED
        wakes = silence.until is not None and (heard.at is None or heard.at < silence.until)
        if self._untold(heard, story, story.now) is None and not (wakes and heard.last.left_to_pay != 0):
            return None
        due = heard.last.due
        late = due is not None and story.reminder_day() > due and story.now.astimezone(BERLIN).date() > due
        return OVERDUE if late else DUE_SOON

    def _open(self, heard: Heard) -> bool:
        return heard.last.is_open and not heard.gone

    def _differs(self, heard: Heard) -> bool:
        one = heard.last
        other_sum = one.gross is not None and heard.sum is not None and abs(one.gross - heard.sum) > CENT
        return other_sum or (one.due is not None and one.due != heard.due)

    def _untold(self, heard: Heard, story: Story, at: datetime) -> int | None:
        one = heard.last
        if not self._open(heard) or one.due is None or one.left_to_pay == 0:
            return None
        come = [t for t in story.thresholds() if story.has_come(one.due, t, at)]
        told_ones = heard.thresholds.get(one.due, set())
        return min(come) if come and (not told_ones or min(come) < min(told_ones)) else None


class Story:
    """Lives through the steps with the real rules."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.known: dict[int, KnownInvoice] = {}
        self.silences: dict[int, Silence] = {}
        self.preferences = Preferences()
        self.now = BEGIN
        self.shown: set[int] = set()
        self.on_the_way: list[Decision] = []

    def __iter__(self) -> Iterator[Decision]:
        for step in self.steps:
            self.step = step
            self._prepare()
            decision = self.decide()
            yield decision
            self.known = dict(decision.known)
            self.on_the_way.append(decision)
            if self.step.delivered:
                self._deliver()

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.preferences, BERLIN)

    def decide(self, now: datetime | None = None, *, blind: bool = False) -> Decision:
        return decide(
            mark_gone(self.known, self.gone) if not blind else self.known,
            () if blind else self.step.read,
            link=LINK,
            silences=self.silences,
            shown=self.shown,
            schedule=self.schedule,
            now=now or self.now,
        )

    def _prepare(self) -> None:
        self.now += self.step.gap
        self.preferences = self.step.preferences or self.preferences
        for number, silence in self.step.silences.items():
            if silence is False:
                self.silences.pop(number, None)
            else:
                self.silences[number] = (
                    Silence(muted=True) if isinstance(silence, bool) else Silence(self.now + silence)
                )
        listed = {one.id for one in self.step.read}
        self.gone = {n for n in self.step.asked - listed if n in self.known and self.known[n].is_open}

    def _deliver(self) -> None:
        for decision in self.on_the_way:
            for alert in decision.alerts:
                number = alert.invoice_id
                assert number is not None
                if alert.kind is SETTLED:
                    self.shown.discard(number)
                elif decision.known[number].is_open:
                    self.shown.add(number)
        self.on_the_way.clear()

    # --- For the oracle: the calendar, computed without the bot's own ---

    @property
    def hour(self) -> int:
        """The hour of reminders. Those of the quiet hours, which begin at 22, come in the last hour before."""
        return min(self.preferences.hour, 21)

    def thresholds(self) -> set[int]:
        chosen = self.preferences
        weekly = {max(chosen.after) + 7 * week for week in range(60)} if chosen.after else set()
        return {*chosen.before, *(-late for late in {*chosen.after, *weekly})}

    def has_come(self, due: date, threshold: int, at: datetime) -> bool:
        hour, zone = time(self.hour), ZoneInfo(self.preferences.zone or "Europe/Berlin")
        over = datetime.combine(due + DAY, time(), BERLIN).astimezone(UTC)
        return at >= datetime.combine(due - threshold * DAY, hour, zone).astimezone(UTC) and (
            threshold >= 0 or at >= over
        )

    def read_at(self) -> datetime:
        """Return the next instant outside 22 to 8, or the reminder hour if it comes within three hours of that."""
        wall = self.now.astimezone(ZoneInfo(self.preferences.zone or "Europe/Berlin"))
        while wall.hour >= 22 or wall.hour < 8:
            wall = wall.replace(minute=0, second=0, microsecond=0) + HOUR
        hour = wall.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return (hour if wall < hour <= wall + 3 * HOUR else wall).astimezone(UTC)

    def reminder_day(self) -> date:
        wall = self.now.astimezone(ZoneInfo(self.preferences.zone or "Europe/Berlin"))
        return wall.date() if wall.hour >= self.hour else wall.date() - DAY


@given(STORIES)
def test_any_story_tells_what_a_person_should_be_told_and_no_more(steps: list[Step]) -> None:
    """With checks in any rhythm, lists that lack invoices, outages, changes, silences and changed preferences."""
    person, story = Person(), Story(steps)
    for decision in story:
        expected = person.expects(story)
        assert set(told(decision)) == expected
        assert len(decision.alerts) == len(expected)


@given(STORIES)
def test_in_any_story_each_threshold_of_each_due_date_is_told_at_most_once(steps: list[Step]) -> None:
    keys = [
        (alert.invoice_id, alert.threshold, alert.due)
        for decision in Story(steps)
        for alert in decision.alerts
        if alert.threshold is not None
    ]
    assert len(keys) == len(set(keys))


@given(STORIES)
def test_in_any_story_what_is_told_is_so(steps: list[Step]) -> None:
    for decision in Story(steps):
        for alert in decision.alerts:
            assert alert.invoice_id is not None
            known = decision.known[alert.invoice_id]
            assert alert.due == known.due
            if alert.kind is NEW:
                assert known.standing in {Standing.OPEN, Standing.PAID}
            else:
                assert known.is_open is (alert.kind is not SETTLED)
            if alert.kind in {DUE_SOON, OVERDUE}:
                assert known.left != 0


@given(STORIES)
def test_in_any_story_deciding_again_at_the_same_instant_tells_nothing(steps: list[Step]) -> None:
    story = Story(steps)
    for decision in story:
        before, story.known = story.known, dict(decision.known)
        again, blind = story.decide(), story.decide(blind=True)
        assert again.alerts == blind.alerts == ()
        assert again.known == blind.known == decision.known
        story.known = before


@given(STORIES, st.floats(0, 1))
def test_in_any_story_there_is_nothing_to_tell_before_the_next_look(steps: list[Step], part: float) -> None:
    story = Story(steps)
    for decision in story:
        before, story.known = story.known, dict(decision.known)
        coming = next_look(story.known, story.silences, story.schedule, story.now)
        if coming is None:
            later = [story.now + 2000 * DAY]
        else:
            assert coming > story.now
            last = coming - timedelta(microseconds=1)
            later = [last, min(last, story.now + (coming - story.now) * part)]
        for now in later:
            assert story.decide(now, blind=True).alerts == ()
        story.known = before


@given(STORIES)
def test_in_any_story_without_silences_there_is_something_to_tell_at_the_next_look(steps: list[Step]) -> None:
    story = Story([replace(step, silences={}, preferences=None) for step in steps])
    for decision in story:
        before, story.known = story.known, dict(decision.known)
        coming = next_look(story.known, {}, story.schedule, story.now)
        assert coming is None or story.decide(coming, blind=True).alerts
        story.known = before


@given(st.lists(INVOICES, max_size=2, unique_by=lambda one: one.id), st.integers(-60, 60), PREFERENCES)
def test_the_baseline_of_a_linked_chat_tells_nothing_that_day(
    read: list[Invoice], days: int, chosen: Preferences
) -> None:
    clock, now = Schedule(chosen, BERLIN), noon(DUE + days * DAY)
    known = take_as_known(read, clock, now)
    assert decide(known, read, link=LINK, silences={}, shown=(), schedule=clock, now=now).alerts == ()


def test_what_older_messages_still_offer_to_pay_is_told_as_settled_after_linking_anew() -> None:
    paid = invoice(1, DUE, is_open=False)
    known = take_as_known([paid], Schedule(Preferences(), BERLIN), BEGIN)
    again = decide(
        known, [paid], link=LINK, silences={}, shown={1}, schedule=Schedule(Preferences(), BERLIN), now=BEGIN
    )
    assert told(again) == [(SETTLED, 1, None)]
