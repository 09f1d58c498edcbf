"""When the next check is, and whose preferences and time zone count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.domain.chats import Chat, Preferences
from bot.domain.schedule import LONGEST_PROVIDER_PAUSE, CheckPlan

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
INTERVAL = 15 * MINUTE
BERLIN = ZoneInfo("Europe/Berlin")
PLAN = CheckPlan(INTERVAL, BERLIN, Preferences(hour=7), lambda day: day.weekday() < 5)


@pytest.mark.parametrize(
    ("pause", "look", "expected"),
    [
        (0, None, INTERVAL),
        (0, 10 * MINUTE, 10 * MINUTE),
        (0, INTERVAL + SECOND, INTERVAL),
        (0, timedelta(0), SECOND),  # never at once, so that nothing spins
        (0, -MINUTE, SECOND),
        (60, None, INTERVAL),
        (60, 10 * SECOND, MINUTE),
        (1200, 10 * MINUTE, 20 * MINUTE),
        (1e300, None, LONGEST_PROVIDER_PAUSE),
        (1e300, MINUTE, LONGEST_PROVIDER_PAUSE),
    ],
)
def test_the_next_check_is_after_the_interval_or_for_a_look_and_no_sooner_than_the_provider_wants(
    pause: float, look: timedelta | None, expected: timedelta
) -> None:
    assert PLAN.after(NOW, pause, None if look is None else NOW + look) - NOW == expected


@given(st.floats(0, 1e9), st.none() | st.timedeltas(-timedelta(days=9), timedelta(days=900)))
def test_a_check_always_comes_within_the_longest_pause_or_the_interval(pause: float, look: timedelta | None) -> None:
    after = PLAN.after(NOW, pause, None if look is None else NOW + look) - NOW
    assert SECOND <= after <= max(INTERVAL, LONGEST_PROVIDER_PAUSE)


def test_the_operators_defaults_hold_until_a_chat_chooses() -> None:
    chosen = Preferences(hour=11, zone="Asia/Tokyo")
    assert PLAN.preferences(Chat(1)) == Preferences(hour=7)
    assert PLAN.preferences(Chat(1, preferences=chosen)) == chosen


def test_a_chats_calendar_has_its_own_zone_and_the_providers_days() -> None:
    schedule = PLAN.schedule(Chat(1, preferences=Preferences(zone="Asia/Tokyo")))
    assert (schedule.zone, schedule.provider_zone) == (ZoneInfo("Asia/Tokyo"), BERLIN)
    assert PLAN.schedule(Chat(1)).zone == BERLIN
    assert schedule.is_banking_day is PLAN.is_banking_day
