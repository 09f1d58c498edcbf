"""Time zones, as people name them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from babel.core import get_global
from hypothesis import given, strategies as st

from bot.chat import zones
from bot.chat.zones import ABBREVIATIONS, MAX_ZONES, city, likely_zones, named_zones, suggested_zones


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Vienna", "Europe/Vienna"),
        ("wien", "Europe/Vienna"),
        ("Österreich", "Europe/Vienna"),
        ("  austria ", "Europe/Vienna"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("new_york", "America/New_York"),
        ("zurich", "Europe/Zurich"),
        ("Zürich", "Europe/Zurich"),
        ("buenos aires", "America/Argentina/Buenos_Aires"),
        ("Sao Paulo", "America/Sao_Paulo"),
        ("Kolkata", "Asia/Kolkata"),
        ("Calcutta", "Asia/Kolkata"),
        ("utc", "Etc/UTC"),
        ("München", "Europe/Berlin"),
        ("Munich", "Europe/Berlin"),
        ("muenchen", "Europe/Berlin"),
        ("Mumbai", "Asia/Kolkata"),
        ("Bombay", "Asia/Kolkata"),
        ("Genf", "Europe/Zurich"),
        ("Москва", "Europe/Moscow"),
        ("Texas", "America/Chicago"),
        ("MEZ", "Europe/Berlin"),
        ("mesz", "Europe/Berlin"),
        ("CET", "Europe/Berlin"),
        ("CAT", "Africa/Maputo"),
        ("JST", "Asia/Tokyo"),
        ("UK", "Europe/London"),
    ],
)
def test_a_whole_city_country_abbreviation_or_name_of_a_zone_is_meant(text: str, zone: str) -> None:
    assert named_zones(text) == [zone]


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        ("Germany", {"Europe/Berlin", "Europe/Busingen"}),
        ("IST", {"Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"}),
        ("CST", {"America/Chicago", "America/Mexico_City", "America/Havana", "Asia/Shanghai"}),
        ("EST", {"America/New_York", "America/Panama"}),
        ("Indiana", {"America/Indiana/Indianapolis", "America/Chicago"}),
        ("Georgia", {"Asia/Tbilisi", "America/New_York"}),
        ("Birmingham", {"Europe/London", "America/Chicago"}),
    ],
)
def test_a_name_with_several_meanings_leads_to_all_of_them(text: str, zones: set[str]) -> None:
    assert set(named_zones(text)) == zones


def test_of_many_zones_those_with_the_most_people_are_found() -> None:
    assert named_zones("Mexico")[0] == "America/Mexico_City"
    assert len(named_zones("Mexico")) == MAX_ZONES
    assert named_zones("United States")[:2] == ["America/New_York", "America/Chicago"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "?!", "Atlantis", "New", "USA", "North", "Ljublj", "aires", "etc/gmt+3", "\N{FIRE}", "x" * 5000],
)
def test_a_part_of_a_name_or_none_at_all_never_stands_for_one_zone(text: str) -> None:
    assert len(named_zones(text)) != 1


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Berln", "Europe/Berlin"),
        ("Ljublj", "Europe/Ljubljana"),
        ("aires", "America/Argentina/Buenos_Aires"),
        ("Godthab", "America/Nuuk"),
        ("Düsseld", "Europe/Berlin"),
    ],
)
def test_a_part_of_a_name_and_a_mistyped_one_are_close_to_the_right_one(text: str, zone: str) -> None:
    assert suggested_zones(text) == [zone]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("UTC+2", 2), ("utc + 2", 2), ("UTC +02:00", 2), ("GMT+3", 3), ("GMT-3", -3), ("GMT 3", 3), ("+2", 2),
        ("\N{MINUS SIGN}4", -4), ("UTC\N{EN DASH}5", -5), ("+0200", 2), ("UTC+0", 0), ("UTC+14", 14), ("GMT-12", -12),
        ("UTC+5:30", 5.5), ("+5.5", 5.5), ("UTC+5,75", 5.75), ("Etc/GMT+3", -3),
    ],
)  # fmt: skip
def test_an_offset_is_read_as_people_mean_it(text: str, hours: float) -> None:
    found = named_zones(text)
    assert found
    for zone in found:
        assert datetime(2026, 7, 1, tzinfo=ZoneInfo(zone)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["UTC+15", "UTC-13", "UTC+99", "+1:99", "UTC+2:20", "UTC++2", "GMT+3 or so"])
def test_an_offset_that_no_place_has_is_none(text: str) -> None:
    assert named_zones(text) == []


def test_every_abbreviation_stands_for_zones_that_exist() -> None:
    assert {zone for zones in ABBREVIATIONS.values() for zone in zones} <= available_timezones()


def test_the_zones_of_the_large_cities_exist_and_are_called_as_everywhere_else() -> None:
    assert {zone for zone, _ in zones._cities()} <= available_timezones() - get_global("zone_aliases").keys()


@given(st.text(max_size=60))
def test_whatever_is_typed_what_is_found_is_a_zone(text: str) -> None:
    for zone in (*named_zones(text), *suggested_zones(text)):
        assert ZoneInfo(zone).key == zone
        assert city(zone, "de")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Europe/Vienna"),
        ("de-AT", "Europe/Vienna"),
        ("en", "America/New_York"),
        ("en-US", "America/Chicago"),
        ("fr", "Europe/Paris"),
        ("pt-br", "America/Sao_Paulo"),
    ],
)
def test_the_zones_of_a_language_are_offered_behind_the_providers(language: str, expected: str) -> None:
    offered = likely_zones(language, "Europe/Berlin")
    assert offered[0] == "Europe/Berlin"
    assert expected in offered
    assert len(offered) == len(set(offered)) <= MAX_ZONES


@pytest.mark.parametrize("language", [None, "", "xx", "zh-hans", "-", "☃"])
def test_of_a_language_that_tells_nothing_the_providers_zone_is_left(language: str | None) -> None:
    assert likely_zones(language, "Europe/Berlin")[0] == "Europe/Berlin"


def test_a_zone_is_called_by_its_city_in_the_readers_language() -> None:
    assert (city("Europe/Vienna", "de"), city("Europe/Vienna", "en")) == ("Wien", "Vienna")
    assert city("Etc/UTC", "de") == "UTC"
    assert (city("Etc/GMT-2", "de"), city("Etc/GMT+3", "en")) == ("UTC+2", "UTC-3")
