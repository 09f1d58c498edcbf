"""How much a chat is told: three sets of preferences to choose from, made of the single ones."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from bot.domain.chats import Preferences
from bot.domain.provider_calendar import ProviderCalendar

LAST_DAYS = (1, 0)
"""The days before a due date that stand for the last ones where the operator has not said what happens after it."""


class Preset(StrEnum):
    """``all``: as the operator has set it. ``calm``: the weekly overview and the last days. ``last``: these alone."""

    ALL = "all"
    CALM = "calm"
    LAST = "last"


def with_preset(chosen: Preferences, preset: Preset, defaults: Preferences, calendar: ProviderCalendar) -> Preferences:
    """Return the preferences with those that a preset sets. Hours, zone and sound stay as they are.

    Where the operator's calendar announces the last days, that needs no reminder days: nobody can switch it off.
    """
    if preset is Preset.ALL:
        before, after, digest = defaults.before, defaults.after, defaults.digest
        return replace(chosen, before=before, after=after, digest=digest, news=True, transfer=True)
    before = () if calendar.announces else LAST_DAYS
    return replace(chosen, before=before, after=(), digest=preset is Preset.CALM, news=False, transfer=False)


def preset_of(chosen: Preferences, defaults: Preferences, calendar: ProviderCalendar) -> Preset | None:
    """Return the preset that these preferences are. None: they are the chat's own."""
    return next((each for each in Preset if with_preset(chosen, each, defaults, calendar) == chosen), None)
