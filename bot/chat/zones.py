"""Time zones as people name them: by city or country, in the languages that the bot speaks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location

from bot.domain.chats import LANGUAGES

UTC = "Etc/UTC"
MAX_ZONES = 8
MAX_COUNTRY_ZONES = 4
"""Zones of a country that may all be offered."""
MIN_PREFIX_LENGTH = 2
MIN_PART_LENGTH = 4
"""Letters of a name's beginning, and of another part of it, that are looked for."""
MIN_SIMILARITY = 0.8
"""How alike two names are, of 1, that are taken for the same."""

LIKELY = {
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "en": ("Europe/London", "America/New_York", "America/Chicago", "America/Los_Angeles", "Asia/Kolkata"),
    "pt": ("Europe/Lisbon", "America/Sao_Paulo"),
}
"""Of languages that are spoken in several zones; of others, the zones of the country that comes to mind first."""


def city(zone: str, language: str) -> str:
    """A zone by its city: ``Wien``."""
    if zone in {UTC, "UTC"}:
        return "UTC"
    return str(get_timezone_location(zone, locale=language, return_city=True))


def likely_zones(telegram_language: str | None, *first: str) -> list[str]:
    """The zones to offer to somebody whose Telegram speaks this language, ``first`` before the others."""
    code = (telegram_language or "").replace("-", "_").lower()
    country = _zones_of_country(code)
    others = LIKELY.get(code.partition("_")[0], ())
    return list(dict.fromkeys([*first, *(country if len(country) <= MAX_COUNTRY_ZONES else ()), *others]))[:MAX_ZONES]


def find_zones(text: str) -> list[str]:
    """The zones that somebody names: by the whole name, else by its beginning, else by a part of it."""
    wanted, names = _plain(text), _names()
    if wanted in names:
        return _zones([wanted])
    if len(wanted) < MIN_PREFIX_LENGTH:
        return []
    found = [name for name in names if name.startswith(wanted)]
    if not found and len(wanted) >= MIN_PART_LENGTH:
        found = [name for name in names if wanted in name]
    return _zones(found)


def similar_zones(text: str) -> list[str]:
    """The zones whose names are close to a mistyped one."""
    return _zones(get_close_matches(_plain(text), _names(), n=3, cutoff=MIN_SIMILARITY))


def _zones(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(zone for name in names for zone in _names()[name]))[:MAX_ZONES]


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """All zones by what they may be called: their own name, their city and their country."""
    names: dict[str, dict[str, None]] = {}
    aliases, territories, available = get_global("zone_aliases"), get_global("zone_territories"), available_timezones()
    for name in sorted(available):
        zone = aliases.get(name, name)
        if zone in territories and zone in available:
            for called in _calls(zone, name):
                names.setdefault(_plain(called), {})[zone] = None
    for called in ("UTC", "GMT"):
        names[_plain(called)] = {UTC: None}
    return {name: tuple(zones) for name, zones in names.items()}


def _calls(zone: str, name: str) -> Iterable[str]:
    territory = get_global("zone_territories")[zone]
    yield name
    yield name.rpartition("/")[2]
    for language in LANGUAGES:
        yield city(zone, language)
        if country := Locale(language).territories.get(territory):
            yield country


def _zones_of_country(code: str) -> tuple[str, ...]:
    """The zones of the country that a language code names, or that comes to mind with it."""
    language, _, territory = code.partition("_")
    if not territory and language not in LIKELY:
        territory = get_global("likely_subtags").get(language, "").rpartition("_")[2]
    return tuple(get_global("territory_zones").get(territory.upper(), ()))


def _plain(text: str) -> str:
    """For comparing: small letters without accents, words with a blank between."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare.replace("_", " ")))
