"""Which words look like tokens, and how a token is taken out of what stands around it."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from bot.domain.token_offers import FORGIVEN_AFTER, FREE_TRIES, PAUSES, TokenPause, longer_pause
from bot.domain.tokens import JOINTS, SPLIT, asks_to_link, is_sentence, looks_like_token, token_in

TOKEN = "a-token-of-the-provider-0123456789"
HEADER_TEXT = "".join(chr(code) for code in range(0x21, 0x7F))
SECOND = timedelta(seconds=1)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def found(text: str) -> str | None:
    token = token_in(text)
    return None if token is None else token.reveal()


# --- Taken out of its wrapping --------------------------------------------------------------------------------------

WRAPPED = [
    "{}", "  {}\n", "<{}>", '"{}"', "'{}'", "`{}`", "„{}“", "“{}”", "»{}«", "‚{}‘", "({})", "**{}**", "```\n{}\n```",  # noqa: RUF001
    "\u200b{}\u200b", "\ufeff{}", "\u2060{}\u00ad", "\u200e{}\u200f", "\N{NO-BREAK SPACE}{}",
    "Bearer {}", "bearer {}", "Token: {}", "Token:{}", "token={}", "API-Token: {}", "api_key={}", "My token is: {}.",
    "Authorization: Bearer {}", "Token:\n{}", "Mein Token: „{}“.", '{{"token": "{}"}}', '{{"token":"{}","x":1}}',
    "curl -H 'Authorization: Bearer {}' https://example.org/api/v1", "Here it is: {}, thanks!",
    "/link {}", "/link\n{}", "/link:{}", "/link={}", "/link: {}", "/link{}", "/LINK {}", "/link@invoice_bot {}",
    "/link@invoice_bot:{}", "/start {}", "/token {}", "/token:{}", "/link <{}>", "/link Token: {}", "/pay={}",
    "/link-{}", "/link_{}", "/link/{}", "/link|{}", "/link,{}", "/link\uff1a{}", "/link \N{EM DASH} {}",
    "/link\N{RIGHTWARDS ARROW}{}", "\u200b/link {}", "/link@AdasBot{}", "Token\uff1a{}", "Token=>{}", "token->{}",
    "PASSWORD={}", "secret={}", "Key {}", "Hier ist er:{}", "Passwort:{}", "Schl\u00fcssel: {}", "user:{}",
    "example.org/x?token={}", "https://example.org/?token={}",
    "https://example.org/api?api_key={}&x=1", "access_token={}&scope=x", "?token={}",
    "<code>{}</code>", "[{}](x)", "({}).", "{}.", "{},", "{}?", "{}\N{HORIZONTAL ELLIPSIS}", ":{}", "${}", "|{}|",
    "~~{}~~", "\N{KEY}{}", "{}\N{GRINNING FACE}", "\N{LEFT CORNER BRACKET}{}\N{RIGHT CORNER BRACKET}",
    "\N{ACUTE ACCENT}{}\N{ACUTE ACCENT}", "\N{FULLWIDTH QUOTATION MARK}{}\N{FULLWIDTH QUOTATION MARK}",
    "{}\N{IDEOGRAPHIC FULL STOP}", "\u2800{}\u3164", "\u034f{}\ufe0f", "\x00{}\x7f",
]  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_a_token_is_seen_and_taken_out_of_whatever_stands_around_it(wrapping: str) -> None:
    text = wrapping.format(TOKEN)
    assert looks_like_token(text)
    assert found(text) == TOKEN


@pytest.mark.parametrize("wrapping", ["{}", "<{}>", "/link {}", "/link:{}", "Bearer {}", "Token: {}", "\u200b„{}“"])
@pytest.mark.parametrize("short", ["short-one", "17|abc", "onlyletters", "DE89370400440532013000", "12345678"])
def test_what_was_asked_for_need_not_look_like_a_token(wrapping: str, short: str) -> None:
    expected = short if len(short) >= 8 else None
    assert found(wrapping.format(short)) == expected


@given(st.text(HEADER_TEXT, min_size=8, max_size=200))
def test_a_single_word_is_taken_as_it_stands_except_for_quotes_and_labels(text: str) -> None:
    is_plain = not SPLIT.search(text) and not JOINTS.search(text) and not set(text) & set("/:=")
    if is_plain and text[0].isalnum() and text[-1].isalnum():
        assert found(text) == text


@given(st.text())
def test_whatever_is_taken_as_a_token_can_stand_in_a_header(text: str) -> None:
    value = found(text)
    assert value is None or (8 <= len(value) <= 4096 and set(value) <= set(HEADER_TEXT))


@given(st.text(string.ascii_letters + string.digits, min_size=40, max_size=64), st.sampled_from(WRAPPED))
def test_any_token_of_the_usual_kind_comes_out_whole(random: str, wrapping: str) -> None:
    token = f"17|a1B2c3D4{random}"
    assert found(wrapping.format(token)) == token


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "short", "two words-and-more", "tökén-with-umlauts-1234567", "nul\x00inside-it", "x" * 4097,
        "/link", "/link@invoice_bot", "Bearer", "Token:", "two words that are long enough", "„“", "```\n```",
        f"{TOKEN} {TOKEN[::-1]}", "a line\nbreak in it",
    ],
)  # fmt: skip
def test_no_token_and_several_are_none(text: str) -> None:
    assert found(text) is None


def test_the_same_token_twice_is_one() -> None:
    assert found(f"{TOKEN}\n{TOKEN}") == TOKEN


# --- Which words look like one --------------------------------------------------------------------------------------

NO_TOKENS = [
    "DE89370400440532013000", "de89370400440532013000", "GB29NWBK60161331926819", "MT84MALT011000012345MTLCAST001S",
    "FR7630006000011234567890189", "DE89 3704 0044 0532 0130 00", "Meine IBAN ist DE89370400440532013000.",
    "RE-2026-11-000300001", "ORDER-2026-000123456789", "rechnung-2026-0003000010", "INV/2026/11/000300001234",
    "KD-12345/RE-2026-000300001", "Kundennummer#20261128000123", "Bestellnummer:1234567890123", "00340434161094042557",
    "+49-151-23456789012345", "300008,300009,300010,300011", "/pay 300008 300009 300010 300011",
    "2026-11-28T20:32:00+01:00", "2026-11-28T20:32:00.000000Z",
    "meine-sehr-lange-domain-24.example.de", "v2202311208765432109.example-server.de", "_dmarc.meine-firma24.example",
    "shop24.meine-lange-domain.de/bestellung/4711", "server-01.kunden.example.org:8443/pfad/zu/x1",
    "https://example.org/invoice/4711?x=12345678901234", "WWW.example.org/invoice/4711", "http://192.168.1.20:8080/a/b",
    "ada.lovelace.1815@example.org", "Rechnung_2026-11-28_300001.pdf", "rechnung_300001_2026_november.pdf",
    "2a01:4f8:c17:1234:5678:9abc:def0:1", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2a01:4f8:c17:1234::1/64",
    "Donaudampfschifffahrtsgesellschaft", "Rechnungsstellungsverfahren", "Rechnungsnummer 4711 bitte",
    "Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsverordnung2", "nineteen-letters-19",
    "KVM-Server-2022-Lizenz", "Windows-Server-2022-Datacenter", "Jahresabrechnung-2026-Hosting",
    "client/invoices/300001/download", "/var/lib/bot/data/chats/4711.json", "America/Argentina/Buenos_Aires",
    '{"id":300001,"status":"Unpaid"}', "status=Unpaid&type=Hosting1&page=2", "/start inv_300001", "/invoice 300001",
    "/reference KD-123456-HOSTING2026", "/reference 123456-Verwendung2026",
    "INV-2026-AB12-000123456", "ORDER-2026-1128-XKCD12-7", "DE89-3704-0044-0532-0130-00", "IBAN:DE89370400440532013000",
    "firstname.lastname.verylong1815@example.org", "mailto:ada.lovelace.with.numbers1815@example.de",
    "rechnung_300001_2026_november(1).pdf", "include:_spf1.example.com", "eine-lange-domain-2026.xn--p1ai",
    "example.de?session=abcdef0123456789abcdef", "https://example.org/a/550e8400-e29b-41d4-a716-446655440000",
    "[2a01:4f8:c17:1234:5678:9abc:def0:1]:8443", "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
    "shop24.meine-lange-domain.de,shop25.meine-lange-domain.de", "#rechnung2026november300001",
    "@some_very_long_name_2026x",
    "Token: abgelaufen", "/token expired", "Bearer 12345678", "My key: 28.11.2026",
    "Wann wird Rechnung 300001 vom 28.11.2026 (7,95 €) fällig?",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_TOKENS)
def test_numbers_addresses_files_and_words_do_not_look_like_tokens(text: str) -> None:
    assert not looks_like_token(text)


TOKENS = [
    TOKEN, "sandbox-token-of-ada-0123456789", "17|laravel_sanctum_AbCdEf0123456789abcdefABCDEF01234567",
    "550e8400-e29b-41d4-a716-446655440000", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "123456789:AAEhBP0av28mLK1w6kq5aBcDeFgHiJkLmNo", "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG0=",
]  # fmt: skip


@pytest.mark.parametrize("text", TOKENS)
def test_the_usual_kinds_of_tokens_look_like_tokens(text: str) -> None:
    assert looks_like_token(text)


@pytest.mark.parametrize("text", ["Bearer {}", "Token: {}", "Token:{}", "/token {}", "My API key: {}.", "api_key={}"])
def test_a_single_word_that_is_called_a_token_looks_like_one_though_it_is_short(text: str) -> None:
    assert looks_like_token(text.format("s3cret-word"))
    assert found(text.format("s3cret-word")) == "s3cret-word"
    assert not looks_like_token(text.format("s3cret-word") + " is no longer good")


@given(st.binary(min_size=32, max_size=48))
def test_hardly_any_random_token_is_missed(content: bytes) -> None:
    spelled = [content.hex(), base64.urlsafe_b64encode(content).decode().rstrip("="), f"17|{content.hex()}"]
    seen = [looks_like_token(each) for each in spelled]
    # A few look like a number: bytes whose hexadecimal digits are nearly all decimal.
    letters = sum(map(str.isalpha, content.hex()))
    assert all(seen) or letters * 3 <= 2 * len(content) or not any(map(str.isdigit, spelled[1]))


@given(st.text(HEADER_TEXT + " ü", min_size=15, max_size=30))
def test_what_looks_like_a_token_is_long_and_has_letters_and_digits(text: str) -> None:
    if looks_like_token(text):
        words = [word for word in text.replace("ü", " ").split() if len(word) >= 20]
        assert any(set(word) & set(string.digits) and set(word) & set(string.ascii_letters) for word in words)


@pytest.mark.parametrize("text", [f"/link {TOKEN}", f"/link:{TOKEN}", f"/LINK={TOKEN}", f"/link{TOKEN}", "/link abc"])
@pytest.mark.parametrize("lead", ["", " "])
def test_link_asks_to_link_in_any_spelling(text: str, lead: str) -> None:
    assert asks_to_link(lead + text)


@pytest.mark.parametrize("text", ["/link", "/link@invoice_bot", "/linked 1", "/links", TOKEN, f"/start {TOKEN}", ""])
def test_other_texts_do_not(text: str) -> None:
    assert not asks_to_link(text)


@pytest.mark.parametrize("text", ["Where do I find it?", "/link Where is that?", "Ich habe noch keinen, sorry!"])
def test_several_ordinary_words_are_a_sentence(text: str) -> None:
    assert is_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Where?",
        "two words",
        "abcdefgh\nijklmnop",
        "my token is t0ken-ab",
        "Token: a1b2c3d4 e5f6g7h8",
        f"It is {TOKEN}",
        f"Schlüssel:{TOKEN} ist der hier",
    ],
)
def test_what_may_hold_a_token_or_a_part_of_one_is_none(text: str) -> None:
    assert not is_sentence(text)


# --- Wrong tokens ---------------------------------------------------------------------------------------------------


def after(refusals: int) -> TokenPause | None:
    pause = None
    for _ in range(refusals):
        pause = longer_pause(pause, 7, NOW)
    return pause


def test_the_pause_begins_with_the_third_wrong_token_and_grows_up_to_an_hour() -> None:
    pauses = [pause.left(NOW) for count in range(1, 12) if (pause := after(count))]
    assert pauses[: FREE_TRIES - 1] == [timedelta(0)] * (FREE_TRIES - 1)
    assert tuple(pauses[FREE_TRIES - 1 :]) == PAUSES + PAUSES[-1:] * (len(pauses) - FREE_TRIES + 1 - len(PAUSES))
    assert sorted(PAUSES) == list(PAUSES)


@given(st.integers(1, 20), st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_whatever_the_clock_does_nobody_waits_longer_than_the_pause(count: int, step: timedelta) -> None:
    pause = after(count)
    assert pause is not None
    assert timedelta(0) <= pause.left(NOW + step) <= pause.left(NOW)


def test_after_a_day_a_person_begins_anew() -> None:
    pause = after(10)
    assert pause is not None
    assert pause.left(NOW + FORGIVEN_AFTER) == timedelta(0)
    assert longer_pause(pause, 7, NOW + FORGIVEN_AFTER).refused == 1
    assert longer_pause(pause, 7, NOW + FORGIVEN_AFTER - SECOND).refused == 11
