"""No log line holds a secret, whoever logs it."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given, strategies as st

from bot import logs
from bot.logs import LogFormat, Secrets

BOT_TOKEN = "1234567890:AAE-made-up_for_the_tests_0123456789"
PROVIDER_TOKEN = '17|made/up "token" ö+='
HOSTILE_TEXT = st.text(st.sampled_from("ab|/+% \"\\'ntrx:é\n&<{},"), min_size=8, max_size=30)

Lines = Callable[[], str]


@pytest.fixture(params=get_args(LogFormat))
def form(request: pytest.FixtureRequest) -> LogFormat:
    chosen: LogFormat = request.param
    return chosen


@pytest.fixture
def lines(form: LogFormat, capsys: pytest.CaptureFixture[str]) -> Lines:
    """Configure the logs at DEBUG with the bot token. Return a function that reads standard error."""
    logs.configure("DEBUG", form, [BOT_TOKEN])

    def read() -> str:
        output = capsys.readouterr()
        assert output.out == ""
        return output.err

    return read


def test_structlog_and_the_standard_library_write_alike(lines: Lines, form: LogFormat) -> None:
    structlog.get_logger("bot.services").info("invoice_found", invoice=4711)
    logging.getLogger("telegram.ext").warning("late by %d s", 3)
    first, second = lines().splitlines()
    if form == "json":
        entry = json.loads(first)
        assert (entry["event"], entry["invoice"]) == ("invoice_found", 4711)
        assert (entry["level"], entry["logger"]) == ("info", "bot.services")
        assert entry["timestamp"].endswith("Z")
        assert json.loads(second)["event"] == "late by 3 s"
    else:
        assert "invoice_found" in first
        assert "invoice=4711" in first
        assert "late by 3 s" in second


def test_context_bound_to_a_task_is_on_every_line(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(chat=42):
        structlog.get_logger("bot").info("checked")
        logging.getLogger("other").info("sent")
    assert all("42" in line for line in lines().splitlines())


@pytest.mark.parametrize("spelled", [BOT_TOKEN, quote(BOT_TOKEN, safe=""), quote(BOT_TOKEN, safe="").lower()])
def test_the_bot_token_is_masked_in_messages_arguments_and_fields(lines: Lines, spelled: str) -> None:
    logging.getLogger("bot").info("POST https://example.org/bot%s/sendMessage", spelled)
    structlog.get_logger("bot").info("sent", url=f"https://example.org/bot{spelled}/x", nested={"deep": [spelled]})
    written = lines()
    assert spelled not in written
    assert BOT_TOKEN.partition(":")[2] not in written
    assert logs.MASK in written


def test_the_part_of_the_bot_token_after_the_colon_is_masked_alone(lines: Lines) -> None:
    logging.getLogger("bot").info("half of it: %s", BOT_TOKEN.partition(":")[2])
    assert BOT_TOKEN.partition(":")[2] not in lines()


def test_any_bot_token_is_recognised_by_its_form(lines: Lines) -> None:
    other = "987654321:BBF_never-registered-anywhere-98765"
    logging.getLogger("bot").info("%s %s", other, quote(other))
    written = lines()
    assert other not in written
    assert quote(other) not in written


def test_tokens_in_exceptions_are_masked_through_causes_notes_and_stacks(lines: Lines, form: LogFormat) -> None:
    logs.add_secret(PROVIDER_TOKEN)

    def fail() -> None:
        try:
            raise ValueError(PROVIDER_TOKEN)
        except ValueError as cause:
            error = RuntimeError({"Authorization": f"Bearer {PROVIDER_TOKEN}"}, BOT_TOKEN.encode())
            error.add_note(f"while asking with {PROVIDER_TOKEN}")
            raise error from cause

    try:
        fail()
    except RuntimeError:
        logging.getLogger("bot").exception("failed")
        structlog.get_logger("bot").exception("failed", stack_info=True)
    written = lines()
    _assert_unreadable(written)
    assert "Traceback" in written
    assert written.count("RuntimeError") >= 2
    if form == "json":
        assert all(json.loads(line)["event"] == "failed" for line in written.splitlines())


def test_local_variables_are_not_shown_in_tracebacks(lines: Lines) -> None:
    remark = "personal " * 3
    try:
        raise RuntimeError(len(remark))
    except RuntimeError:
        structlog.get_logger("bot").exception("failed")
    assert remark not in lines()


@pytest.mark.parametrize(
    "text",
    [
        "/link {}",
        "/LINK@some_bot {}",
        "/link\n{}",
        "/link   a word before {}",
        "text=%2Flink+{}",
        "text=%2flink%20{}",
        "Authorization: Bearer {}",
        "authorization=bearer%20{}",
    ],
)
def test_unregistered_tokens_are_recognised_by_the_text_before_them(lines: Lines, text: str) -> None:
    message = text.format("s3cret|never-registered")
    logging.getLogger("bot").info(message)
    logging.getLogger("bot").info("%r", {"text": message})
    structlog.get_logger("bot").info("update", update={"message": {"text": message}})
    assert "s3cret" not in lines()


def test_text_that_only_looks_like_the_link_command_stays_readable(lines: Lines) -> None:
    structlog.get_logger("bot").info("handled", page="docs/links", other="/linked words", text="see '/link'")
    written = lines()
    assert "docs/links" in written
    assert "/linked words" in written
    assert logs.MASK not in written


def test_every_json_line_stays_json_whatever_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json", ['a"b\\c\n"d', '", "level": "'])
    for text in ['/link x\\"y', 'Bearer "x\\', 'a"b\\c\n"d', 'repr: \\"/link x\\" end', '", "level": "']:
        structlog.get_logger("bot").info("heard", text=text, after="kept")
    written = capsys.readouterr().err
    entries = [json.loads(line) for line in written.splitlines()]
    assert [entry["after"] for entry in entries] == ["kept"] * 5
    assert all(logs.MASK in entry["text"] for entry in entries)


@given(secret=HOSTILE_TEXT, around=HOSTILE_TEXT)
def test_no_spelling_of_a_secret_gets_through(secret: str, around: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    address = quote(secret, safe="")
    for spelled in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], address, address.lower()):
        assert spelled not in secrets.mask(f"{around} {spelled} {around}")


def test_a_longer_secret_leaves_nothing_behind_when_a_shorter_one_is_part_of_it() -> None:
    secrets = Secrets()
    secrets.keep(["12345678", "12345678-and-the-rest"])
    assert secrets.mask("12345678-and-the-rest") == logs.MASK


def test_unused_secrets_are_forgotten_and_used_ones_are_not() -> None:
    secrets = Secrets(limit=3)
    secrets.keep(["lasting-one"])
    for number in range(10):
        secrets.add("always-in-use")
        secrets.add(f"token-number-{number}")
    assert secrets.mask("lasting-one always-in-use token-number-9") == " ".join([logs.MASK] * 3)
    assert secrets.mask("token-number-0") == "token-number-0"
    assert len(secrets._recent) == 3


@pytest.mark.parametrize("word", ["timestamp", "2026-11-28", "exception", "bot.services", "database", "critical"])
def test_a_word_that_somebody_sent_as_a_token_is_masked_in_values_and_leaves_the_logs_own_fields(
    lines: Lines, form: LogFormat, word: str
) -> None:
    day = datetime.now(UTC).date().isoformat()
    logs.add_secret(day if word == "2026-11-28" else word)
    structlog.get_logger("bot.services").critical("database is away", timestamp_of=word, nested={"deep": [word, day]})
    try:
        raise RuntimeError(word)
    except RuntimeError:
        structlog.get_logger("bot.services").exception("exception came")
    written = lines()
    assert written.count(day) >= 2
    assert "database is away" in written
    assert written.count("bot.services") == 2
    if form == "json":
        first, second = map(json.loads, written.splitlines())
        assert first.keys() == {"timestamp", "level", "logger", "event", "timestamp_of", "nested"}
        assert second.keys() == {"timestamp", "level", "logger", "event", "exception"}
        assert first["level"] == "critical"
        assert word == "2026-11-28" or (first["timestamp_of"], first["nested"]["deep"][0]) == (logs.MASK, logs.MASK)
        assert word == "2026-11-28" or f"RuntimeError: {logs.MASK}" in second["exception"]


def test_what_is_no_plain_data_is_masked_as_it_would_be_written(lines: Lines) -> None:
    logs.add_secret(PROVIDER_TOKEN)

    @dataclass
    class Opaque:
        inner: str

    structlog.get_logger("bot").info("seen", opaque=Opaque(PROVIDER_TOKEN), many={Path(f"/x/{BOT_TOKEN}")}, amount=7)
    written = lines()
    _assert_unreadable(written)
    assert "Opaque(inner='***')" in written
    assert "amount" in written


def test_words_too_short_for_a_credential_stay_readable() -> None:
    secrets = Secrets()
    secrets.add("invoice")
    secrets.keep(["", "paid"])
    assert secrets.mask("invoice paid") == "invoice paid"


def test_libraries_log_from_info_and_chatty_ones_from_warning(lines: Lines) -> None:
    for name in ("telegram.ext.Application", "asyncio", "stamina"):
        logging.getLogger(name).debug("too much")
        logging.getLogger(name).info("%s is heard", name)
    for name in ("httpx", "httpcore.connection", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(name).info("too much")
        logging.getLogger(name).warning("%s is heard", name)
    logging.getLogger("bot.services").debug("own detail")
    written = lines()
    assert "too much" not in written
    assert written.count("is heard") == 7
    assert "own detail" in written


@pytest.mark.parametrize("name", ["telegram.Bot", "telegram.ext.ExtBot", "telegram.request.BaseRequest"])
def test_received_data_that_the_library_cannot_read_is_not_logged(lines: Lines, name: str) -> None:
    logging.getLogger(name).critical("Received data was %r", "private words")
    assert lines() == ""


def test_a_higher_level_applies_to_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ERROR", "console")
    for name in ("bot", "httpx", "telegram"):
        logging.getLogger(name).warning("not heard")
        logging.getLogger(name).error("heard from %s", name)
    written = capsys.readouterr().err
    assert "not heard" not in written
    assert written.count("heard from") == 3


def test_configuring_again_replaces_the_handlers(lines: Lines) -> None:
    logs.configure("INFO", "json", ["another-secret"])
    logging.getLogger("bot").info("once another-secret")
    written = lines()
    assert written.count("once") == 1
    assert json.loads(written)["event"] == f"once {logs.MASK}"


def test_a_record_that_cannot_be_formatted_says_where_and_shows_no_arguments(lines: Lines, form: LogFormat) -> None:
    logs.configure("DEBUG", form)  # again, to replace pytest's own handlers, which raise
    logs.add_secret(PROVIDER_TOKEN)

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError(PROVIDER_TOKEN)

    logging.getLogger("bot").info("%s %s", "private words", Unprintable())
    logging.getLogger("bot").info("%d", "private words")
    written = lines()
    assert written.count("log_record_failed") == 2
    assert "test_logs.py" in written
    assert "private words" not in written
    _assert_unreadable(written)


def test_a_closed_standard_error_stops_nobody(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Closed())
        logging.getLogger("bot").error("nobody hears this")
    logging.getLogger("bot").error("heard again")
    assert "heard again" in lines()


def test_exceptions_without_a_handler_are_logged_masked(lines: Lines) -> None:
    def fail() -> None:
        raise RuntimeError(BOT_TOKEN)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    written = lines()
    assert written.count("uncaught_exception") == 2
    assert written.count("RuntimeError") >= 2
    _assert_unreadable(written)


def test_a_keyboard_interrupt_is_no_error(lines: Lines) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert lines() == ""


def test_warnings_are_logged_masked(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"old way with {BOT_TOKEN}", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    written = lines()
    assert "old way with" in written
    _assert_unreadable(written)


def _assert_unreadable(written: str) -> None:
    for secret in (BOT_TOKEN, PROVIDER_TOKEN):
        assert not [spelling for spelling in logs._spellings(secret) if spelling in written]
