"""Each finding of the doctor is OK or says what to do. It changes nothing and shows no secret."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import structlog
from httpx._config import create_ssl_context

from bot.doctor import Finding, examine
from bot.factories import open_embedded_store
from bot.sandbox.provider.faults import Fault
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key
from tests.provider.wire import answer_all, head_of, listen, make_certificate
from tests.store.examples import CHAT, OTHER, claim_message, linked, with_alerts

ROOT = Path(__file__).parents[1]
KEY = new_key()
EMPTY = "linked chats: 0, resting: 0, alerts set aside: 0"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as opened:
        yield opened


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the variables of a well-configured bot that was never started. Return them for changes."""
    monkeypatch.chdir(tmp_path)
    values = {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "PROVIDER_URL": sandbox.provider_url,
        "DATA_DIR": str(tmp_path / "data"),
        "TOKEN_KEYS": KEY,
        "LOG_LEVEL": "DEBUG",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


async def findings() -> dict[str, Finding]:
    return {finding.what: finding async for finding in examine()}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "all there; payments are on"),
        ({"MAX_PAYMENT": "50.00"}, "all there; payments are on, up to 50.00 EUR each"),
        (
            {"SUSPEND_AFTER": "0", "DELETE_AFTER": "6", "NO_GRACE": "Domain", "TRANSFER_DAYS": "3"},
            (
                "all there; payments are on; a service unpaid since 2026-12-27, say, is suspended on the evening "
                "of 2026-12-27 and deleted on 2027-01-02 (last safe day: 2027-01-01); domain: lost with the "
                "suspension; a transfer must leave by 2026-12-22 to be there on 2026-12-27"
            ),
        ),
        (
            {
                "TOP_UP_URL": "https://provider.example/topup",
                "TRANSFER_TO": "DE89370400440532013000; Example GmbH",
                "PROVIDER_SITE": "https://provider.example",
            },
            (
                "all there; payments are on; credit is topped up at https://provider.example/topup or by transfer to "
                "DE89 3704 0044 0532 0130 00 (Example GmbH); the provider's website is https://provider.example"
            ),
        ),
        (
            {"TRANSFER_TO": "CH9300762011623852957; Example AG", "CURRENCY": "CHF"},
            (
                "all there; payments are on; credit is topped up by transfer to CH93 0076 2011 6238 5295 7 "
                "(Example AG), without a GiroCode: that is in EUR only"
            ),
        ),
        ({"PAYMENTS": "off", "MAX_PAYMENT": "50.00"}, "all there; payments are off"),
    ],
)
async def test_it_says_whether_payments_are_on_and_their_limit(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert (await findings())["Settings"] == Finding("Settings", words)


async def test_it_says_who_may_use_the_bot_and_what_is_switched_on(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await findings()
    assert found["Who may use it"].detail.startswith("everyone on Telegram")
    assert found["Switched on"].detail.startswith("payments; off: a webhook (WEBHOOK_URL), health and metrics (WEB_LIS")
    monkeypatch.setenv("ALLOWED_USERS", ",".join(map(str, range(12, 0, -1))))
    monkeypatch.setenv("PAYMENTS", "off")
    monkeypatch.setenv("HOLIDAYS", "DE-BY")
    found = await findings()
    assert found["Who may use it"].detail == "Telegram users 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more (ALLOWED_USERS)"
    assert found["Switched on"].detail.startswith("banking days; off: payments (PAYMENTS), ")


async def test_what_can_not_be_reached_is_told_in_words_and_not_in_names_of_exceptions(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TELEGRAM_API_URL", "PROVIDER_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    advice = [finding.advice for finding in (await findings()).values() if finding.advice]
    assert advice[0] == (
        "Telegram can't be reached at http://127.0.0.1:9 (127.0.0.1:9: Connection refused). "
        "Check TELEGRAM_API_URL and the network."
    )
    assert not [told for told in advice if "Error" in told or "('" in told]


async def test_all_is_well_before_and_after_the_first_start_and_nothing_is_changed(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    before = await findings()
    assert [finding.advice for finding in before.values()] == [""] * 6
    assert before["Store and key"].detail == f"{tmp_path / 'data'} will be created at the first start"
    assert not contents(tmp_path)
    await open_embedded_store(sandbox.settings(tmp_path / "data", token_keys=KEY)).close()
    found = contents(tmp_path)
    after = await findings()
    assert [finding.advice for finding in after.values()] == [""] * 6
    assert after["Store and key"].detail == f"{tmp_path / 'data'} opens; {EMPTY}"
    assert contents(tmp_path) == found


async def test_chats_that_cannot_be_read_and_tokens_that_do_not_open_are_named(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    store = open_embedded_store(sandbox.settings(tmp_path / "data", token_keys=KEY))
    await linked(store, CHAT)
    await linked(store, OTHER)
    await store.close()
    (tmp_path / "data" / "chats" / f"{CHAT}.json").write_text("{")
    other = tmp_path / "data" / "chats" / f"{OTHER}.json"
    other.write_text(other.read_text().replace('"sealed_token":"1.', '"sealed_token":"2.'))
    advice = (await findings())["Store and key"].advice
    assert f"- chat {CHAT}: The file" in advice
    assert f"- chat {OTHER}: its token does not open" in advice
    assert "/unlink" in advice


async def test_no_token_is_sealed_anew(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_embedded_store(sandbox.settings(tmp_path / "data", token_keys=KEY)).close()
    before = contents(tmp_path)
    monkeypatch.setenv("TOKEN_KEYS", f"{new_key()},{KEY}")
    assert not (await findings())["Store and key"].advice
    assert contents(tmp_path) == before


async def test_the_store_is_examined_next_to_a_running_bot(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_embedded_store(sandbox.settings(tmp_path / "data", token_keys=KEY))
    found = (await findings())["Store and key"]
    assert (found.detail, found.advice) == (f"{tmp_path / 'data'} opens; {EMPTY} (in use by a running bot)", "")
    monkeypatch.setenv("TOKEN_KEYS", new_key())
    assert "not among the keys given" in (await findings())["Store and key"].advice
    await store.close()


async def test_resting_chats_and_dead_letters_are_counted_next_to_a_running_bot(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    store = open_embedded_store(sandbox.settings(tmp_path / "data", token_keys=KEY))
    await with_alerts(store, 1, 2)
    assert await store.move_to_dead_letters((await claim_message(store)).claim)
    await linked(store, OTHER)
    await store.rest(OTHER, "blocked")
    before = contents(tmp_path)
    found = (await findings())["Store and key"]
    assert "opens; linked chats: 2, resting: 1, alerts set aside: 2 (in use by a running bot)" in found.detail
    assert found.advice == ""
    assert contents(tmp_path) == before
    await store.close()


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("TOKEN_KEYS", "nonsense", "Key number 1 of TOKEN_KEYS"),
        ("DATA_DIR", "/proc/nope", "The data folder /proc/nope can't be made"),
        ("DATA_DIR", "/dev/null/data", "Set DATA_DIR to a folder"),
    ],
)
async def test_an_obstacle_to_the_first_start_is_found_before_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(name, value)
    assert advice in (await findings())["Store and key"].advice


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (Fault.DOWN, "is reachable, but fails or does not answer in time. Try again later (status 503)."),
        (
            Fault.CUT_BEFORE,
            "is reachable, but fails or does not answer in time. Try again later (server disconnected).",
        ),
        (Fault.RATE_LIMIT, "is refusing requests for a while. Try again later"),
        (Fault.HTML_INSTEAD, "does not answer like the invoice API (status 200, content type 'text/html"),
        (Fault.REDIRECT, "does not answer like the invoice API (status 302)"),
        (Fault.REFUSED, "does not answer like the invoice API (status 4"),
        (Fault.CHALLENGE, "does not answer like the invoice API (status 403, content type 'text/html"),
        (Fault.NO_CONTENT, "does not answer like the invoice API (status 204"),
    ],
)
async def test_the_provider_s_faults_are_put_into_words(
    environment: dict[str, str], sandbox: Sandbox, fault: Fault, advice: str
) -> None:
    sandbox.provider.faults.switch_on(fault)
    found = (await findings())["Provider"].advice
    assert found.startswith(f"{sandbox.provider_url} {advice}")
    assert "error." not in found


@pytest.mark.parametrize("fault", [Fault.REFUSED_IN_DATA, Fault.FAILURE_AS_SUCCESS])
async def test_a_provider_that_refuses_a_token_in_another_way_is_well(
    environment: dict[str, str], sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault, message="Invalid token.")
    found = (await findings())["Provider"]
    assert (found.detail, found.advice) == (
        f"{sandbox.provider_url} (it refuses a made-up token: “Invalid token.”)",
        "",
    )


async def test_a_provider_that_accepts_any_token_is_doubted(environment: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.provider.add_account("doctor-has-no-token")
    assert (await findings())[
        "Provider"
    ].advice == f"{sandbox.provider_url} returns invoices for any token. Is it the right address?"


async def test_a_provider_without_a_listener_cannot_be_reached(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER_URL", "http://127.0.0.1:1/api")
    advice = (await findings())["Provider"].advice
    assert advice == "http://127.0.0.1:1/api can't be reached. Check PROVIDER_URL and the network."


async def test_an_untrusted_certificate_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, _ = make_certificate(tmp_path, "localhost")
    async with listen(answer_all, server) as port:
        url = f"https://localhost:{port}"
        monkeypatch.setenv("PROVIDER_URL", url)
        monkeypatch.setenv("TELEGRAM_API_URL", url)
        found = await findings()
    named = f"SSL: localhost:{port}: self-signed certificate"
    assert found["Provider"].advice.startswith(f"{url} can't be reached safely ({named}). Check PROVIDER_URL")
    assert "SSL_CERT_FILE" in found["Provider"].advice
    assert named in found["Telegram"].advice


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks://127.0.0.1:1", "has the scheme 'socks'. Only http and https proxies can be used"),
        ("http://127.0.0.1:1", "(http://127.0.0.1:1) does not connect"),
    ],
)
async def test_a_proxy_that_fails_is_named_by_its_variable(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PROVIDER_URL", "https://provider.invalid/api")
    monkeypatch.setenv("TELEGRAM_API_URL", "https://telegram.invalid")
    found = await findings()
    advice = found["Provider"].advice
    assert advice.startswith(f"https://provider.invalid/api can't be reached: the proxy in {variable} {words}")
    assert "NO_PROXY" in advice
    assert f"the proxy in {variable} {words}" in found["Telegram"].advice


async def test_a_proxy_that_hangs_up_is_named_by_its_variable(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)

    async with listen(hang_up) as port:
        monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("PROVIDER_URL", "https://provider.invalid/api")
        assert f"the proxy in all_proxy (http://127.0.0.1:{port})" in (await findings())["Provider"].advice


async def test_trusted_certificates_that_cannot_be_read_are_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(httpx, "create_ssl_context", create_ssl_context)  # other tests may share a context
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    found = await findings()
    for what in ("Telegram", "Provider"):
        assert "SSL_CERT_FILE" in found[what].advice


async def test_an_answer_that_the_http_library_refuses_is_named(environment: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.provider.faults.switch_on(Fault.BREAKS_HTTP)
    advice = (await findings())["Provider"].advice
    assert "does not answer like the invoice API (bad http message: Duplicate Content-Length)" in advice


@pytest.mark.odd_calls
async def test_an_address_without_the_api_is_no_provider(
    environment: dict[str, str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER_URL", f"{sandbox.provider_url}/elsewhere")
    advice = (await findings())["Provider"].advice
    assert "elsewhere does not answer like the invoice API (status 404). Check PROVIDER_URL." in advice


async def test_missing_settings_end_the_report(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVIDER_URL")
    found = await findings()
    assert list(found) == ["Settings"]
    assert "PROVIDER_URL is missing" in found["Settings"].advice


async def test_only_errors_are_logged_and_masked(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    await findings()
    structlog.get_logger("bot").warning("not told")
    logging.getLogger("bot").error("failed with %s and %s", BOT_TOKEN, KEY)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "failed with *** and ***" in printed.err
    assert "not told" not in printed.err


@pytest.mark.parametrize("fault", [None, Fault.DOWN, Fault.HTML_INSTEAD])
async def test_a_run_prints_only_its_findings_and_no_secret(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path, fault: Fault | None
) -> None:
    if fault:
        sandbox.provider.faults.switch_on(fault)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "doctor"),
        cwd=tmp_path,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (part.decode() for part in await process.communicate())
    marks = [
        "OK Settings",
        "OK Who may use it",
        "OK Switched on",
        "OK Store and key",
        "OK Telegram",
        " ✗ Provider" if fault else "OK Provider",
    ]
    assert [line.partition(":")[0] for line in out.splitlines()] == marks
    assert err == ""
    assert process.returncode == (1 if fault else 0)
    assert not any(secret in out for secret in (BOT_TOKEN, BOT_TOKEN.partition(":")[2], KEY))


async def test_a_database_that_is_away_is_named_without_waiting_for_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot@/bot?host={tmp_path}")
    assert "database can't be reached. Check DATABASE_URL" in (await findings())["Store and key"].advice
    monkeypatch.delenv("TOKEN_KEYS")
    assert "TOKEN_KEYS must be set too" in (await findings())["Store and key"].advice
