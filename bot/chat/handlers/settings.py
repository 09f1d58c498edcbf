"""/settings and /timezone, and the buttons of the menu."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import available_timezones

from bot.chat.screens import Screen, cut
from bot.chat.talk import Talk
from bot.chat.texts import Speak
from bot.chat.views import settings as views
from bot.chat.zones import find_zones, likely_zones, similar_zones
from bot.domain.chats import LANGUAGES
from bot.domain.preferences import FARTHEST_DAY, Loudness, Preferences, QuietHours
from bot.ports import ChatStore, Clock
from bot.services.permitting import check_in_charge
from bot.services.plan import CheckPlan

LONGEST_NAME = 40
"""How much of a name that is no time zone is said back."""

LAST_HOUR = 23


class SettingsHandlers:
    """What a chat prefers. Each press is answered by the same message, brought up to date."""

    def __init__(self, store: ChatStore, speak: Speak, plan: CheckPlan, clock: Clock) -> None:
        self._store = store
        self._speak = speak
        self._plan = plan
        self._clock = clock

    async def settings(self, talk: Talk) -> None:
        """/settings."""
        await talk.reply(views.menu(talk.t, self._choices(talk), self._clock()))

    async def press(self, talk: Talk) -> None:
        """A button of the menu: back to it, a section of it, or a choice."""
        name, values = talk.words[0] if talk.words else "", talk.words[1:]
        try:
            if name and values:
                await self._choose(talk, name, values)
            elif name == "defaults":
                await self._save(talk, None)
            screen = self._screen(talk, name, values)
        except ValueError:
            await talk.tell(talk.t("button.unknown"))
        else:
            await talk.show(screen)
            if name == "defaults":
                await talk.answer_press(talk.t.plain("settings.defaults_back"))

    async def timezone(self, talk: Talk) -> None:
        """/timezone CITY."""
        text = " ".join(talk.words)
        if not text:
            await talk.reply(views.zone(talk.t, self._choices(talk), self._clock()))
            return
        # Read from the disk when it is first asked for.
        found = await asyncio.to_thread(find_zones, text)
        if len(found) == 1:
            await self._save(talk, replace(self._preferences(talk), zone=found[0]))
            await talk.reply(views.menu(talk.t, self._choices(talk), self._clock()))
            return
        key = "settings.zone.which" if found else "settings.zone.unknown"
        offered = found or await asyncio.to_thread(similar_zones, text) or self._choices(talk).zones
        said = talk.t(key, name=cut(text, LONGEST_NAME))
        await talk.reply(views.zones(talk.t, self._choices(talk), self._clock(), said, offered))

    async def _choose(self, talk: Talk, name: str, values: list[str]) -> None:
        """Carry a choice out. Raises ValueError on callback data that was never ours."""
        if name == "language":
            await self._choose_language(talk, values[0])
        elif not (name == "quiet" and values[0].isdecimal()):
            await self._save(talk, changed(self._preferences(talk), name, values))

    async def _choose_language(self, talk: Talk, wish: str) -> None:
        if wish not in {*LANGUAGES, views.AUTO}:
            raise ValueError(wish)
        check_in_charge(talk.chat, talk.user_id)
        language = None if wish == views.AUTO else wish
        await self._store.set_language(talk.chat.id, language)
        talk.chat = replace(talk.chat, language=language)
        talk.t = self._speak(talk.chat)

    async def _save(self, talk: Talk, preferences: Preferences | None) -> None:
        check_in_charge(talk.chat, talk.user_id)
        await self._store.set_preferences(talk.chat.id, preferences, self._clock())
        talk.chat = replace(talk.chat, preferences=preferences)
        talk.t = self._speak(talk.chat)

    def _screen(self, talk: Talk, name: str, values: list[str]) -> Screen:
        """What to show after a press: most choices lead back to the menu, of the days more than one may be chosen."""
        choices, now = self._choices(talk), self._clock()
        if name == "quiet" and values and values[0].isdecimal():
            return views.quiet_end(talk.t, choices, int(values[0]))
        if name == "days" or (name in views.SECTIONS and not values):
            return views.SECTIONS[name](talk.t, choices, now)
        return views.menu(talk.t, choices, now)

    def _preferences(self, talk: Talk) -> Preferences:
        return self._plan.preferences(talk.chat)

    def _choices(self, talk: Talk) -> views.Choices:
        chosen = self._preferences(talk)
        first = [self._plan.zone.key, *([chosen.zone] if chosen.zone else [])]
        zones = likely_zones(talk.chat.telegram_language, *first)
        return views.Choices(chosen, talk.chat.language, zones, own=talk.chat.preferences is not None)


def changed(preferences: Preferences, name: str, values: Sequence[str]) -> Preferences:
    """The preferences with what a button sets. Raises ValueError on what no button of ours says."""
    value = values[0]
    match name:
        case "days" if len(values) > 1:
            return replace(preferences, before=_days(preferences.before, _whole(value, FARTHEST_DAY), values[1]))
        case "after":
            days = [] if value == views.OFF else [_whole(day, FARTHEST_DAY) for day in value.split(".")]
            return replace(preferences, after=tuple(days))
        case "hour":
            return replace(preferences, hour=_whole(value, LAST_HOUR))
        case "quiet":
            return replace(preferences, quiet=None if value == views.OFF else _quiet(value))
        case "zone":
            return replace(preferences, zone=None if value == views.ZONE_OF_PROVIDER else _zone(value))
        case "loud":
            return replace(preferences, loudness=Loudness(value))
        case "digest":
            return replace(preferences, digest=value == views.ON)
        case "pdf":
            return replace(preferences, pdf_after_payment=value == views.ON)
    raise ValueError(name)


def _days(before: Sequence[int], day: int, switch: str) -> tuple[int, ...]:
    return tuple(sorted({*before} - {day} | ({day} if switch == views.ON else set()), reverse=True))


def _quiet(value: str) -> QuietHours:
    start, _, end = value.partition("-")
    hours = QuietHours(_whole(start, LAST_HOUR), _whole(end, LAST_HOUR))
    if hours.start == hours.end:
        raise ValueError(value)
    return hours


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(name)
    return name


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise ValueError(text)
    return int(text)
