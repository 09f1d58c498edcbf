"""Time zones, as people name them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.chat.zones import MAX_ZONES, city, find_zones, likely_zones, similar_zones


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
        ("Ljublj", "Europe/Ljubljana"),
        ("aires", "America/Argentina/Buenos_Aires"),
    ],
)
def test_a_city_a_country_or_the_zones_own_name_finds_it(text: str, zone: str) -> None:
    assert find_zones(text) == [zone]


def test_several_that_fit_are_all_found_up_to_what_can_be_offered() -> None:
    assert find_zones("Germany") == ["Europe/Berlin", "Europe/Busingen"]
    assert len(find_zones("america")) == MAX_ZONES


@pytest.mark.parametrize("text", ["", " ", "x", "?!", "Atlantis", "New", "USA", "\N{FIRE}", "x" * 5000])
def test_what_is_no_place_finds_none_or_several_and_never_one_by_chance(text: str) -> None:
    assert len(find_zones(text)) != 1


def test_a_mistyped_name_is_close_to_the_right_one() -> None:
    assert find_zones("Berln") == []
    assert similar_zones("Berln") == ["Europe/Berlin"]
    assert similar_zones("Zuerich") == ["Europe/Zurich"]


@given(st.text(max_size=60))
def test_whatever_is_typed_what_is_found_is_a_zone(text: str) -> None:
    for zone in (*find_zones(text), *similar_zones(text)):
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
