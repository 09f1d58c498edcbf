"""How much a chat is told: what a preset sets, and that none of them silences the last days."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from bot.domain.chats import Preferences
from bot.domain.presets import Preset, preset_of, with_preset
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import DAY
from tests.domain.moments import PREFERENCES
from tests.domain.test_warnings import DUE, USUAL, instant, live, warnings

UNKNOWN = ProviderCalendar()
CALENDARS = st.sampled_from([UNKNOWN, USUAL, ProviderCalendar(suspend_after=3), ProviderCalendar(delete_after=5)])


@given(PREFERENCES, PREFERENCES, st.sampled_from(Preset), CALENDARS)
def test_a_preset_is_recognized_and_leaves_hours_zone_and_sound_alone(
    chosen: Preferences, defaults: Preferences, preset: Preset, calendar: ProviderCalendar
) -> None:
    after = with_preset(chosen, preset, defaults, calendar)
    assert with_preset(after, preset_of(after, defaults, calendar) or preset, defaults, calendar) == after
    kept = ("hour", "quiet", "zone", "loudness", "pdf_after_payment")
    assert [getattr(after, name) for name in kept] == [getattr(chosen, name) for name in kept]


@given(PREFERENCES, st.sampled_from(Preset))
def test_no_preset_silences_a_last_day(chosen: Preferences, preset: Preset) -> None:
    told = warnings(live(with_preset(chosen, preset, Preferences(), USUAL), days=8))
    for day in USUAL.last_days(DUE, ["Hosting"]):
        assert any(instant(day, 18) - 13 * DAY <= at <= instant(day, 18) for at in told), day


@pytest.mark.parametrize("preset", [Preset.CALM, Preset.LAST])
def test_where_the_last_days_are_announced_nothing_else_reminds(preset: Preset) -> None:
    told = live(with_preset(Preferences(), preset, Preferences(), USUAL))[1:]
    assert [at for at, alert in told if not alert.is_warning] == []
    assert len(told) == 5


@pytest.mark.parametrize("preset", [Preset.CALM, Preset.LAST])
def test_where_nothing_is_known_of_them_the_day_before_and_the_due_day_remind(preset: Preset) -> None:
    told = live(with_preset(Preferences(), preset, Preferences(), UNKNOWN), UNKNOWN)[1:]
    assert [(at, alert.threshold) for at, alert in told] == [(instant(DUE - DAY, 9), 1), (instant(DUE, 9), 0)]


def test_everything_is_as_the_operator_has_set_it() -> None:
    operators = Preferences(before=(5,), after=(2,))
    assert preset_of(operators, operators, UNKNOWN) is Preset.ALL
    calm = with_preset(replace(operators, hour=7), Preset.CALM, operators, UNKNOWN)
    assert preset_of(calm, operators, UNKNOWN) is Preset.CALM
    assert with_preset(calm, Preset.ALL, operators, UNKNOWN) == replace(operators, hour=7)
    assert preset_of(replace(calm, before=(2,)), operators, UNKNOWN) is None
