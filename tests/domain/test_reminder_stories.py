"""Any story at all: the reminder rules, held against an independent statement of what a person should be told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st

from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.invoices import Invoice
from bot.domain.reminders import (
    Schedule,
    decide,
    forget,
    reached_threshold,
    take_as_known,
)
from tests.fakes import invoice, settled

BERLIN = ZoneInfo("Europe/Berlin")
DUE = date(2026, 6, 15)
USUAL = Schedule()
DAY = timedelta(days=1)

SCHEDULES = st.builds(
    Schedule,
    before=st.lists(st.integers(0, 30), unique=True, max_size=5).map(tuple),
    after=st.lists(st.integers(1, 30), unique=True, max_size=4).map(tuple),
)
INVOICES = st.builds(
    lambda number, due, is_open, total: invoice(number, due, total, is_open=is_open),
    st.integers(1, 2),
    st.sampled_from([None, DUE, DUE, DUE, DUE + 7 * DAY]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from(["7.95", "7.95", "0"]),
)
READINGS = st.lists(INVOICES, max_size=2, unique_by=lambda i: i.id)
STORIES = st.lists(st.tuples(st.integers(0, 5), READINGS, st.sets(st.integers(1, 2), max_size=1)), max_size=25)


def naive_threshold(due: date, today: date, schedule: Schedule) -> int | None:
    """The latest threshold that has come, found by walking through all of them day by day."""
    thresholds = {*schedule.before, *(-late for late in schedule.after)}
    if schedule.after:
        thresholds |= {-(max(schedule.after) + 7 * weeks) for weeks in range(200)}
    come = [threshold for threshold in thresholds if due - threshold * DAY <= today]
    return min(come, default=None)


@given(st.integers(-400, 60), SCHEDULES)
def test_the_reached_threshold_is_the_latest_whose_day_has_come(days: int, schedule: Schedule) -> None:
    today = DUE - days * DAY
    assert reached_threshold(DUE, today, schedule) == naive_threshold(DUE, today, schedule)


class Person:
    """What somebody should be told: each invoice when it opens, each threshold of each due date once, the newest."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.invoices: dict[int, Invoice] = {}
        self.gone: set[int] = set()
        self.passed: dict[tuple[int, date], int] = {}

    def expects(self, today: date, read: Iterable[Invoice], gone: Iterable[int]) -> set[tuple[AlertKind, int]]:
        self.gone |= {number for number in gone if number in self.invoices}
        told: set[tuple[AlertKind, int]] = set()
        for one in read:
            before = self.invoices.get(one.id)
            self.invoices[one.id] = one
            self.gone.discard(one.id)
            if one.is_open and (before is None or not before.is_open):
                told.add((AlertKind.NEW, one.id))
                self._reach(one, today)
        for one in self.invoices.values():
            if one.id not in self.gone and (threshold := self._reach(one, today)) is not None:
                told.add((AlertKind.DUE if threshold >= 0 else AlertKind.OVERDUE, one.id))
        return told

    def _reach(self, one: Invoice, today: date) -> int | None:
        if not one.is_open or one.due is None or one.left_to_pay == 0:
            return None
        threshold = naive_threshold(one.due, today, self.schedule)
        if threshold is None or threshold >= self.passed.get((one.id, one.due), 1000):
            return None
        self.passed[one.id, one.due] = threshold
        return threshold


@given(STORIES, SCHEDULES)
def test_any_story_tells_what_a_person_should_be_told_and_no_more(
    story: list[tuple[int, list[Invoice], set[int]]], schedule: Schedule
) -> None:
    """Checks in any rhythm, of lists that may miss invoices, of due dates that move to and fro, with outages."""
    person, known, today = Person(schedule), dict[int, KnownInvoice](), DUE - 9 * DAY
    for gap, read, asked in story:
        today += gap * DAY
        gone = asked & known.keys() - {one.id for one in read}
        decision = decide(forget(known, gone), read, today, schedule)
        assert {(n.kind, n.invoice_id) for n in decision.notices} == person.expects(today, read, gone)
        known = dict(decision.known)


@given(STORIES, SCHEDULES)
def test_in_any_story_each_threshold_of_each_due_date_is_told_at_most_once(
    story: list[tuple[int, list[Invoice], set[int]]], schedule: Schedule
) -> None:
    known, today, told = dict[int, KnownInvoice](), DUE - 9 * DAY, list[tuple[int | None, int | None, date | None]]()
    for gap, read, asked in story:
        today += gap * DAY
        decision = decide(forget(known, asked & known.keys()), read, today, schedule)
        told += [(n.invoice_id, n.threshold, n.due) for n in decision.notices if n.kind is not AlertKind.NEW]
        known = dict(decision.known)
        for notice in decision.notices:
            assert notice.invoice_id is not None
            assert known[notice.invoice_id].is_open
            assert not known[notice.invoice_id].gone
    assert len(told) == len(set(told))


@given(STORIES, SCHEDULES)
def test_in_any_story_deciding_again_at_the_same_instant_tells_nothing(
    story: list[tuple[int, list[Invoice], set[int]]], schedule: Schedule
) -> None:
    known, today = dict[int, KnownInvoice](), DUE - 9 * DAY
    for gap, read, _ in story:
        today += gap * DAY
        known = dict(decide(known, read, today, schedule).known)
        again, blind = decide(known, read, today, schedule), decide(known, [], today, schedule)
        assert again.notices == blind.notices == ()
        assert again.known == blind.known == known


@given(READINGS, st.integers(-60, 60), SCHEDULES)
def test_the_baseline_of_a_linked_chat_tells_nothing_that_day(
    read: list[Invoice], days: int, schedule: Schedule
) -> None:
    today = DUE + days * DAY
    known = take_as_known(read, today, schedule)
    assert decide(known, read, today, schedule).notices == ()


@given(READINGS, st.integers(-60, 60))
def test_closing_everything_silences_everything(read: list[Invoice], days: int) -> None:
    known = decide({}, read, DUE - 60 * DAY, USUAL).known
    closed = [settled(one) for one in read]
    known = decide(known, closed, DUE + days * DAY, USUAL).known
    assert decide(known, closed, DUE + 400 * DAY, USUAL).notices == ()
