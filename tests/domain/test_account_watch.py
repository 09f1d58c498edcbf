"""What readings say of the account itself. Each is told once, and once when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bot.domain.account_watch import LONG_OUTAGE, watch_reading, watch_week
from bot.domain.alerts import AlertKind
from bot.domain.chats import Preferences, Trouble, Watch
from bot.domain.schedule import ASK_AGAIN_AFTER, CheckPlan
from tests.domain.moments import BERLIN, INSTANTS, PREFERENCES, schedule

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GOOD = Watch(checked_at=NOW)
SECOND = timedelta(seconds=1)
DOUBT = ASK_AGAIN_AFTER[0]
OUTAGE, OUTAGE_OVER, TROUBLE_OVER = AlertKind.OUTAGE, AlertKind.OUTAGE_OVER, AlertKind.TROUBLE_OVER

# "good", "partial", "failed", or a trouble
AccountReading = Trouble | str
READINGS = st.sampled_from(["good", "good", "partial", "partial", "failed", "failed", "failed", *Trouble])


def read(before: Watch, now: datetime, reading: AccountReading) -> tuple[Watch, list[AlertKind]]:
    trouble = reading if isinstance(reading, Trouble) else None
    good, partial = reading in {"good", "partial"}, reading == "partial"
    return watch_reading(before, now, good=good, partial=partial, trouble=trouble)


# --- Refused tokens --------------------------------------------------------------------------------------------------


def refused(watch: Watch, at: datetime, trouble: Trouble = Trouble.TOKEN_REFUSED) -> Watch:
    """Return the watch after a token was refused ``at`` an instant, and again, so that it was told."""
    watch, kinds = read(watch, at, trouble)
    assert kinds == []
    watch, kinds = read(watch, at + DOUBT, trouble)
    assert kinds == [AlertKind(trouble.value)]
    return watch


@pytest.mark.parametrize("trouble", Trouble)
def test_a_single_refusal_alarms_nobody_and_a_good_reading_ends_it_without_a_word(trouble: Trouble) -> None:
    watch, kinds = read(GOOD, NOW + HOUR, trouble)
    assert (watch.trouble, kinds) == (None, [])
    assert read(watch, NOW + 2 * HOUR, "good") == (Watch(checked_at=NOW + 2 * HOUR), [])


def test_refusals_within_seconds_are_one() -> None:
    watch, _ = read(GOOD, NOW, Trouble.TOKEN_REFUSED)
    assert read(watch, NOW + DOUBT - SECOND, Trouble.TOKEN_REFUSED)[1] == []
    assert read(watch, NOW + DOUBT, Trouble.TOKEN_REFUSED)[1] == [AlertKind.TOKEN_REFUSED]


def test_a_failure_between_two_refusals_is_no_good_reading() -> None:
    watch, _ = read(GOOD, NOW, Trouble.TOKEN_REFUSED)
    watch, _ = read(watch, NOW + DOUBT, "failed")
    assert read(watch, NOW + 2 * DOUBT, Trouble.TOKEN_REFUSED)[1] == [AlertKind.TOKEN_REFUSED]


@pytest.mark.parametrize("trouble", Trouble)
def test_a_trouble_is_said_once_however_often_it_is_met(trouble: Trouble) -> None:
    watch = refused(GOOD, NOW + HOUR, trouble)
    assert watch.trouble is trouble
    again, kinds = read(watch, NOW + 9 * HOUR, trouble)
    assert (again, kinds) == (replace(watch, refused_at=NOW + 9 * HOUR), [])


def test_another_trouble_is_said_too() -> None:
    watch = refused(GOOD, NOW)
    assert read(watch, NOW + HOUR, Trouble.PERMISSION_MISSING)[1] == [AlertKind.PERMISSION_MISSING]


def test_a_good_reading_ends_a_trouble_with_a_word_and_the_next_one_is_said_again() -> None:
    watch, kinds = read(refused(GOOD, NOW), NOW + HOUR, "good")
    assert (watch, kinds) == (Watch(checked_at=NOW + HOUR), [TROUBLE_OVER])
    refused(watch, NOW + 2 * HOUR)


def test_a_failure_while_the_token_is_refused_changes_nothing() -> None:
    watch = refused(GOOD, NOW)
    assert read(watch, NOW + 5 * DAY, "failed") == (watch, [])


def test_a_trouble_of_an_older_version_is_not_told_again() -> None:
    watch, kinds = read(replace(GOOD, trouble=Trouble.TOKEN_REFUSED), NOW + HOUR, Trouble.TOKEN_REFUSED)
    assert kinds == []
    assert (watch.refused_since, watch.refused_at) == (NOW + HOUR, NOW + HOUR)


def test_a_clock_that_was_ahead_delays_no_alert_about_a_refusal() -> None:
    watch, _ = read(GOOD, NOW + 400 * DAY, Trouble.TOKEN_REFUSED)
    refused(watch, NOW)


# --- When a provider that refused the token is asked again -----------------------------------------------------------

PLAN = CheckPlan(timedelta(minutes=15), BERLIN)


def test_after_a_refusal_the_provider_is_asked_after_minutes_then_hours_then_once_a_day() -> None:
    watch, now, asked = GOOD, NOW, list[timedelta]()
    while len(asked) < 8:
        if PLAN.may_ask(watch, now):
            asked.append(now - NOW)
            watch, _ = read(watch, now, Trouble.TOKEN_REFUSED)
        now += timedelta(minutes=1)
    hours = [n * HOUR for n in (0, 1 / 12, 1 / 2, 2, 6, 30, 54, 78)]
    assert asked == hours
    assert PLAN.asks_again_at(watch) == NOW + 102 * HOUR


def test_where_checks_are_closer_together_the_second_question_comes_with_the_next_one() -> None:
    watch, _ = read(GOOD, NOW, Trouble.TOKEN_REFUSED)
    often = CheckPlan(timedelta(seconds=30), BERLIN)
    assert often.asks_again_at(watch) == NOW + timedelta(seconds=30) == NOW + often.doubts_refusal_for


def test_a_provider_that_has_not_refused_or_of_an_older_version_is_asked() -> None:
    assert PLAN.may_ask(GOOD, NOW)
    assert PLAN.may_ask(replace(GOOD, trouble=Trouble.TOKEN_REFUSED), NOW)


def test_a_refusal_that_lies_ahead_of_the_clock_stops_no_check() -> None:
    watch, _ = read(GOOD, NOW + 400 * DAY, Trouble.TOKEN_REFUSED)
    assert PLAN.may_ask(watch, NOW)


# --- Outages ---------------------------------------------------------------------------------------------------------


def test_an_outage_is_said_once_a_day_after_it_began() -> None:
    watch, kinds = read(GOOD, NOW + HOUR, "failed")
    assert (watch.failing_since, kinds) == (NOW + HOUR, [])
    just_before, _ = read(watch, NOW + HOUR + LONG_OUTAGE - timedelta(seconds=1), "failed")
    assert just_before == watch
    told, kinds = read(watch, NOW + HOUR + LONG_OUTAGE, "failed")
    assert kinds == [OUTAGE]
    assert read(told, NOW + 9 * DAY, "failed") == (told, [])


def test_that_an_outage_is_over_is_said_once_if_it_was_mentioned() -> None:
    short, _ = read(GOOD, NOW, "failed")
    assert read(short, NOW + DAY - HOUR, "good")[1] == []
    long, _ = read(short, NOW + DAY, "failed")
    back, kinds = read(long, NOW + 2 * DAY, "good")
    assert kinds == [OUTAGE_OVER]
    assert read(back, NOW + 3 * DAY, "good")[1] == []


def test_a_good_reading_in_between_begins_the_day_anew() -> None:
    watch, _ = read(GOOD, NOW, "failed")
    watch, _ = read(watch, NOW + 23 * HOUR, "good")
    watch, _ = read(watch, NOW + 24 * HOUR, "failed")
    assert read(watch, NOW + 47 * HOUR, "failed")[1] == []
    assert read(watch, NOW + 48 * HOUR, "failed")[1] == [OUTAGE]


def test_a_part_of_the_list_for_a_day_is_told_like_an_outage_from_the_last_whole_list_on() -> None:
    watch, kinds = read(GOOD, NOW + HOUR, "partial")
    assert (watch.checked_at, watch.whole_at, kinds) == (NOW + HOUR, NOW, [])
    watch, kinds = read(watch, NOW + 2 * HOUR, "failed")
    assert (watch.whole_at, kinds) == (NOW, [])
    watch, kinds = read(watch, NOW + DAY, "partial")
    assert kinds == [OUTAGE]
    watch, kinds = read(watch, NOW + 2 * DAY, "partial")
    assert kinds == []
    assert read(watch, NOW + 3 * DAY, "good") == (Watch(checked_at=NOW + 3 * DAY), [OUTAGE_OVER])


def test_a_part_of_the_list_shows_that_the_token_works() -> None:
    watch = refused(GOOD, NOW)
    watch, kinds = read(watch, NOW + 2 * DAY, "partial")
    assert (watch.trouble, kinds) == (None, [TROUBLE_OVER])
    assert read(watch, NOW + 2 * DAY + HOUR, "partial")[1] == [OUTAGE]


def test_an_answer_that_refuses_the_token_ends_an_outage_without_a_word_of_it() -> None:
    watch, _ = read(GOOD, NOW, "failed")
    watch, _ = read(watch, NOW + DAY, "failed")
    watch = refused(watch, NOW + 2 * DAY)
    assert read(watch, NOW + 3 * DAY, "good")[1] == [TROUBLE_OVER]


def test_an_outage_goes_on_while_a_refusal_is_in_doubt() -> None:
    watch, _ = read(GOOD, NOW, "failed")
    watch, _ = read(watch, NOW + HOUR, Trouble.TOKEN_REFUSED)
    assert watch.failing_since == NOW
    assert read(watch, NOW + DAY, "failed")[1] == [OUTAGE]


@given(st.lists(st.tuples(st.timedeltas(timedelta(minutes=1), 2 * DAY), READINGS), max_size=30))
def test_in_any_story_the_words_begin_and_end_each_other_and_the_age_is_that_of_the_last_good_reading(
    story: list[tuple[timedelta, AccountReading]],
) -> None:
    watch, now, good_at, whole_at, words = GOOD, NOW, NOW, NOW, list[AlertKind]()
    for gap, reading in story:
        now += gap
        good_at = now if reading in {"good", "partial"} else good_at
        watch, kinds = read(watch, now, reading)
        words += kinds
        assert len(kinds) <= 1
        assert watch.checked_at == good_at
        assert (watch.trouble is None) or (watch.failing_since is None and not watch.outage_told)
        if reading == "good":
            assert watch == Watch(checked_at=now)
            whole_at = now
        assert watch.whole_at in {None, whole_at}
    for before, after in pairwise([None, *words]):
        if after is OUTAGE_OVER:
            assert before is OUTAGE
        if after is TROUBLE_OVER:
            assert before in {AlertKind(trouble.value) for trouble in Trouble}


# --- The digest ------------------------------------------------------------------------------------------------------

WEEKLY = schedule(Preferences(digest=True))


def week(watch: Watch, now: datetime, *, any_open: bool = True) -> tuple[Watch, bool]:
    after, kinds = watch_week(watch, WEEKLY, now, any_open=any_open)
    assert set(kinds) <= {AlertKind.DIGEST}
    return after, len(kinds) == 1


def test_the_first_digest_comes_on_the_monday_after_it_was_asked_for() -> None:
    watch, due = week(GOOD, NOW)  # on a Monday, after the hour
    assert not due
    assert week(watch, NOW + 6 * DAY)[1] is False
    assert week(watch, NOW + 7 * DAY - 4 * HOUR)[1] is False  # before nine
    assert week(watch, NOW + 7 * DAY - 3 * HOUR)[1] is True


def test_each_week_has_one_digest_and_weeks_that_were_missed_have_none() -> None:
    watch, _ = week(GOOD, NOW)
    watch, due = week(watch, NOW + 30 * DAY)
    assert due
    assert week(watch, NOW + 30 * DAY + HOUR) == (watch, False)


def test_a_week_in_which_nothing_is_open_has_no_digest_not_even_later() -> None:
    watch, _ = week(GOOD, NOW)
    watch, due = week(watch, NOW + 7 * DAY, any_open=False)
    assert not due
    assert week(watch, NOW + 8 * DAY)[1] is False
    assert week(watch, NOW + 14 * DAY)[1] is True


def test_a_digest_that_is_switched_off_and_on_comes_on_the_next_monday() -> None:
    watch, _ = week(GOOD, NOW)
    watch, kinds = watch_week(watch, schedule(), NOW + 7 * DAY, any_open=True)
    assert (watch.digest_told, kinds) == (None, [])
    watch, due = week(watch, NOW + 8 * DAY)
    assert not due
    assert week(watch, NOW + 14 * DAY)[1] is True


@given(INSTANTS, PREFERENCES, st.lists(st.timedeltas(timedelta(minutes=1), 9 * DAY), max_size=12))
def test_in_any_story_a_week_has_at_most_one_digest_and_the_first_none(
    now: datetime, chosen: Preferences, gaps: list[timedelta]
) -> None:
    clock = schedule(replace(chosen, digest=True))
    watch, _ = watch_week(GOOD, clock, now, any_open=True)
    weeks = [clock.week(now)]
    for gap in gaps:
        now += gap
        watch, kinds = watch_week(watch, clock, now, any_open=True)
        weeks += [clock.week(now)] * len(kinds)
        assert watch.digest_told == clock.week(now)
    assert weeks == sorted(set(weeks))


def test_invoices_that_cannot_be_read_are_told_when_there_are_more_of_them() -> None:
    watch, told = Watch(checked_at=NOW), []
    for number in (0, 1, 1, 2, 0, 1):
        watch, kinds = watch_reading(watch, NOW, good=True, trouble=None, unreadable=number)
        told.append(kinds)
    assert told == [[], [AlertKind.UNREADABLE], [], [AlertKind.UNREADABLE], [], [AlertKind.UNREADABLE]]


def test_a_failed_reading_says_nothing_of_unreadable_invoices() -> None:
    watch, _ = watch_reading(Watch(NOW, unreadable_told=1), NOW, good=False, trouble=None)
    assert watch.unreadable_told == 1
