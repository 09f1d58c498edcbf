"""/settings, /timezone and /language, and their buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import available_timezones

from bot.chat.context import Context
from bot.chat.screens import QUOTE_LIMIT, Screen, cut
from bot.chat.views import settings as views
from bot.chat.views.general import languages
from bot.chat.zones import likely_zones, named_zones, suggested_zones
from bot.domain.chats import FARTHEST_DAY, LANGUAGES, Loudness, Preferences, QuietHours
from bot.domain.packs.calendar import PACK_DAYS
from bot.domain.packs.choices import Rhythm
from bot.domain.packs.names import NamePart, with_part
from bot.domain.presets import Preset, preset_of, with_preset
from bot.domain.schedule import CheckPlan
from bot.ports import ChatStore, Clock
from bot.services.permissions import check_in_charge

LAST_HOUR = 23


class SettingsHandlers:
    """What a chat prefers. A press updates the menu in its message."""

    def __init__(self, store: ChatStore, plan: CheckPlan, clock: Clock) -> None:
        self._store = store
        self._plan = plan
        self._clock = clock

    async def settings(self, context: Context) -> None:
        """/settings."""
        await context.reply(views.menu(context.t, self._choices(context), self._clock()))

    async def press(self, context: Context) -> None:
        """A button of the menu: it leads back to the menu, opens a section, or makes a choice."""
        name, values = context.words[0] if context.words else "", context.words[1:]
        try:
            if name and values:
                await self._choose(context, name, values)
            elif name == "defaults":
                await self._save(context, None)
            screen = self._screen(context, name, values)
        except ValueError:
            await context.tell(context.t("button.unknown"))
        else:
            await context.show(screen)
            if name == "defaults":
                await context.answer_press(context.t.plain("settings.defaults_back"))

    async def timezone(self, context: Context) -> None:
        """/timezone CITY."""
        text = " ".join(context.words)
        if not text:
            await context.reply(views.zone(context.t, self._choices(context), self._clock()))
            return
        # In threads: the names are read from disk when they are first needed.
        named = await asyncio.to_thread(named_zones, text)
        if len(named) == 1:
            await self._save(context, replace(self._preferences(context), zone=named[0]))
            await context.reply(views.menu(context.t, self._choices(context), self._clock()))
            return
        key = "settings.zone.which" if named else "settings.zone.unknown"
        offered = named or await asyncio.to_thread(suggested_zones, text) or self._choices(context).zones
        said = context.t(key, name=cut(text, QUOTE_LIMIT))
        await context.reply(views.zones(context.t, self._choices(context), self._clock(), said, offered))

    async def language(self, context: Context) -> None:
        """/language [LANGUAGE|auto], and its buttons."""
        wish = context.words[0] if context.words else ""
        try:
            if wish:
                await self._choose_language(context, wish.lower())
        except ValueError:
            unknown = cut(wish, QUOTE_LIMIT)
            await context.reply(languages(context.t, context.chat.language, unknown=unknown))
        else:
            await (context.show if wish else context.reply)(languages(context.t, context.chat.language))

    async def _choose(self, context: Context, name: str, values: list[str]) -> None:
        """Save a choice. Raise ValueError on callback data that was never ours."""
        if name == "language":
            await self._choose_language(context, values[0])
        elif name == "preset":
            plan, preset = self._plan, Preset(values[0])
            await self._save(context, with_preset(self._preferences(context), preset, plan.defaults, plan.calendar))
        elif name in PACK_CHOICES:
            await self._save(context, with_pack_choice(self._preferences(context), name, values, self._clock()))
        elif not (name == "quiet" and values[0].isdecimal()):
            await self._save(context, with_choice(self._preferences(context), name, values))

    async def _choose_language(self, context: Context, wish: str) -> None:
        """Save the language. Raise ValueError if the bot does not speak it."""
        if wish not in {*LANGUAGES, views.LANGUAGE_OF_TELEGRAM}:
            raise ValueError(wish)
        check_in_charge(context.chat, context.user_id)
        language = None if wish == views.LANGUAGE_OF_TELEGRAM else wish
        await self._store.set_language(context.chat.id, language)
        context.use(replace(context.chat, language=language))

    async def _save(self, context: Context, preferences: Preferences | None) -> None:
        check_in_charge(context.chat, context.user_id)
        await self._store.set_preferences(context.chat.id, preferences, self._clock())
        context.use(replace(context.chat, preferences=preferences))

    def _screen(self, context: Context, name: str, values: list[str]) -> Screen:
        """Return what a press shows. Choices lead back to the menu, but several days may be chosen one by one."""
        choices, now = self._choices(context), self._clock()
        if name == "quiet" and values and values[0].isdecimal():
            return views.quiet_end(context.t, choices, int(values[0]))
        if name in PACK_CHOICES:
            return views.SECTIONS["packs"](context.t, choices, now)
        if name == "days" or (name in views.SECTIONS and not values):
            return views.SECTIONS[name](context.t, choices, now)
        return views.menu(context.t, choices, now)

    def _preferences(self, context: Context) -> Preferences:
        return self._plan.preferences(context.chat)

    def _choices(self, context: Context) -> views.Choices:
        chosen = self._preferences(context)
        first = [self._plan.zone.key, *([chosen.zone] if chosen.zone else [])]
        zones = likely_zones(context.chat.telegram_language, *first)
        preset = preset_of(chosen, self._plan.defaults, self._plan.calendar)
        reference = context.chat.link.reference if context.chat.link is not None else None
        own = context.chat.preferences is not None
        return views.Choices(chosen, context.chat.language, zones, own=own, preset=preset, reference=reference)


PACK_CHOICES = {"packs", "packday", "packname"}
"""Choices that are made one by one, on the same page."""

SWITCHES = {
    "news": "news",
    "digest": "digest",
    "pdf": "pdf_after_payment",
    "pinned": "pinned",
    "transfer": "transfer",
    "discreet": "discreet",
    "protected": "protected",
}
"""The fields of the preferences that a button switches on and off, by the button's name."""


def with_choice(preferences: Preferences, name: str, values: Sequence[str]) -> Preferences:
    """Return the preferences with what a button sets. Raise ValueError on callback data that was never ours."""
    value = values[0]
    match name:
        case "days" if len(values) > 1:
            return replace(preferences, before=_with_day(preferences.before, _whole(value, FARTHEST_DAY), values[1]))
        case "after":
            days = [] if value == views.OFF else [_whole(day, FARTHEST_DAY) for day in value.split(".")]
            return replace(preferences, after=tuple(days))
        case "hour":
            return replace(preferences, hour=_whole(value, LAST_HOUR))
        case "quiet":
            return replace(preferences, quiet=None if value == views.OFF else _quiet_hours(value))
        case "zone":
            return replace(preferences, zone=None if value == views.ZONE_OF_PROVIDER else _known_zone(value))
        case "loud":
            return replace(preferences, loudness=Loudness(value))
        case _ if name in SWITCHES:
            return replace(preferences, **{SWITCHES[name]: value == views.ON})  # type: ignore[arg-type]  # all are bool
    raise ValueError(name)


def with_pack_choice(preferences: Preferences, name: str, values: Sequence[str], now: datetime) -> Preferences:
    """Return the preferences with what a button sets for packs. Those of periods before are not sent."""
    match [name, *values]:
        case ["packs", rhythm]:
            since = now if preferences.packs is Rhythm.OFF else preferences.packs_since
            return replace(preferences, packs=Rhythm(rhythm), packs_since=since)
        case ["packday", day] if int(day) in PACK_DAYS:
            return replace(preferences, pack_day=int(day))
        case ["packname", part, switch]:
            names = with_part(preferences.pack_names, NamePart(part), on=switch == views.ON)
            return replace(preferences, pack_names=names)
    raise ValueError(name)


def _with_day(before: Sequence[int], day: int, switch: str) -> tuple[int, ...]:
    return tuple(sorted({*before} - {day} | ({day} if switch == views.ON else set()), reverse=True))


def _quiet_hours(value: str) -> QuietHours:
    start, _, end = value.partition("-")
    hours = QuietHours(_whole(start, LAST_HOUR), _whole(end, LAST_HOUR))
    if hours.start == hours.end:
        raise ValueError(value)
    return hours


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(name)
    return name


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise ValueError(text)
    return int(text)
