"""The operator's settings: one message lists all errors, and no message holds a secret."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import FrozenInstanceError, asdict, fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest
from holidays.holiday_base import HolidayBase
from hypothesis import HealthCheck, example, given, settings as hypothesis_settings, strategies as st
from psycopg.conninfo import conninfo_to_dict

from bot.domain.chats import Preferences, QuietHours
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.topping_up import Payee, TopUpWays
from bot.errors import StartError
from bot.settings import PUBLIC_TELEGRAM, Secret, Settings, load_settings

BOT_TOKEN = "123456789:AAbot-token-that-is-secret"
GOOD = {"TELEGRAM_BOT_TOKEN": BOT_TOKEN, "PROVIDER_URL": "https://hosting.example/api/v1"}
SMALL = {name.lower(): value for name, value in GOOD.items()}
ANYWHERE = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = [each.name.upper() for each in fields(Settings)]


@pytest.fixture(autouse=True)
def empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove .env and all settings from the surroundings, in any letter case."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper() in NAMES:
            monkeypatch.delenv(name)


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    with pytest.raises(StartError) as caught:
        load(monkeypatch, **environment)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_the_names_of_the_settings_do_not_change() -> None:
    assert set(NAMES) == {
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_API_URL",
        "PROVIDER_URL",
        "PROVIDER_TIMEZONE",
        "CURRENCY",
        "CHECK_INTERVAL",
        "PROVIDER_RATE",
        "REMINDER_DAYS",
        "OVERDUE_DAYS",
        "REMINDER_HOUR",
        "QUIET_HOURS",
        "HOLIDAYS",
        "SUSPEND_AFTER",
        "DELETE_AFTER",
        "NO_GRACE",
        "TRANSFER_DAYS",
        "TOP_UP_URL",
        "TRANSFER_TO",
        "PROVIDER_SITE",
        "HEARTBEAT_URL",
        "PUBLIC_URL",
        "DATA_DIR",
        "DATABASE_URL",
        "DATABASE_CONNECTIONS",
        "DATABASE_TIMEOUT",
        "TOKEN_KEYS",
        "ALLOWED_USERS",
        "PAYMENTS",
        "MAX_PAYMENT",
        "CONFIRMATION_MINUTES",
        "WEB_LISTEN",
        "WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "LOG_LEVEL",
        "LOG_FORMAT",
    }


def test_a_database_is_given_as_a_postgresql_url(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD, DATABASE_URL="postgresql://bot:pass%2Fword-1@db.example/bot")
    assert settings.database_url is not None
    assert {"pass%2Fword-1", "pass/word-1"} <= set(settings.secrets)
    assert "pass" not in repr(settings)
    with pytest.raises(StartError, match="DATABASE_URL must be of the form postgresql://") as refused:
        load(monkeypatch, **GOOD, DATABASE_URL="mysql://bot:pass-word-1@db.example/bot")
    assert "pass-word-1" not in str(refused.value)


SIGNS = "@/?#:%[] \\\"'&=+,;|ä"


@ANYWHERE
@example(left="0000", signs="?@", right="0000", rest="@db.example/bot")
@given(
    left=st.text("abcdefXYZ019", min_size=4, max_size=9),
    signs=st.text(SIGNS, min_size=1, max_size=3),
    right=st.text("abcdefXYZ019", min_size=4, max_size=9),
    rest=st.sampled_from(["@db.example/bot", "@db.example:5432/bot?sslmode=require", "@[::1]/bot", ""]),
)
def test_a_password_with_any_signs_in_it_is_read_right_or_refused_with_a_sentence_that_shows_none_of_it(
    left: str, signs: str, right: str, rest: str
) -> None:
    password = left + signs + right
    url, said, settings = f"postgresql://bot:{password}{rest}", "", None
    try:
        settings = load_settings(_env_file=None, **SMALL, database_url=url)
    except StartError as refused:
        said = str(refused)
    assert [part for part in (left, right) if part in said] == []
    if settings is None or settings.database_url is None:
        assert "DATABASE_URL must be of the form postgresql://USER:PASSWORD@HOST/DATABASE" in said
        return
    known = conninfo_to_dict(settings.database_url.get_secret_value())
    if rest:  # without it, the password may well look like a host or a port
        assert known["password"] in settings.secrets
        assert known["host"] in {"db.example", "::1"}


@ANYWHERE
@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_any_password_can_be_given_with_its_signs_as_percents(password: str) -> None:
    url = f"postgresql://bot:{quote(password, safe='')}@db.example/bot"
    settings = load_settings(_env_file=None, **SMALL, database_url=url)
    assert conninfo_to_dict(url)["password"] == password
    assert password in settings.secrets


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgres://db.example",
        "postgresql:///bot?host=/run/postgresql&user=bot",
        "postgresql://bot@/bot",
        "postgresql://b%C3%B6t:word-of-pass@one:5432,two,[::1]:5433/bot?target_session_attrs=read-write",
    ],
)
def test_whatever_form_a_database_url_may_have_is_accepted(url: str) -> None:
    settings = load_settings(_env_file=None, **SMALL, database_url=url)
    assert settings.database_url is not None


def test_a_password_among_the_parameters_of_the_database_url_is_a_secret_too() -> None:
    url = "postgresql://db.example/bot?user=bot&password=word%2Dof-pass&sslpassword=another-word"
    settings = load_settings(_env_file=None, **SMALL, database_url=url)
    assert {"word-of-pass", "another-word"} <= set(settings.secrets)


@pytest.mark.parametrize("name", ["provider_url", "telegram_api_url", "webhook_url"])
@pytest.mark.parametrize(
    "url", ["https://user:word-of-pass/x@host/api", "https://user:word-of-pass℀@host/api", "https://[word-of-pass/api"]
)
def test_a_malformed_address_is_refused_without_showing_what_is_in_it(name: str, url: str) -> None:
    with pytest.raises(StartError, match=f"{name.upper()} must be a (plain )?web address") as refused:
        load_settings(_env_file=None, **SMALL | {name: url})
    assert "word-of-pass" not in str(refused.value)


def test_two_settings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD)
    assert settings.telegram_bot_token.get_secret_value() == BOT_TOKEN
    assert settings.provider_url == "https://hosting.example/api/v1"
    assert settings.telegram_api_url == PUBLIC_TELEGRAM
    assert settings.provider_timezone == settings.zone.key == "Europe/Berlin"
    assert (settings.currency, settings.check_interval, settings.data_dir) == ("EUR", 900, Path("data"))
    assert (settings.reminder_days, settings.overdue_days, settings.reminder_hour) == ((7, 3, 1, 0), (1, 3, 7), 9)
    assert (settings.quiet_hours, settings.holidays) == (QuietHours(22, 8), "")
    assert (settings.token_keys, settings.allowed_users) == ((), None)
    assert settings.payment_rules == PaymentRules(on=True, limit=None, lifetime=timedelta(minutes=10))
    assert (settings.log_level, settings.log_format) == ("INFO", "console")


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        **GOOD,
        TELEGRAM_API_URL="http://127.0.0.1:8081/",
        PROVIDER_TIMEZONE="America/New_York",
        CURRENCY="usd",
        CHECK_INTERVAL="1",
        REMINDER_DAYS="14, 2,,0",
        OVERDUE_DAYS="5",
        REMINDER_HOUR="0",
        QUIET_HOURS="23 - 07",
        HOLIDAYS="de-by",
        DATA_DIR="/var/lib/bot",
        TOKEN_KEYS="key-one, key-two",
        ALLOWED_USERS="11, 12,,13",
        PAYMENTS="Off",
        MAX_PAYMENT="50.00",
        CONFIRMATION_MINUTES="2.5",
        LOG_LEVEL="debug",
        LOG_FORMAT="json",
    )
    assert settings.telegram_api_url == "http://127.0.0.1:8081"
    assert settings.zone.key == "America/New_York"
    assert (settings.currency, settings.check_interval, settings.data_dir) == ("USD", 1, Path("/var/lib/bot"))
    assert (settings.reminder_days, settings.overdue_days, settings.reminder_hour) == ((14, 2, 0), (5,), 0)
    assert (settings.quiet_hours, settings.holidays) == (QuietHours(23, 7), "de-by")
    assert [key.get_secret_value() for key in settings.token_keys] == ["key-one", "key-two"]
    assert settings.allowed_users == frozenset({11, 12, 13})
    assert settings.payment_rules == PaymentRules(on=False, limit=Decimal(50), lifetime=timedelta(seconds=150))
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_an_env_file_is_read_and_the_environment_takes_precedence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{name}={value}" for name, value in GOOD.items()]
    (tmp_path / ".env").write_text("\n".join(["# a remark", *lines, "CURRENCY=CHF", "LOG_LEVEL='DEBUG'", "OTHER=1"]))
    settings = load(monkeypatch, CURRENCY="USD")
    assert settings.telegram_bot_token.get_secret_value() == BOT_TOKEN
    assert (settings.currency, settings.log_level) == ("USD", "DEBUG")


def test_the_example_is_an_env_file_without_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path(__file__).parent.parent / ".env.example"
    (tmp_path / ".env").write_text(example.read_text())
    settings = load(monkeypatch, TELEGRAM_BOT_TOKEN=BOT_TOKEN, PROVIDER_URL="https://hosting.example/api")
    assert settings.provider_url == "https://hosting.example/api"


def test_the_examples_token_in_the_file_is_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text((Path(__file__).parent.parent / ".env.example").read_text())
    assert "  TELEGRAM_BOT_TOKEN is still that of the example." in refusal(monkeypatch)
    assert "  PROVIDER_URL is still that of the example. Put the address of" in refusal(monkeypatch)


def test_an_empty_value_counts_as_unset_in_the_environment_and_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optional = [name for name in NAMES if name not in {*GOOD, "QUIET_HOURS"}]
    in_file, in_environment = optional[::2], optional[1::2]
    (tmp_path / ".env").write_text("\n".join(f"{name}=" for name in in_file))
    with_empty = load(monkeypatch, **GOOD, **dict.fromkeys(in_environment, ""))
    for name in in_environment:
        monkeypatch.delenv(name)
    (tmp_path / ".env").unlink()
    assert with_empty == load_settings()


@pytest.mark.parametrize("empty", ["", " "])
def test_empty_quiet_hours_are_none_and_empty_holidays_are_off(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    settings = load(monkeypatch, **GOOD, QUIET_HOURS=empty, HOLIDAYS=empty)
    assert settings.quiet_hours is None
    assert settings.is_banking_day is None


def test_an_empty_value_in_the_file_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("QUIET_HOURS=\nHOLIDAYS=\nREMINDER_DAYS=\nOVERDUE_DAYS=\nREMINDER_HOUR=\n")
    settings = load(monkeypatch, **GOOD)
    assert settings.preferences == Preferences(quiet=None)
    assert settings.is_banking_day is None


def test_an_empty_required_setting_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "PROVIDER_URL is missing" in refusal(monkeypatch, TELEGRAM_BOT_TOKEN=BOT_TOKEN, PROVIDER_URL="")


def test_a_list_of_blanks_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a stray blank would silently shut everybody out."""
    settings = load(monkeypatch, **GOOD, ALLOWED_USERS=" ", TOKEN_KEYS="  ", REMINDER_DAYS=" ", OVERDUE_DAYS=" ")
    assert (settings.allowed_users, settings.token_keys) == (None, ())
    assert (settings.reminder_days, settings.overdue_days) == ((7, 3, 1, 0), (1, 3, 7))


@pytest.mark.parametrize("name", ["ALLOWED_USERS", "TOKEN_KEYS", "REMINDER_DAYS", "OVERDUE_DAYS"])
def test_a_list_of_commas_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert f"  {name} holds nothing but commas" in refusal(monkeypatch, **GOOD, **{name: ", ,"})


@pytest.mark.parametrize("address", ["https://host/api/v1/", " https://host/api/v1 ", "https://host/api/v1"])
def test_an_address_keeps_its_path_and_loses_slashes_and_blanks(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert load(monkeypatch, **{**GOOD, "PROVIDER_URL": address}).provider_url == "https://host/api/v1"


def test_settings_do_not_change_once_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD)
    with pytest.raises(FrozenInstanceError):
        settings.currency = "USD"  # type: ignore[misc]  # that is what is tried


def test_the_settings_are_the_defaults_of_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, **GOOD).preferences == Preferences()
    changed = {"REMINDER_DAYS": "5,0", "OVERDUE_DAYS": "2", "REMINDER_HOUR": "7", "QUIET_HOURS": "21-6"}
    expected = Preferences(before=(5, 0), after=(2,), hour=7, quiet=QuietHours(21, 6))
    assert load(monkeypatch, **GOOD, **changed).preferences == expected


@pytest.mark.parametrize(
    ("place", "free", "working"),
    [
        ("DE", [date(2026, 10, 3), date(2026, 12, 25), date(2026, 11, 21)], [date(2026, 11, 20), date(2026, 1, 6)]),
        ("de-by ", [date(2026, 1, 6)], [date(2026, 1, 7)]),
        ("US", [date(2026, 11, 26)], [date(2026, 12, 28)]),
    ],
)
def test_holidays_are_those_of_the_country_or_of_its_part(
    monkeypatch: pytest.MonkeyPatch, place: str, free: list[date], working: list[date]
) -> None:
    is_banking_day = load(monkeypatch, **GOOD, HOLIDAYS=place).is_banking_day
    assert is_banking_day is not None
    assert [is_banking_day(day) for day in (*free, *working)] == [False] * len(free) + [True] * len(working)


def test_a_thread_that_asks_while_a_years_holidays_are_being_found_waits_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_banking_day, christmas = load(monkeypatch, **GOOD, HOLIDAYS="DE").is_banking_day, date(2026, 12, 25)
    assert is_banking_day is not None
    finding, found = Event(), HolidayBase._populate

    def slowly(self: HolidayBase, year: int) -> None:
        finding.set()
        time.sleep(0.05)
        found(self, year)

    monkeypatch.setattr(HolidayBase, "_populate", slowly)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(is_banking_day, christmas)
        assert finding.wait(5)
        second = threads.submit(is_banking_day, christmas)
        assert not second.result()
        assert not first.result()


# --- Refusals --------------------------------------------------------------------------------------------------------


def test_everything_missing_or_wrong_is_listed_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "TELEGRAM_API_URL": "localhost:8081",
        "PROVIDER_TIMEZONE": "Europe/Atlantis",
        "CURRENCY": "EURO",
        "CHECK_INTERVAL": "often",
        "REMINDER_DAYS": "soon",
        "OVERDUE_DAYS": "late",
        "REMINDER_HOUR": "nine",
        "QUIET_HOURS": "at night",
        "HOLIDAYS": "Germany",
        "ALLOWED_USERS": "11,ada",
        "LOG_LEVEL": "loud",
        "LOG_FORMAT": "xml",
    }
    message = refusal(monkeypatch, **wrong)
    lines = message.splitlines()
    assert [line for line in lines if "is missing" in line] == [
        "  TELEGRAM_BOT_TOKEN is missing. It must be a token that @BotFather gives you.",
        "  PROVIDER_URL is missing. It must be the address of the provider's API.",
    ]
    for name in wrong:
        assert sum(line.startswith(f"  {name}") for line in lines) == 1, name
    assert ".env" in lines[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_BOT_TOKEN", "no-colon-in-it"),
        ("TELEGRAM_BOT_TOKEN", "letters:AAA"),
        ("TELEGRAM_BOT_TOKEN", "123456789:"),
        ("PROVIDER_URL", "provider.example"),
        ("PROVIDER_URL", "ftp://provider.example"),
        ("PROVIDER_URL", "https://"),
        ("PROVIDER_URL", "https://user:word@provider.example"),
        ("PROVIDER_URL", "https://provider.example/?a=b"),
        ("PROVIDER_URL", "https://provider.example/#a"),
        ("PROVIDER_URL", "https://provider.example:99999"),
        ("PROVIDER_URL", "https://provider.example:0"),
        ("PROVIDER_URL", "https://[::1"),
        ("PROVIDER_TIMEZONE", "Europe"),
        ("PROVIDER_TIMEZONE", "../../etc/passwd"),
        ("CURRENCY", "XYZ"),
        ("CHECK_INTERVAL", "0"),
        ("CHECK_INTERVAL", "0.5"),
        ("CHECK_INTERVAL", "nan"),
        ("CHECK_INTERVAL", "inf"),
        ("CHECK_INTERVAL", "-1"),
        ("PAYMENTS", "maybe"),
        ("MAX_PAYMENT", "0"),
        ("MAX_PAYMENT", "-5"),
        ("MAX_PAYMENT", "1.005"),
        ("MAX_PAYMENT", "a lot"),
        ("MAX_PAYMENT", "NaN"),
        ("CONFIRMATION_MINUTES", "0"),
        ("CONFIRMATION_MINUTES", "inf"),
        ("REMINDER_DAYS", "-1"),
        ("REMINDER_DAYS", "366"),
        ("REMINDER_DAYS", "7;3"),
        ("OVERDUE_DAYS", "0"),
        ("OVERDUE_DAYS", "366"),
        ("REMINDER_HOUR", "24"),
        ("REMINDER_HOUR", "-1"),
        ("REMINDER_HOUR", "9:00"),
        ("QUIET_HOURS", "9" * 5000 + "-8"),
        ("SUSPEND_AFTER", "-1"),
        ("SUSPEND_AFTER", "soon"),
        ("DELETE_AFTER", "0"),
        ("NO_GRACE", ","),
        ("TRANSFER_DAYS", "0"),
        ("TOP_UP_URL", "provider.example/topup"),
        ("TOP_UP_URL", "http://provider.example/topup"),
        ("TOP_UP_URL", "ftp://provider.example/topup"),
        ("TOP_UP_URL", "https://"),
        ("TOP_UP_URL", "https://provider/topup"),
        ("TOP_UP_URL", "https://ada:secret@provider.example/topup"),
        ("PROVIDER_SITE", "javascript:alert(1)"),
        ("PROVIDER_SITE", "http://provider.example"),
        ("PROVIDER_SITE", "https://provider.example/a b"),
        ("TRANSFER_TO", "DE89370400440532013000"),
        ("TRANSFER_TO", "; Example GmbH"),
        ("TRANSFER_TO", "DE89370400440532013000;"),
        ("TRANSFER_TO", "DE89370400440532013000; " + "x" * 71),
        ("TRANSFER_TO", "DE88370400440532013000; Example GmbH"),
        ("TRANSFER_TO", "DE8937040044053201300; Example GmbH"),
        ("TRANSFER_TO", "XX89370400440532013000; Example GmbH"),
        ("TRANSFER_TO", "Example GmbH; DE89370400440532013000"),
        ("HEARTBEAT_URL", "hc.example/ping"),
        ("PUBLIC_URL", "bot.example"),
        ("PUBLIC_URL", "http://bot.example"),
        ("PUBLIC_URL", "https://user@bot.example"),
        ("PUBLIC_URL", "https://bot.example/?x=1"),
        ("HEARTBEAT_URL", "ftp://hc.example/ping"),
        ("HEARTBEAT_URL", "https:///ping"),
        ("HEARTBEAT_URL", "https://hc.example/ping me"),
        ("HOLIDAYS", "XX"),
        ("HOLIDAYS", "DE-XX"),
    ],
)
def test_an_impossible_value_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    message = refusal(monkeypatch, **{**GOOD, name: value})
    assert f"  {name}" in message
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("QUIET_HOURS", "22", "must be two different full hours, such as 22-8, or empty for none"),
        ("QUIET_HOURS", "22-22", "must be two different full hours, such as 22-8, or empty for none"),
        ("QUIET_HOURS", "0-24", "must be two different full hours, such as 22-8, or empty for none"),
        ("QUIET_HOURS", "22:00-8:00", "must be two different full hours, such as 22-8, or empty for none"),
        ("QUIET_HOURS", "22-8-9", "must be two different full hours, such as 22-8, or empty for none"),
        ("HOLIDAYS", "Germany", "must be a country such as DE, or a part of one such as DE-BY"),
        ("REMINDER_DAYS", "7,366", "must be days from 0 to 365, such as 7,3,1,0. One of them is '366'"),
        ("OVERDUE_DAYS", "0", "must be days from 1 to 365, such as 1,3,7. One of them is '0'"),
        ("REMINDER_HOUR", "24", "must be a full hour from 0 to 23. It is '24'"),
        ("CHECK_INTERVAL", "often", "must be a number of seconds from 1 to 604800. It is 'often'"),
        ("PROVIDER_RATE", "inf", "must be a number above 0: so many requests a second; or empty. It is 'inf'"),
        ("ALLOWED_USERS", "11,ada", "must be Telegram user numbers such as 123456789, separated by commas"),
        ("TOP_UP_URL", "www", "must be the address of a page that people can open, such as https://HOST/page"),
        ("TRANSFER_TO", "GmbH", "must be an IBAN and a name, such as DE89 3704 0044 0532 0130 00; Example GmbH"),
        (
            "TRANSFER_TO",
            "DE89 3704 0044 0532 0130 01; Example GmbH",
            "must begin with a valid IBAN: compare every digit, the check digits don't fit",
        ),
    ],
)
def test_the_refusal_of_a_value_says_what_is_possible(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    line = refusal(monkeypatch, **GOOD, **{name: value}).splitlines()[1]
    assert line.startswith(f"  {name}")
    assert f"{name} {advice}." in line


def test_the_providers_calendar_claims_nothing_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, **GOOD, SUSPEND_AFTER="", NO_GRACE="").provider_calendar == ProviderCalendar()
    chosen = load(
        monkeypatch, **GOOD, SUSPEND_AFTER="0", DELETE_AFTER="6", NO_GRACE="Domain, Dedicated", TRANSFER_DAYS="3"
    )
    assert chosen.provider_calendar == ProviderCalendar(0, 6, frozenset({"domain", "dedicated"}), 3)


def test_the_ways_to_top_up_are_unset_or_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = load(monkeypatch, **GOOD, TOP_UP_URL="", TRANSFER_TO="", PROVIDER_SITE="")
    assert (unset.top_up_ways, unset.provider_site) == (TopUpWays(), "")
    page = "https://provider.example/clientarea.php?action=addfunds#form"
    payee = "  de89 3704 0044 0532 0130 00 ;  Höchst & Co; KG "
    chosen = load(monkeypatch, **GOOD, TOP_UP_URL=page, TRANSFER_TO=payee, PROVIDER_SITE="http://127.0.0.1:8000/")
    assert chosen.top_up_ways == TopUpWays(page, Payee("DE89370400440532013000", "Höchst & Co; KG"))
    assert chosen.provider_site == "http://127.0.0.1:8000/"


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"NO_GRACE": "Domain"}, "NO_GRACE needs SUSPEND_AFTER: what has no grace is lost with the suspension"),
        (
            {"SUSPEND_AFTER": "6", "DELETE_AFTER": "6"},
            "DELETE_AFTER must be more days than SUSPEND_AFTER: both count from the due date",
        ),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], advice: str
) -> None:
    assert refusal(monkeypatch, **GOOD, **values).splitlines()[1].strip() == f"{advice}."


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"CURRENCY=\xff\xfe\x00")
    assert ".env" in refusal(monkeypatch, **GOOD)


JUNK = ["\0", "x", "-1", "1e99", "inf", "nan", ",", ";", "a" * 300, "[", "0.0.0.0:0", "10000000000000000000000"]
NOT_OURS = re.compile(r"Input|should|valid (integer|number|decimal)|greater|less than|Decimal|pydantic", re.IGNORECASE)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrong_with_a_setting_is_never_said_in_a_librarys_words(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for junk in JUNK:
        with suppress(ValueError):  # an environment holds no zero byte
            monkeypatch.setenv(name, junk)
        try:
            load(monkeypatch, **{n: v for n, v in GOOD.items() if n != name})
        except StartError as error:
            (line,) = str(error).splitlines()[1:-1]
            assert line.startswith(f"  {name} ")
            assert line.endswith(".")
            assert not NOT_OURS.search(line), line


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("ALLOWED_USER", "ALLOWED_USERS"), ("PAYMENT", "PAYMENTS"), ("CHECK_INTERVALL", "CHECK_INTERVAL")],
)
def test_a_slip_in_a_name_ends_the_start_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slip: str, meant: str
) -> None:
    expected = f"  {slip} is no setting. Did you mean {meant}?"
    monkeypatch.setenv(slip, "1")
    assert expected in refusal(monkeypatch, **GOOD)
    monkeypatch.delenv(slip)
    (tmp_path / ".env").write_text(f"{slip}=1")
    assert expected in refusal(monkeypatch, **GOOD)


def test_names_of_other_programs_are_no_slips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DATABASE_PASSWORD=secret\nCOMPOSE_PROFILES=replicas\nTZ=Europe/Berlin")
    others = {"DATA_DIRS": "/usr/share", "DATA_DIR": "data", "LANGUAGE": "en", "LOGNAME": "ada"}
    assert load(monkeypatch, **GOOD, **others).data_dir == Path("data")


@pytest.mark.parametrize("line", ['CURRENCY="EUR', "LOG_LEVEL='INFO", "=5"])
def test_a_line_of_the_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / ".env").write_text(f"# a remark\n{line}\n")
    assert "Line 2 of the file .env can't be read." in refusal(monkeypatch, **GOOD)


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_settings_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD, TOKEN_KEYS="key-that-is-secret")
    for text in (repr(settings), str(settings), f"{asdict(settings)}"):
        assert "secret" not in text.replace("webhook_secret", "")
    assert settings.telegram_bot_token == Secret(BOT_TOKEN)


def test_the_refusal_of_a_secret_does_not_contain_it(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(
        monkeypatch,
        TELEGRAM_BOT_TOKEN="a-secret-in-the-wrong-form",
        PROVIDER_URL="https://user:secret@provider.example",
        TOKEN_KEYS="key-that-is-secret",
    )
    assert "secret" not in message


@pytest.mark.parametrize("broken", ["CURRENCY", "CHECK_INTERVAL", "LOG_LEVEL"])
def test_the_refusal_of_another_setting_contains_no_secret(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    message = refusal(monkeypatch, **GOOD, **{broken: "nonsense"}, TOKEN_KEYS="key-that-is-secret")
    assert "secret" not in message


@pytest.mark.parametrize("value", ["ftp://hc.example/secret", "https://ada:secret@hc.example/", "https://[secret"])
def test_the_refusal_of_a_heartbeat_address_does_not_quote_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert "secret@" not in (message := refusal(monkeypatch, **GOOD, HEARTBEAT_URL=value))
    assert value not in message


def test_a_heartbeat_address_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD, HEARTBEAT_URL=" https://hc.example/api/push/17?status=up ")
    assert "https://hc.example/api/push/17?status=up" in settings.secrets
    assert "push" not in repr(settings)


# --- Serving ---------------------------------------------------------------------------------------------------------

HOOK = {"WEBHOOK_URL": "https://bot.example/telegram", "WEBHOOK_SECRET": "0123456789abcdef", "WEB_LISTEN": "8080"}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (" 0.0.0.0:80 ", ("0.0.0.0", 80)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_it_listens_on_loopback_unless_told_otherwise(
    text: str, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(monkeypatch, **GOOD, WEB_LISTEN=text).web_listen == address


@pytest.mark.parametrize("text", ["http", "127.0.0.1", "0", "70000", ":", "::1:80", "host:port", "9" * 5000])
def test_a_bad_address_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "WEB_LISTEN must be a port such as 8080" in refusal(monkeypatch, **GOOD, WEB_LISTEN=text)


def test_a_webhook_needs_all_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **GOOD, **HOOK)
    assert settings.webhook_url == HOOK["WEBHOOK_URL"]
    assert "0123456789abcdef" not in repr(settings)
    without_secret = {name: value for name, value in HOOK.items() if name != "WEBHOOK_SECRET"}
    monkeypatch.delenv("WEBHOOK_SECRET")
    assert "WEBHOOK_URL needs WEBHOOK_SECRET" in refusal(monkeypatch, **GOOD, **without_secret)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WEBHOOK_URL", "http://bot.example/telegram", "plain web address"),
        ("WEBHOOK_URL", "https://bot.example:8080/telegram", "port 443, 80, 88 or 8443"),
        ("WEBHOOK_URL", "https://bot.example/", "a path of its own"),
        ("WEBHOOK_URL", "https://bot.example/metrics", "a path of its own"),
        ("WEBHOOK_SECRET", "short", "16 to 256"),
        ("WEBHOOK_SECRET", "with spaces in its middle", "16 to 256"),
        ("WEB_LISTEN", "", "WEBHOOK_URL needs WEB_LISTEN"),
    ],
)
def test_an_impossible_webhook_is_refused(name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert words in refusal(monkeypatch, **GOOD, **(HOOK | {name: value}))


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_bad_rate_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "PROVIDER_RATE" in refusal(monkeypatch, **GOOD, PROVIDER_RATE=value)


def test_a_public_address_needs_something_that_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "PUBLIC_URL needs WEB_LISTEN" in refusal(monkeypatch, **GOOD, PUBLIC_URL="https://bot.example")
    settings = load(monkeypatch, **GOOD, PUBLIC_URL="https://bot.example/a/", WEB_LISTEN="8080")
    assert settings.public_url == "https://bot.example/a"
