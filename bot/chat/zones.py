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
"""A country's zones are offered only if it has no more than this."""
MIN_PREFIX_LENGTH = 2
MIN_PART_LENGTH = 4
"""How many letters a search needs: to match the start of a name, and to match any part of it."""
MIN_SIMILARITY = 0.8
"""How similar (up to 1) a mistyped name must be to a zone's."""

LIKELY = {
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "en": ("Europe/London", "America/New_York", "America/Chicago", "America/Los_Angeles", "Asia/Kolkata"),
    "pt": ("Europe/Lisbon", "America/Sao_Paulo"),
}
"""For languages spoken in several zones. For other languages, those of the likeliest country are offered."""


def city(zone: str, language: str) -> str:
    """Return a zone's city in a language: ``Wien``."""
    if zone in {UTC, "UTC"}:
        return "UTC"
    return str(get_timezone_location(zone, locale=language, return_city=True))


def likely_zones(telegram_language: str | None, *first: str) -> list[str]:
    """Return the zones to offer for a language of Telegram's, with ``first`` before the others."""
    code = (telegram_language or "").replace("-", "_").lower()
    country = _zones_of_country(code)
    others = LIKELY.get(code.partition("_")[0], ())
    return list(dict.fromkeys([*first, *(country if len(country) <= MAX_COUNTRY_ZONES else ()), *others]))[:MAX_ZONES]


def find_zones(text: str) -> list[str]:
    """Return the zones with this name; if there are none, those whose names start with it, or else contain it."""
    wanted, names = _comparable(text), _names()
    if wanted in names:
        return _zones([wanted])
    if len(wanted) < MIN_PREFIX_LENGTH:
        return []
    found = [name for name in names if name.startswith(wanted)]
    if not found and len(wanted) >= MIN_PART_LENGTH:
        found = [name for name in names if wanted in name]
    return _zones(found)


def similar_zones(text: str) -> list[str]:
    """Return the zones whose names are similar to a mistyped one."""
    return _zones(get_close_matches(_comparable(text), _names(), n=3, cutoff=MIN_SIMILARITY))


def _zones(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(zone for name in names for zone in _names()[name]))[:MAX_ZONES]


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Return all zones by their names: the zone's own, its city and its country."""
    names: dict[str, dict[str, None]] = {}
    aliases, territories, available = get_global("zone_aliases"), get_global("zone_territories"), available_timezones()
    for name in sorted(available):
        zone = aliases.get(name, name)
        if zone in territories and zone in available:
            for called in _names_of(zone, name):
                names.setdefault(_comparable(called), {})[zone] = None
    for called in ("UTC", "GMT"):
        names[_comparable(called)] = {UTC: None}
    return {name: tuple(zones) for name, zones in names.items()}


def _names_of(zone: str, name: str) -> Iterable[str]:
    territory = get_global("zone_territories")[zone]
    yield name
    yield name.rpartition("/")[2]
    for language in LANGUAGES:
        yield city(zone, language)
        if country := Locale(language).territories.get(territory):
            yield country


def _zones_of_country(code: str) -> tuple[str, ...]:
    """Return the zones of the country that a language code names or suggests."""
    language, _, territory = code.partition("_")
    if not territory and language not in LIKELY:
        territory = get_global("likely_subtags").get(language, "").rpartition("_")[2]
    return tuple(get_global("territory_zones").get(territory.upper(), ()))


def _comparable(text: str) -> str:
    """Return text for comparing: in lower case, without accents, its words separated by single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare.replace("_", " ")))
