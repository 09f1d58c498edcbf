"""Sums, dates and spans in the reader's language, and the values in a text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, strategies as st
from markupsafe import Markup

from bot.chat.texts import Private, Texts, load_catalogue
from bot.domain.chats import LANGUAGES
from bot.errors import AnswerNotUnderstood, BotError, PermissionMissing, ProviderDown, Refused, SendRefused
from bot.sandbox.telegram.html import parse_html
from tests.chat.samples import BERLIN, DE, EN, NASTY, TODAY, TRANSLATIONS

SPACE = "\N{NO-BREAK SPACE}"


def test_there_are_texts_in_every_language() -> None:
    assert tuple(TRANSLATIONS) == LANGUAGES


@pytest.mark.parametrize(
    ("amount", "german", "english"),
    [
        ("7.95", f"7,95{SPACE}€", "€7.95"),
        ("0", f"0,00{SPACE}€", "€0.00"),
        ("1234.5", f"1.234,50{SPACE}€", "€1,234.50"),
        ("-3.00", f"-3,00{SPACE}€", "-€3.00"),
        ("7.954", f"7,954{SPACE}€", "€7.954"),
        ("0.0045", f"0,0045{SPACE}€", "€0.0045"),
        ("7.9500", f"7,95{SPACE}€", "€7.95"),
        ("1E+3", f"1.000,00{SPACE}€", "€1,000.00"),
    ],
)
def test_money_is_written_as_in_the_readers_country(amount: str, german: str, english: str) -> None:
    assert (DE.money(Decimal(amount)), EN.money(Decimal(amount))) == (german, english)


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        ("HUF", "1234.56", "HUF1,234.56"),
        ("ISK", "1234.56", "ISK1,234.56"),
        ("ISK", "1234.5", "ISK1,234.50"),
        ("ISK", "1234.00", "ISK1,234"),
        ("COP", "1234.56", "COP1,234.56"),
        ("JPY", "0.125", "JP¥0.125"),
        ("KWD", "1.234", "KWD1.234"),
        ("KWD", "1.50", "KWD1.500"),
        ("CLF", "1.2345", "CLF1.2345"),
    ],
)
def test_money_keeps_its_digits_in_every_currency(currency: str, amount: str, written: str) -> None:
    texts = Texts("en", currency, BERLIN, load_catalogue("en"), BERLIN)
    assert texts.money(Decimal(amount)) == written
    assert EN.money(Decimal(amount), currency) == written


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from(["EUR", "ISK", "KWD", "HUF", "CLF"]))
def test_no_sum_is_rounded(amount: Decimal, currency: str) -> None:
    digits = re.sub(r"[^0-9.]", "", EN.money(amount, currency))
    assert Decimal(digits) == abs(amount)


@pytest.mark.parametrize(
    ("currency", "amount", "typed"),
    [("EUR", "7.9", "7,90"), ("EUR", "11.9119", "11,9119"), ("KWD", "1.234", "1,234"), ("JPY", "120", "120")],
)
def test_a_sum_to_be_copied_is_typed_with_all_of_its_digits(currency: str, amount: str, typed: str) -> None:
    assert Texts("de", currency, BERLIN, load_catalogue("de"), BERLIN).typed(Decimal(amount)) == typed


def test_a_long_list_says_that_there_are_others() -> None:
    assert (EN.listing(["7", "3", "1"], 3), EN.listing(["7", "3", "1"], 2)) == ("7, 3 and 1", "7, 3 and others")
    assert DE.listing(["7", "3", "1"], 1) == "7 und weitere"


def test_money_is_in_the_operators_currency() -> None:
    assert Texts("de", "CHF", BERLIN, load_catalogue("de"), BERLIN).money(Decimal("7.95")) == f"7,95{SPACE}CHF"


def test_a_date_is_read_alike_on_both_sides_of_the_atlantic() -> None:
    assert (DE.day(date(2022, 12, 27)), EN.day(date(2022, 12, 27))) == ("27.12.2022", "27 Dec 2022")


def test_a_moment_is_told_in_the_providers_zone() -> None:
    before_midnight_utc = datetime(2022, 12, 26, 23, 30, tzinfo=UTC)
    assert DE.moment(before_midnight_utc) == "27.12.2022, 00:30"
    assert EN.moment(before_midnight_utc) == "27 Dec 2022, 00:30"


@pytest.mark.parametrize(
    ("days", "english", "german"),
    [
        (0, "today", "heute"),
        (1, "tomorrow", "morgen"),
        (-1, "yesterday", "gestern"),
        (2, "in 2 days", "in 2 Tagen"),
        (7, "in 7 days", "in 7 Tagen"),
        (31, "in 31 days", "in 31 Tagen"),
        (-2, "2 days ago", "vor 2 Tagen"),
        (-45, "45 days ago", "vor 45 Tagen"),
    ],
)
def test_a_day_is_told_as_seen_from_today(days: int, english: str, german: str) -> None:
    day = TODAY + timedelta(days=days)
    assert (EN.day_from(day, TODAY), DE.day_from(day, TODAY)) == (english, german)


@given(st.dates(), st.dates())
def test_any_day_can_be_told_from_any_other(day: date, today: date) -> None:
    assert EN.day_from(day, today)
    assert DE.day_from(day, today)


@pytest.mark.parametrize(
    ("span", "english", "german"),
    [
        (timedelta(minutes=10), "10 minutes", "10 Minuten"),
        (timedelta(hours=1), "60 minutes", "60 Minuten"),
        (timedelta(seconds=1), "1 second", "1 Sekunde"),
        (timedelta(days=3), "3 days", "3 Tage"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span: timedelta, english: str, german: str) -> None:
    assert (EN.span(span), DE.span(span)) == (english, german)


@pytest.mark.parametrize(
    ("span", "english", "german"),
    [
        (timedelta(minutes=5), "5 minutes ago", "vor 5 Minuten"),
        (timedelta(minutes=-5), "in 5 minutes", "in 5 Minuten"),
        (timedelta(hours=3), "3 hours ago", "vor 3 Stunden"),
        (timedelta(seconds=1), "1 second ago", "vor 1 Sekunde"),
        (timedelta(0), "now", "jetzt"),
        (timedelta(microseconds=400), "now", "jetzt"),
        (timedelta(microseconds=-400), "now", "jetzt"),
    ],
)
def test_what_lies_behind_and_ahead_is_told_apart(span: timedelta, english: str, german: str) -> None:
    assert (EN.ago(span), DE.ago(span)) == (english, german)


@pytest.mark.parametrize(
    ("rate", "english", "german"), [("19.00", "19", "19"), ("20", "20", "20"), ("7.5", "7.5", "7,5"), ("0", "0", "0")]
)
def test_a_rate_has_no_needless_zeros(rate: str, english: str, german: str) -> None:
    assert (EN.number(Decimal(rate)), DE.number(Decimal(rate))) == (english, german)


def test_counting_takes_the_grammatical_number() -> None:
    assert EN.count("status.waiting", 1) == "1 message is waiting to be sent."
    assert EN.count("status.waiting", 2) == "2 messages are waiting to be sent."
    assert DE.count("status.waiting", 1) == "1 Nachricht wartet darauf, gesendet zu werden."
    assert DE.count("status.waiting", 1200) == "1.200 Nachrichten warten darauf, gesendet zu werden."


def test_what_is_filled_in_is_escaped_and_markup_is_not() -> None:
    assert EN("payment.title", title="<b>&") == "&lt;b&gt;&amp;"
    assert EN("payment.title", title=Markup("<b>x</b>")) == "<b>x</b>"


@given(st.text())
def test_whatever_the_provider_sends_is_read_as_it_was_written(text: str) -> None:
    assert parse_html(EN("details.description", text=text)).text.strip() == text.strip()
    assert parse_html(EN("error.refused", reason=text)).text == f"The provider refused: “{text}”"


VALUES = st.text() | st.text().map(Markup) | st.integers() | st.decimals(allow_nan=False) | st.text().map(Private)


@given(VALUES, VALUES)
def test_a_text_is_filled_as_markup_would_fill_it(first: object, second: object) -> None:
    text = "<b>{first}</b> & {second}, {first}"
    assert EN._filled(text, {"first": first, "second": second}) == Markup(text).format(first=first, second=second)
    assert isinstance(EN._filled(text, {"first": first, "second": second}), Markup)


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_bare_names_which_need_no_formatting_of_their_own(language: str) -> None:
    catalogue: Any = load_catalogue(language)
    fields = [field for text in catalogue._catalog.values() for field in Formatter().parse(text) if field[1]]
    assert fields
    assert all(str(name).isidentifier() and not form and not turned for _, name, form, turned in fields)


def test_braces_of_the_provider_are_no_placeholders() -> None:
    assert EN("payment.title", title="{amount} {0}") == "{amount} {0}"
    assert EN.plain("button.pay", amount="{x}") == "💳 Pay {x} with credit"


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
@pytest.mark.parametrize(
    "error",
    [
        Refused(402, NASTY),
        Refused(402),
        PermissionMissing("access_invoices"),
        ProviderDown(),
        AnswerNotUnderstood("<html>"),
        SendRefused("chat is strange"),
        BotError(),
    ],
    ids=lambda error: error.key,
)
def test_an_error_is_a_sentence_without_what_is_only_for_the_log(t: Texts, error: BotError) -> None:
    sentence = parse_html(t.error(error)).text
    assert len(sentence) > 20
    assert "<html>" not in sentence
    assert "strange" not in sentence


def test_an_error_tells_the_reason_in_the_providers_words() -> None:
    assert parse_html(DE.error(Refused(402, NASTY))).text == f"Der Anbieter hat abgelehnt: „{NASTY}“"
