"""Single values in every possible spelling: money, booleans, texts."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from bot.provider import values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def raw(content: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content))


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
        (b"1.005", "1.005"),
        (b"-1.005", "-1.005"),
        (b"1.500", "1.50"),
        (b'"1234.5600"', "1234.56"),
        (b'"1,234.56"', "1234.56"),
        (b'"-12,345,678.90"', "-12345678.90"),
        (b"0.0045", "0.0045"),
        (b"1.0000004", "1.00"),
        (b"-1.7763568394002505e-15", "0.00"),  # what 23.8 - 3.8 - 20 is in PHP
        (b"0.1", "0.10"),
        (b"1e2", "100.00"),
        (b"123456789.123", "123456789.123"),
        (b"4.35", "4.35"),  # 4.3499… as a binary number
    ],
)
def test_money_is_exact_and_keeps_the_digits_that_were_given(spelled: bytes, amount: str) -> None:
    assert str(values.money(msgspec.Raw(spelled))) == amount


@pytest.mark.parametrize(
    ("spelled", "amount"),
    [
        (b"7.95000000000000017763568394002504646778106689453125", "7.95"),
        (b"7.9500000000000001776356839400250464677810668945312", "7.95"),
        (b"0.1000000000000000055511151231257827", "0.10"),
        (b"0.30000000000000004", "0.30"),
        (b"2.67499999999999982236431605997495353221893310546875", "2.675"),  # a double that was meant as 2.675
        (b"1.00499999999999989341858963598497211933135986328125", "1.005"),
        (b"-23.800000000000000710542735760100185871124267578125", "-23.80"),
        (b"999999999.9900000095367431640625", "999999999.99"),
        (b'"7.950000000000000177635683940025046467781066894531"', "7.95"),
        (b"7.95" + b"0" * 300, "7.95"),
        (b"79500000000000001776e-19", "7.95"),
    ],
)
def test_a_binary_number_with_all_its_digits_is_the_sum_that_was_meant(spelled: bytes, amount: str) -> None:
    assert str(values.money(msgspec.Raw(spelled))) == amount


@given(st.integers(0, 4).flatmap(lambda n: st.decimals(-(10**9), 10**9, places=n)))
def test_any_sum_is_read_back_from_all_digits_of_its_binary_number(amount: Decimal) -> None:
    spelled = f"{Decimal(float(amount)):f}"
    assert values.money(msgspec.Raw(spelled.encode())) == amount


@pytest.mark.parametrize(
    "spelled",
    [b"null", b"true", b"[]", b"{}", b'""', b'"a lot"', b'"1,50"', b'"1.000,00"', b'"1,234"', b'"1,23.45"',
     b'"1234,567.00"', b'",234.56"', b'"NaN"', b'"Infinity"', b'"-inf"',
     b"1e400", b'"1e999999999999999999"', b"1000000001", b'"\xc3\xa4"', b'"\xd9\xa1"', b'"' + b"1" * 99 + b'"', b"NaN"],
)  # fmt: skip
def test_unreadable_or_absurd_money_is_none(spelled: bytes) -> None:
    assert values.money(msgspec.Raw(spelled)) is None


@given(st.integers(0, 4).flatmap(lambda n: st.decimals(-(10**9), 10**9, places=n)), st.sampled_from(["number", "text"]))
def test_any_sum_is_read_back_from_either_spelling(amount: Decimal, form: str) -> None:
    spelled = f"{amount:f}" if form == "number" else f'"{amount:f}"'
    assert values.money(msgspec.Raw(spelled.encode())) == amount


@given(st.binary())
def test_any_bytes_are_money_or_none(spelled: bytes) -> None:
    amount = values.money(msgspec.Raw(spelled))
    assert amount is None or (amount.is_finite() and amount == amount.quantize(values.FINEST))


@pytest.mark.parametrize(("spelled", "rate"), [(b"19", "19"), (b'"7.7"', "7.7"), (b"0", "0")])
def test_a_percentage_is_not_changed(spelled: bytes, rate: str) -> None:
    assert values.percentage(msgspec.Raw(spelled)) == Decimal(rate)


@pytest.mark.parametrize("spelled", [b"-1", b"101", b"1e99", b'"x"', b"null"])
def test_an_impossible_percentage_is_none(spelled: bytes) -> None:
    assert values.percentage(msgspec.Raw(spelled)) is None


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (True, True), (1, True), ("1", True), ("true", True), (1.0, True), ("TRUE", True), (" yes ", True),
        (False, False), (0, False), ("0", False), ("false", False), (0.0, False), ("False", False), ("no", False),
        ("on", True), ("off", False),
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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("M&uuml;ller &amp; S&#246;hne", "Müller & Söhne"),
        ("It&#039;s &quot;it&quot; &#x20AC;", 'It\'s "it" €'),
        ("&lt;b&gt;no markup&lt;/b&gt;", "<b>no markup</b>"),
        ("&amp;amp; &amp;uuml;", "&amp; &uuml;"),  # undone once
        ("AT&T R&D; a=1&copy=2 &nosuchname; & &; &#; &#x;", "AT&T R&D; a=1&copy=2 &nosuchname; & &; &#; &#x;"),
        ("a&#8238;b&shy;c&#0;&NewLine;d", "abc\ufffd\nd"),  # what can't be seen goes
        ("&#9999999;", "\ufffd"),
    ],
)
def test_characters_that_are_written_as_in_html_are_what_people_write(written: str, meant: str) -> None:
    assert values.text(written) == meant


@given(st.text(), st.sampled_from(["&#x202e;", "&#7;", "&zwj;", "&lrm;"]))
def test_a_text_holds_nothing_invisible_but_line_breaks(value: str, hidden: str) -> None:
    text = values.text(value + hidden)
    assert not [c for c in text if unicodedata.category(c).startswith("C") and c != "\n"]
    text.encode()


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "", "1.0", "-1", "٣", "x", None, 2**63, "9" * 50, "9" * 5000, []])
def test_an_impossible_id_is_none(value: object) -> None:
    assert values.identity(value) is None


@given(st.integers(1, 2**63 - 1))
def test_an_id_may_be_a_number_or_its_digits(number: int) -> None:
    assert values.identity(number) == values.identity(str(number)) == number


@given(JSON)
def test_no_value_raises(value: Any) -> None:
    values.money(raw(value))
    values.percentage(raw(value))
    assert values.truth(value) in {True, False, None}
    assert isinstance(values.text(value), str)
    number = values.identity(value)
    assert number is None or number > 0
