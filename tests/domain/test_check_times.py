"""When the next check of a chat comes if its last one came late."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bot.domain.chat_keys import key_of
from bot.domain.schedule import LATE_PART, CheckPlan
from tests.domain.moments import BERLIN, INSTANTS

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
INTERVALS = st.timedeltas(timedelta(seconds=10), timedelta(days=7))
CHATS = st.integers(-(10**13), 10**13).map(key_of)


def plan(interval: timedelta = timedelta(minutes=15)) -> CheckPlan:
    return CheckPlan(interval, BERLIN)


@given(INSTANTS, INTERVALS, CHATS)
def test_a_late_check_comes_again_no_later_than_any_other_and_not_at_once(
    now: datetime, interval: timedelta, chat: int
) -> None:
    pause = plan(interval).after(now, late=key_of(chat)) - now
    assert interval / 2 <= pause <= interval


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=1)), CHATS)
def test_a_chat_has_a_time_of_its_own_whenever_it_was_late(now: datetime, later: timedelta, chat: int) -> None:
    def settled(at: datetime) -> timedelta:
        for _ in range(2):
            at = plan().after(at, late=key_of(chat))
        return (at - NOW) % plan().interval

    apart = abs(settled(now) - settled(now + later))
    assert min(apart, plan().interval - apart) < timedelta(milliseconds=1)


@pytest.mark.parametrize("step", [1, 2, 1000, 2**20, 65_537])
def test_chats_that_were_late_together_are_spread_evenly(step: int) -> None:
    late = [plan().after(NOW, late=key_of(500_000_000 + n * step)) for n in range(9000)]
    again = sorted(plan().after(at, late=key_of(500_000_000 + n * step)) for n, at in enumerate(late))
    minutes = Counter((at - NOW) % plan().interval // timedelta(minutes=1) for at in again)
    assert len(minutes) == 15
    assert min(minutes.values()) >= 500
    assert max(minutes.values()) <= 700
    assert max(b - a for a, b in pairwise(again)) < timedelta(seconds=10)


def test_what_there_is_to_tell_sooner_is_not_put_off() -> None:
    soon = NOW + timedelta(minutes=2)
    assert plan().after(NOW, look=soon, late=key_of(1)) == soon


def test_a_pause_that_the_provider_asks_for_is_kept() -> None:
    assert plan().after(NOW, at_least=1800, late=key_of(1)) == NOW + timedelta(minutes=30)


def test_a_check_is_late_once_others_have_piled_up() -> None:
    limit = plan().interval / LATE_PART
    assert not plan().is_late(NOW, NOW + limit)
    assert plan().is_late(NOW, NOW + limit + timedelta(seconds=1))
    assert not plan().is_late(NOW + timedelta(minutes=9), NOW)
