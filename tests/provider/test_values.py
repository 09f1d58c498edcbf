"""Single values in every possible spelling: dates, money, booleans, texts."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, strategies as st

from bot.provider import values
from tests.provider.world import BERLIN

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
ZONES = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]).map(ZoneInfo)
REAL_DAYS = st.dates(date(1990, 1, 2), date(2199, 12, 30))


def raw(content: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content))


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
    assert values.day(spelled, BERLIN) == day


@pytest.mark.parametrize(
    "never",
    [
        "-000001-11-29T23:06:32.000000Z",
        "-0001-11-30T00:00:00Z",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1989-12-31",
        "9999-12-31T23:59:59Z",
        "2022-02-30",
        "2022-13-01T00:00:00Z",
        "2022-12-27T25:00:00Z",
        "2022-W52-2",
        "27.12.2022",
        "20221227",
        "soon",
        "",
        None,
        0,
        1671999200,
        True,
        [],
        {},
    ],
)
def test_an_unreal_date_is_none(never: object) -> None:
    assert values.day(never, BERLIN) is None
    assert values.instant(never, BERLIN) is None


@given(REAL_DAYS, ZONES)
def test_the_instant_of_a_day_s_midnight_is_read_as_that_day(day: date, zone: ZoneInfo) -> None:
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    if midnight.astimezone(zone).date() != day:
        midnight = datetime.combine(day, time(12), zone).astimezone(UTC)  # Apia once skipped a whole day
    if midnight.astimezone(zone).date() == day:
        assert values.day(f"{midnight:%Y-%m-%dT%H:%M:%S.%f}Z", zone) == day
    assert values.day(day.isoformat(), zone) == day


@given(st.datetimes(datetime(1990, 1, 2), datetime(2199, 12, 30)))  # noqa: DTZ001  # made aware below
def test_an_instant_is_read_back_unchanged_in_utc(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert values.instant(moment.isoformat(), BERLIN) == moment


@pytest.mark.parametrize("spelled", [b"0", b"0.0", b'"0.00"', b'"0"', b"-0.00", b' "0.00" '])
def test_zero_is_zero_in_every_spelling(spelled: bytes) -> None:
    assert str(values.money(msgspec.Raw(spelled))) == "0.00"


@pytest.mark.parametrize(
    ("spelled", "amount"),
    [
        (b"7.95", "7.95"),
        (b'"7.95"', "7.95"),
        (b"1", "1.00"),
        (b"-3.5", "-3.50"),
        (b"1.005", "1.01"),
        (b"-1.005", "-1.01"),
        (b"0.1", "0.10"),
        (b"1e2", "100.00"),
        (b"123456789.123", "123456789.12"),
        (b"4.35", "4.35"),  # 4.3499… as a binary number
    ],
)
def test_money_is_exact_and_rounded_to_cents(spelled: bytes, amount: str) -> None:
    assert str(values.money(msgspec.Raw(spelled))) == amount


@pytest.mark.parametrize(
    "spelled",
    [b"null", b"true", b"[]", b"{}", b'""', b'"a lot"', b'"1,50"', b'"1.000,00"', b'"NaN"', b'"Infinity"', b'"-inf"',
     b"1e400", b'"1e999999999999999999"', b"1000000001", b'"\xc3\xa4"', b'"\xd9\xa1"', b'"' + b"1" * 99 + b'"', b"NaN"],
)  # fmt: skip
def test_unreadable_or_absurd_money_is_none(spelled: bytes) -> None:
    assert values.money(msgspec.Raw(spelled)) is None


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["number", "text"]))
def test_any_sum_is_read_back_to_the_cent_from_either_spelling(amount: Decimal, form: str) -> None:
    spelled = f"{amount:f}" if form == "number" else f'"{amount:f}"'
    assert values.money(msgspec.Raw(spelled.encode())) == amount


@given(st.binary())
def test_any_bytes_are_money_or_none(spelled: bytes) -> None:
    amount = values.money(msgspec.Raw(spelled))
    assert amount is None or (amount.is_finite() and amount == amount.quantize(Decimal("0.01")))


@pytest.mark.parametrize(("spelled", "rate"), [(b"19", "19"), (b'"7.7"', "7.7"), (b"0", "0")])
def test_a_percentage_is_not_changed(spelled: bytes, rate: str) -> None:
    assert values.percentage(msgspec.Raw(spelled)) == Decimal(rate)


@pytest.mark.parametrize("spelled", [b"-1", b"101", b"1e99", b'"x"', b"null"])
def test_an_impossible_percentage_is_none(spelled: bytes) -> None:
    assert values.percentage(msgspec.Raw(spelled)) is None


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (True, True), (1, True), ("1", True), ("true", True), (1.0, True),
        (False, False), (0, False), ("0", False), ("false", False),
        (None, None), ("", None), ("maybe", None), (2, None), (-1, None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_a_boolean_is_understood_in_every_spelling(value: object, meaning: bool | None) -> None:
    assert values.truth(value) is meaning


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "a\nb"), ("a\r\nb", "a\nb"), (" a\tb ", "a b"), ("a\x00\x07\x1b\x85b", "ab"), (7, "7"), (1.5, "1.5"),
        ("\u200b", ""), ("a\u202eb", "ab"), ("\u2066a\u2069\nb\u00ad", "a\nb"), ("a\ud800\ufffd", "a\ufffd"),
        ("\n\u200b\n", ""), ("\U0001f600 ü", "\U0001f600 ü"),
        (None, ""), (True, ""), ([], ""), ({}, ""), ("<b>&", "<b>&"),
    ],
)  # fmt: skip
def test_a_text_keeps_its_lines_and_loses_its_control_characters(value: object, text: str) -> None:
    assert values.text(value) == text


@given(st.text())
def test_a_text_holds_nothing_invisible_but_line_breaks(value: str) -> None:
    text = values.text(value)
    assert not [c for c in text if unicodedata.category(c).startswith("C") and c != "\n"]
    text.encode()


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "", "1.0", "-1", "٣", "x", None, 2**63, "9" * 50, "9" * 5000, []])
def test_an_impossible_id_is_none(value: object) -> None:
    assert values.identity(value) is None


@given(st.integers(1, 2**63 - 1))
def test_an_id_may_be_a_number_or_its_digits(number: int) -> None:
    assert values.identity(number) == values.identity(str(number)) == number


@given(JSON, ZONES)
def test_no_value_raises(value: Any, zone: ZoneInfo) -> None:
    values.day(value, zone)
    values.instant(value, zone)
    values.money(raw(value))
    values.percentage(raw(value))
    assert values.truth(value) in {True, False, None}
    assert isinstance(values.text(value), str)
    number = values.identity(value)
    assert number is None or number > 0
