"""Dates in every form that PHP makes, and the many ways to say that there is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.provider import dates
from tests.provider.world import BERLIN

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["date", "timezone", "timestamp"]), inner),
    max_leaves=5,
)
ZONES = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]).map(ZoneInfo)
REAL_DAYS = st.dates(date(1990, 1, 2), date(2199, 12, 30))
DAY = date(2026, 11, 26)
UNIX = 1795647600
"""The midnight of DAY in Berlin."""


@pytest.mark.parametrize(
    ("spelled", "day"),
    [
        ("2022-12-26T23:00:00.000000Z", date(2022, 12, 27)),  # winter midnight
        ("2020-06-26T22:00:00.000000Z", date(2020, 6, 27)),  # summer midnight
        ("2022-12-27T00:00:00+01:00", date(2022, 12, 27)),
        ("2022-12-27", date(2022, 12, 27)),
        ("2022-12-27 00:00:00", date(2022, 12, 27)),  # without an offset: local
        (" 2022-12-27T23:59:59 ", date(2022, 12, 27)),
        ("2026-03-29T01:30:00Z", date(2026, 3, 29)),  # the night the clocks change
        ("2026-10-24T22:00:00Z", date(2026, 10, 25)),
        ("2026-10-25T23:00:00Z", date(2026, 10, 26)),
    ],
)
def test_a_day_is_that_of_the_provider_s_zone(spelled: str, day: date) -> None:
    assert dates.day(spelled, BERLIN) == day


@pytest.mark.parametrize(
    "spelled",
    [
        {"date": "2026-11-26 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/Berlin"},
        {"date": "2026-11-25 23:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2026-11-26 00:00:00.000000", "timezone_type": 1, "timezone": "+01:00"},
        {"date": "2026-11-26 00:00:00.000000", "timezone_type": 2, "timezone": "CET"},
        {"date": "2026-11-25 23:00:00.000000", "timezone_type": 2, "timezone": "Z"},
        {"year": 2026, "month": 11, "day": 26, "timestamp": UNIX, "formatted": "2026-11-26 00:00:00"},
        UNIX, f"{UNIX}", float(UNIX), UNIX * 1000, f"{UNIX}.5", UNIX * 1_000_000,
        "2026-11-26 00:00:00", "2026-11-26 00:00", "2026-11-26T00:00:00", "2026-11-26 00:00:00.123456789",
        "2026-11-26T00:00:00+0100", "2026-11-26T00:00:00+01", "2026-11-26 00:00:00 +01:00",
        "2026-11-26 00:00:00 Europe/Berlin", "2026-11-26 00:00:00 CET", "2026-11-25 23:00:00 UTC",
        "Thu, 26 Nov 2026 00:00:00 +0100", "Thu, 26 Nov 26 00:00:00 +0100", "Wed, 25 Nov 2026 23:00:00 GMT",
        "Thursday, 26-Nov-2026 00:00:00 CET", "Thursday, 26-Nov-26 00:00:00 CET",
        "Thu Nov 26 2026 00:00:00 GMT+0100", "Thu, Nov 26, 2026 12:00 AM", "November 26, 2026, 12:00 am",
        "26.11.2026", "26.11.2026 00:00", "26.11.2026, 00:00:00", "26-11-2026", "2026/11/26", "20261126", 20261126,
        "Nov 26, 2026", "November 26, 2026", "26 Nov 2026", "26 November 2026", "Thu, 26 Nov 2026",
        "Thursday 26th of November 2026 12:00:00 AM", "November 26th, 2026", "2026.11.26", f"@{UNIX}",
        "20261126000000", "20261126T000000", "20261125T230000Z", "20261126T000000+0100", 20261126000000,
        {"date": "2026-11-26 00:00:00.000000"}, {"date": "2026-11-26 00:00:00.000000", "timezone": None},
    ],
)  # fmt: skip
def test_a_day_is_read_in_every_form_that_php_makes(spelled: object) -> None:
    assert dates.day(spelled, BERLIN) == DAY
    assert not dates.is_missing(spelled, BERLIN)


NEVER: list[Any] = [
    "-000001-11-29T23:06:32.000000Z", "-0001-11-30T00:00:00Z", "0000-00-00", "0000-00-00 00:00:00",
    "0000-00-00T00:00:00.000000Z", "00.00.0000", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01 01:00:00",
    "30.11.-0001", "Wed, 30 Nov -0001 00:00:00 +0000", "0000-00-00 00:00:00 UTC", "00000000000000",
    "9999-12-31T23:59:59Z", "99991231235959", "", " ", "0", None, 0, 0.0, False, [], {}, -62169984000,
    {"date": "-0001-11-30 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/Berlin"},
    {"date": "0000-00-00 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
]  # fmt: skip
UNREADABLE: list[Any] = [
    "1989-12-31", "2022-02-30", "2022-13-01T00:00:00Z", "2022-12-27T25:00:00Z", "2022-W52-2", "05/11/2026", "soon",
    "next Thursday", "26. November 2026", "2026-11-26T00:00:00 Moon/Crater", "2026-11-26T00:00:00 ../../etc/passwd",
    "26.11", "26.11.26", "12:00", "x" * 5000, "٢٠٢٦-11-26", True, 5, 1e300, ["2026-11-26"], {"date": None},
    {"date": "soon", "timezone": "UTC"},
    "20261399000000", 12345678901234, "2026-11-26 -00:01 odd",
    {"date": "2026-11-26 00:00:00", "timezone_type": 2, "timezone": "QST"},
]  # fmt: skip


@pytest.mark.parametrize("never", NEVER)
def test_a_date_that_means_never_is_none_and_missing(never: object) -> None:
    assert dates.day(never, BERLIN) is None
    assert dates.instant(never, BERLIN) is None
    assert dates.is_missing(never, BERLIN)


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_a_date_that_cannot_be_read_is_none_and_not_missing(unreadable: object) -> None:
    assert dates.day(unreadable, BERLIN) is None
    assert dates.instant(unreadable, BERLIN) is None
    assert not dates.is_missing(unreadable, BERLIN)


@given(REAL_DAYS, ZONES)
def test_the_instant_of_a_day_s_midnight_is_read_as_that_day(day: date, zone: ZoneInfo) -> None:
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    if midnight.astimezone(zone).date() != day:
        midnight = datetime.combine(day, time(12), zone).astimezone(UTC)  # Apia once skipped a whole day
    if midnight.astimezone(zone).date() == day:
        assert dates.day(f"{midnight:%Y-%m-%dT%H:%M:%S.%f}Z", zone) == day
    assert dates.day(day.isoformat(), zone) == day


@given(st.datetimes(datetime(1990, 1, 2), datetime(2199, 12, 30)))  # noqa: DTZ001  # made aware below
def test_an_instant_is_read_back_unchanged_in_utc(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert dates.instant(moment.isoformat(), BERLIN) == moment


@given(REAL_DAYS, ZONES)
def test_any_day_is_read_back_from_php_s_own_form(day: date, zone: ZoneInfo) -> None:
    spelled = {"date": f"{day.isoformat()} 12:00:00.000000", "timezone_type": 3, "timezone": zone.key}
    assert dates.day(spelled, zone) == day


@given(JSON, ZONES)
def test_any_value_is_a_date_or_missing_or_unreadable(value: Any, zone: ZoneInfo) -> None:
    day, moment = dates.day(value, zone), dates.instant(value, zone)
    assert (day is None) == (moment is None)
    assert not (dates.is_missing(value, zone) and day is not None)
