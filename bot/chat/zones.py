"""Time zones as people name them: by city, country, abbreviation or offset, in the languages that the bot speaks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location

from bot.domain.chats import LANGUAGES

UTC_ZONE = "Etc/UTC"
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

ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    "acdt": ("Australia/Adelaide",), "acst": ("Australia/Adelaide", "Australia/Darwin"),
    "adt": ("America/Halifax",), "aedt": ("Australia/Sydney",), "aest": ("Australia/Sydney", "Australia/Brisbane"),
    "akdt": ("America/Anchorage",), "akst": ("America/Anchorage",), "art": ("America/Argentina/Buenos_Aires",),
    "ast": ("America/Halifax", "America/Puerto_Rico", "Asia/Riyadh"), "awst": ("Australia/Perth",),
    "brt": ("America/Sao_Paulo",), "bst": ("Europe/London", "Asia/Dhaka"), "cat": ("Africa/Maputo",),
    "cdt": ("America/Chicago", "America/Havana"), "cest": ("Europe/Berlin",), "cet": ("Europe/Berlin",),
    "clt": ("America/Santiago",), "cot": ("America/Bogota",),
    "cst": ("America/Chicago", "America/Mexico_City", "America/Havana", "Asia/Shanghai"), "eat": ("Africa/Nairobi",),
    "edt": ("America/New_York",), "eest": ("Europe/Athens", "Europe/Kyiv", "Africa/Cairo", "Asia/Beirut"),
    "eet": ("Europe/Athens", "Europe/Kyiv", "Africa/Cairo", "Asia/Beirut"),
    "est": ("America/New_York", "America/Panama"), "gst": ("Asia/Dubai",), "hkt": ("Asia/Hong_Kong",),
    "hst": ("Pacific/Honolulu",), "ict": ("Asia/Bangkok",),
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"), "jst": ("Asia/Tokyo",), "kst": ("Asia/Seoul",),
    "mdt": ("America/Denver",), "mesz": ("Europe/Berlin",), "met": ("Europe/Berlin",), "mez": ("Europe/Berlin",),
    "msk": ("Europe/Moscow",), "mst": ("America/Denver", "America/Phoenix"), "myt": ("Asia/Kuala_Lumpur",),
    "ndt": ("America/St_Johns",), "npt": ("Asia/Kathmandu",), "nst": ("America/St_Johns",),
    "nzdt": ("Pacific/Auckland",), "nzst": ("Pacific/Auckland",),
    "oesz": ("Europe/Athens", "Europe/Kyiv", "Africa/Cairo", "Asia/Beirut"),
    "oez": ("Europe/Athens", "Europe/Kyiv", "Africa/Cairo", "Asia/Beirut"), "pdt": ("America/Los_Angeles",),
    "pet": ("America/Lima",), "pht": ("Asia/Manila",), "pkt": ("Asia/Karachi",),
    "pst": ("America/Los_Angeles", "Asia/Manila"), "sast": ("Africa/Johannesburg",), "sgt": ("Asia/Singapore",),
    "trt": ("Europe/Istanbul",), "uae": ("Asia/Dubai",), "uk": ("Europe/London",),
    "usa": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"), "wat": ("Africa/Lagos",),
    "west": ("Europe/Lisbon",), "wesz": ("Europe/Lisbon",), "wet": ("Europe/Lisbon",), "wez": ("Europe/Lisbon",),
    "wib": ("Asia/Jakarta",),
}  # fmt: skip
"""What people mean by usual abbreviations. The zones of one abbreviation differ in offset or summer time."""

FIXED = re.compile(r"Etc/GMT([+-]\d+)")
"""A zone without summer time. Its sign is the opposite of the usual one: Etc/GMT-2 is two hours ahead of UTC."""
OFFSET = re.compile(
    r"(?:(?:UTC|GMT)\s*(?P<sign>[+\-\u2212\u2013]?)|(?P<bare>[+\-\u2212\u2013]))\s*"
    r"(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d)|[.,](?P<part>\d{1,2}))?",
    re.IGNORECASE,
)
"""An offset as people write it, such as ``UTC+2``, ``GMT-3:30`` or ``+5.5``: plus is ahead of UTC."""
HOURS_AHEAD = range(-12, 15)
"""The whole offsets for which there is a fixed zone."""


def city(zone: str, language: str) -> str:
    """Return a zone's city in a language: ``Wien``. A fixed zone is called by its offset: ``UTC+2``."""
    if zone in {UTC_ZONE, "UTC"}:
        return "UTC"
    if fixed := FIXED.fullmatch(zone):
        return f"UTC{-int(fixed[1]):+d}"
    return str(get_timezone_location(zone, locale=language, return_city=True))


def is_fixed(zone: str) -> bool:
    """Whether a zone has one offset all year, because a person named that offset."""
    return FIXED.fullmatch(zone) is not None


def likely_zones(telegram_language: str | None, *first: str) -> list[str]:
    """Return the zones to offer for a language of Telegram's, with ``first`` before the others."""
    code = (telegram_language or "").replace("-", "_").lower()
    country = _zones_of_country(code)
    others = LIKELY.get(code.partition("_")[0], ())
    return list(dict.fromkeys([*first, *(country if len(country) <= MAX_COUNTRY_ZONES else ()), *others]))[:MAX_ZONES]


def named_zones(text: str) -> list[str]:
    """Return the zones that this whole name stands for. A single one is surely what the person means."""
    named = text.strip()
    if offset := OFFSET.fullmatch(named):
        return _zones_at(offset)
    if FIXED.fullmatch(named) and named in available_timezones():
        return [named]
    wanted = comparable(named)
    if wanted in ABBREVIATIONS:
        return list(ABBREVIATIONS[wanted])
    return _offered([*_names().get(wanted, ()), *_zones_with_city(wanted)])


def suggested_zones(text: str) -> list[str]:
    """Return the zones whose names begin with this, or else contain it, or else are similar. None is surely meant."""
    wanted, names = comparable(text), _names()
    if len(wanted) < MIN_PREFIX_LENGTH:
        return []
    found = [name for name in names if name.startswith(wanted)]
    if not found and len(wanted) >= MIN_PART_LENGTH:
        found = [name for name in names if wanted in name]
    cities = _zones_with_city(wanted, whole=False) if not found and len(wanted) >= MIN_PART_LENGTH else []
    if not found and not cities:
        found = get_close_matches(wanted, names, n=3, cutoff=MIN_SIMILARITY)
    return _offered([*(zone for name in found for zone in names[name]), *cities])


def comparable(text: str) -> str:
    """Return text for comparing: in lower case, without accents, its words separated by single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare.replace("_", " ")))


def _offered(zones: Iterable[str]) -> list[str]:
    """Return as many zones as can be offered, each once, those with the most people first."""
    order = {zone: place for place, (zone, _) in enumerate(_cities())}
    return sorted(dict.fromkeys(zones), key=lambda zone: order.get(zone, len(order)))[:MAX_ZONES]


def _zones_at(offset: re.Match[str]) -> list[str]:
    """Return the fixed zone of an offset such as ``UTC+2``, or the zones that have one such as ``+5:30`` all year."""
    sign = 1 if (offset["sign"] or offset["bare"] or "+") == "+" else -1
    hours, minutes = (
        sign * int(offset["hours"]),
        int(offset["minutes"] or 0) + round(60 * float(f"0.{offset['part'] or 0}")),
    )
    if not minutes:
        return [f"Etc/GMT{-hours:+d}" if hours else UTC_ZONE] if hours in HOURS_AHEAD else []
    ahead, year = timedelta(hours=hours, minutes=sign * minutes), datetime.now(UTC).year
    seasons = [datetime(year, month, 1, tzinfo=UTC) for month in (1, 7)]
    zones = {zone for named in _names().values() for zone in named}
    return _offered(z for z in sorted(zones) if all(at.astimezone(ZoneInfo(z)).utcoffset() == ahead for at in seasons))


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Return all zones by their names: the zone's own, also older ones, its city and its country."""
    names: dict[str, dict[str, None]] = {}
    aliases, territories, available = get_global("zone_aliases"), get_global("zone_territories"), available_timezones()
    for name in sorted(available):
        zone = aliases.get(name, name)
        if zone in territories and zone in available and not zone.startswith("Etc/"):
            for called in _names_of(zone, name):
                names.setdefault(comparable(called), {})[zone] = None
    for called in ("UTC", "GMT", "UCT", "Zulu", "Universal", "Greenwich"):
        names[comparable(called)] = {UTC_ZONE: None}
    return {name: tuple(zones) for name, zones in names.items()}


def _names_of(zone: str, name: str) -> Iterable[str]:
    territory = get_global("zone_territories")[zone]
    yield name
    if name == zone:  # the last word of an older name can be one like "North"
        yield name.rpartition("/")[2]
    for language in LANGUAGES:
        yield city(zone, language)
        if country := Locale(language).territories.get(territory):
            yield country


def _zones_with_city(name: str, *, whole: bool = True) -> list[str]:
    """Return the zones with a large city of this name, or with one whose name begins with it."""
    wanted = f"|{name}|" if whole else f"|{name}"
    return [zone for zone, cities in _cities() if name and wanted in cities]


@cache
def _cities() -> Sequence[tuple[str, str]]:
    """Return each zone with its large cities and states between bars, the zone with the most people first."""
    text = resources.files("bot.chat").joinpath("cities.txt").read_text("utf-8")
    lines = (line.partition("|") for line in text.splitlines() if not line.startswith("#"))
    return [(zone, bar + cities) for zone, bar, cities in lines]


def _zones_of_country(code: str) -> tuple[str, ...]:
    """Return the zones of the country that a language code names or suggests."""
    language, _, territory = code.partition("_")
    if not territory and language not in LIKELY:
        territory = get_global("likely_subtags").get(language, "").rpartition("_")[2]
    return tuple(get_global("territory_zones").get(territory.upper(), ()))
