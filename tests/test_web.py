"""The process's endpoints over real HTTP: health, metrics, and updates by webhook."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from bot import application
from bot.__main__ import main
from bot.application import InvoiceBot, assembled, running
from bot.chat import webhook
from bot.chat.incoming import Incoming
from bot.chat.webhook import Webhook
from bot.errors import StartError, StoreAway
from bot.health import STALE_AFTER, ask
from bot.provider.transport import make_transport
from bot.sandbox.provider.faults import Call as ProviderCall, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import ApiError, Chat, Person
from bot.settings import Address
from bot.store.tinydb import files
from bot.web import MAX_UPDATE_BYTES, SECRET_HEADER
from tests.sandbox_bot import TICK, TOKEN, ask as ask_bot, says, until
from tests.store.faulty_os import ReadOnlyOs

HOOK = "https://bot.example/telegram"
SECRET = "a-secret-of-the-webhook_0123"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def address() -> Address:
    return Address("127.0.0.1", free_port())


@pytest.fixture
async def http(address: Address) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address.port}", trust_env=False) as client:
        yield client


@pytest.fixture
async def bot(sandbox: Sandbox, tmp_path: Path, address: Address) -> AsyncIterator[InvoiceBot]:
    settings = sandbox.settings(tmp_path / "data", web_listen=address)
    async with running(settings, clock=sandbox.clock, tick=TICK) as bot:
        yield bot


@pytest.fixture
async def hooked(sandbox: Sandbox, tmp_path: Path, address: Address) -> AsyncIterator[InvoiceBot]:
    settings = sandbox.settings(tmp_path / "data", web_listen=address, webhook_url=HOOK, webhook_secret=SECRET)
    async with running(settings, clock=sandbox.clock, tick=TICK) as bot:
        await sandbox.telegram.wait_until(lambda: sandbox.telegram.calls_of("setWebhook"))
        yield bot


async def send_updates(sandbox: Sandbox, http: httpx.AsyncClient, secret: str = SECRET) -> list[int]:
    """Send the waiting updates to the webhook in order, as Telegram does. Return the statuses of the answers."""
    waiting = [update for _, _, update in sandbox.telegram.state.updates._pending]
    sandbox.telegram.state.updates.drop()
    return [(await http.post("/telegram", json=u, headers={SECRET_HEADER: secret})).status_code for u in waiting]


async def metrics_of(http: httpx.AsyncClient) -> dict[str, float]:
    text = (await http.get("/metrics")).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def test_it_is_ready_once_it_polls_and_looks_for_checks(
    bot: InvoiceBot, sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    await until(lambda: bot.services.checker.looked_at is not None and bot.source.good_at is not None)
    assert (await http.get("/healthz")).json()["status"] == "ok"
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["troubles"]) == (200, [])


async def test_it_is_alive_but_not_ready_while_it_waits_for_telegram(
    sandbox: Sandbox, tmp_path: Path, address: Address, http: httpx.AsyncClient
) -> None:
    async with assembled(sandbox.settings(tmp_path, web_listen=address), sandbox.clock):
        assert (await http.get("/healthz")).status_code == 200
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["troubles"]) == (503, ["The process is starting."])


async def test_without_a_good_poll_for_some_minutes_it_is_not_ready(
    bot: InvoiceBot, sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    await until(lambda: bot.source.good_at is not None)
    sandbox.telegram.faults.server_error(times=None, method="getUpdates")
    sandbox.clock.put_forward(STALE_AFTER + timedelta(seconds=1))
    troubles = (await http.get("/readyz")).json()["troubles"]
    assert "Telegram has not answered for too long." in troubles


async def test_without_its_store_it_is_not_ready(
    bot: InvoiceBot, sandbox: Sandbox, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreAway

    monkeypatch.setattr(bot._store, "backlog", away)
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert "The store does not answer." in answer.json()["troubles"]
    assert (await metrics_of(http))["invoice_bot_store_up"] == 0


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC, errno.EACCES])
async def test_with_a_data_folder_that_takes_nothing_it_is_not_ready_until_it_does_again(
    bot: InvoiceBot, ada: Person, chat: Chat, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    await until(lambda: bot.services.checker.looked_at is not None and bot.source.good_at is not None)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(files, "os", ReadOnlyOs(error))
        for _ in range(2):
            answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()["troubles"]) == (
                503,
                [f"The data folder can't be written to ({os.strerror(error)})."],
            )
        await ask_bot(chat, ada, "/language de", "I can't get at my data at the moment.")
    assert (await http.get("/readyz")).status_code == 200
    await ask_bot(chat, ada, "/language de", "Sprache")
    said = [line["event"] for line in logs if "data folder" in line["event"]]
    assert said == ["data folder can't be written"]
    assert not [line for line in logs if "exc_info" in line]


async def test_without_a_usable_journal_it_is_not_ready(
    bot: InvoiceBot, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    await until(lambda: bot.services.checker.looked_at is not None and bot.source.good_at is not None)
    journal = tmp_path / "data" / "pending.json"
    journal.mkdir()
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["troubles"]) == (
        503,
        [f"The data folder can't be written to ({os.strerror(errno.EISDIR)})."],
    )
    journal.rmdir()
    assert (await http.get("/readyz")).status_code == 200


async def test_the_metrics_count_what_was_done(
    bot: InvoiceBot, sandbox: Sandbox, account: Account, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    await ask_bot(chat, ada, f"/link {TOKEN}", "linked")
    new = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=20)
    await chat.wait_for(says("New invoice", str(new.id)))
    sandbox.telegram.faults.refuse(
        ApiError(409, "Conflict: terminated by other getUpdates request"), method="getUpdates"
    )
    await ask_bot(chat, ada, f"/invoice {new.id}", "Total")
    await ask_bot(chat, ada, "/help", "/invoices")
    told = await metrics_of(http)
    assert told['invoice_bot_checks_total{end="good"}'] >= 1
    assert told["invoice_bot_check_seconds_count"] >= 1
    assert told["invoice_bot_check_lag_seconds_count"] >= 1
    assert told['invoice_bot_alerts_total{end="sent",kind="new"}'] == 1
    assert told['invoice_bot_updates_total{end="handled"}'] >= 2
    assert told['invoice_bot_telegram_errors_total{reason="409"}'] == 1
    assert told["invoice_bot_token_conflicts_total"] == 1
    assert told["invoice_bot_alerts_waiting"] == 0
    assert told["invoice_bot_message_due_seconds"] == 0
    assert told["invoice_bot_ready"] == 1
    assert "process_resident_memory_bytes" in told


async def test_without_web_listen_nothing_is_served(sandbox: Sandbox, tmp_path: Path) -> None:
    async with running(sandbox.settings(tmp_path), tick=TICK) as bot:
        assert bot._web_app is None
        with pytest.raises(StartError, match="No bot answers at"):
            ask("127.0.0.1", free_port())


async def test_a_taken_address_ends_the_start_with_a_sentence(
    sandbox: Sandbox, tmp_path: Path, address: Address
) -> None:
    with socket.socket() as other:
        other.bind(address)
        other.listen()
        with pytest.raises(StartError, match=f"WEB_LISTEN: can't listen on the address 127.0.0.1:{address.port}"):
            async with running(sandbox.settings(tmp_path, web_listen=address)):
                pass


def test_the_command_health_names_the_setting_or_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:abc")
    monkeypatch.setenv("PROVIDER_URL", "https://provider.example")
    done = CliRunner().invoke(main, ["health"])
    assert (done.exit_code, "Set WEB_LISTEN" in done.output) == (1, True)
    monkeypatch.setenv("WEB_LISTEN", str(free_port()))
    done = CliRunner().invoke(main, ["health"])
    assert (done.exit_code, "No bot answers at 127.0.0.1" in done.output) == (1, True)


async def test_updates_that_telegram_sends_are_answered_and_then_confirmed(
    hooked: InvoiceBot, sandbox: Sandbox, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    sent = ada.send(chat, "/help")
    assert await send_updates(sandbox, http) == [200]
    answers = [message for message in chat.messages if message.sender.is_bot]
    assert len(answers) == 1
    assert answers[0].id > sent.id
    assert sandbox.telegram.calls_of("getUpdates") == []


async def test_an_update_that_telegram_sends_again_is_answered_once(
    hooked: InvoiceBot, sandbox: Sandbox, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    ada.send(chat, "/help")
    (update,) = [update for _, _, update in sandbox.telegram.state.updates._pending]
    for _ in range(3):
        assert (await http.post("/telegram", json=update, headers={SECRET_HEADER: SECRET})).status_code == 200
    assert len([message for message in chat.messages if message.sender.is_bot]) == 1


@pytest.mark.usefixtures("hooked", "account")
async def test_a_crowd_of_newcomers_holds_up_no_customer(
    sandbox: Sandbox, ada: Person, chat: Chat, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "GRACE_PERIOD", 0.05)
    url, headers = f"http://127.0.0.1:{address.port}/telegram", {SECRET_HEADER: SECRET}
    connections = make_transport(webhook.WEBHOOK_CONNECTIONS)  # as many as Telegram opens
    async with httpx.AsyncClient(transport=connections, timeout=60) as http:
        ada.send(chat, f"/link {TOKEN}")
        newcomers = []
        for number in range(200):
            newcomer = sandbox.telegram.add_user(f"Newcomer {number}", language_code="en")
            newcomers.append(sandbox.telegram.private_chat(newcomer))
            newcomer.send(newcomers[-1], "/start")
        asked = ada.send(chat, "/status")
        link, *crowd, last = [update for _, _, update in sandbox.telegram.state.updates._pending]
        assert (await http.post(url, json=link, headers=headers)).status_code == 200
        posts = [asyncio.create_task(http.post(url, json=update, headers=headers)) for update in crowd]
        answer = asyncio.create_task(http.post(url, json=last, headers=headers))
        await chat.wait_for(says("Linked since"), 30, after=asked)
        answered = [each for each in newcomers if each.history[-1].sender.is_bot]
        assert len(answered) < 100  # Telegram has only so many connections
        assert (await answer).status_code == 200
        assert sum(post.done() and post.result().status_code == 200 for post in posts) > len(posts) / 2
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "x"])
async def test_requests_without_the_secret_are_refused(
    secret: str, hooked: InvoiceBot, sandbox: Sandbox, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    ada.send(chat, "/help")
    assert await send_updates(sandbox, http, secret) == [403]
    assert [message for message in chat.messages if message.sender.is_bot] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * (MAX_UPDATE_BYTES + 1), 413), (b"no json", 400), (b"[1]", 400), (b"\xff", 400), (b'{"message": 1}', 400)],
)
async def test_anything_but_an_update_is_refused(
    body: bytes, status: int, hooked: InvoiceBot, http: httpx.AsyncClient
) -> None:
    answer = await http.post("/telegram", content=body, headers={SECRET_HEADER: SECRET})
    assert answer.status_code == status


async def test_an_update_with_an_unreadable_part_is_accepted_and_skipped(
    hooked: InvoiceBot, http: httpx.AsyncClient
) -> None:
    update = {"update_id": 5, "message": {"text": "secret words", "chat": "no chat"}}
    assert (await http.post("/telegram", json=update, headers={SECRET_HEADER: SECRET})).status_code == 200


async def test_an_update_during_a_stop_is_not_confirmed(hooked: InvoiceBot, http: httpx.AsyncClient) -> None:
    hooked.tracker.close()
    update = {"update_id": 6}
    assert (await http.post("/telegram", json=update, headers={SECRET_HEADER: SECRET})).status_code == 503


async def test_a_download_is_confirmed_with_the_file_and_a_long_one_before_it(
    monkeypatch: pytest.MonkeyPatch,
    hooked: InvoiceBot,
    sandbox: Sandbox,
    account: Account,
    ada: Person,
    chat: Chat,
    http: httpx.AsyncClient,
) -> None:
    invoice, other = (sandbox.provider.create_invoice(account, Decimal("12.34")) for _ in range(2))
    ada.send(chat, f"/link {TOKEN}")
    ada.send(chat, f"/pdf {invoice.id}")
    assert await send_updates(sandbox, http) == [200, 200]
    assert chat.messages[-1].document is not None
    monkeypatch.setattr(webhook, "MAX_JOB_WAIT", 0.05)
    monkeypatch.setattr(application, "GRACE_PERIOD", 0.05)
    sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, ProviderCall.PDF)
    ada.send(chat, f"/pdf {other.id}")
    assert await send_updates(sandbox, http) == [200]
    assert len([message for message in chat.messages if message.document]) == 1
    await hooked.stop()  # Telegram will not send that update again
    assert "Please ask for it again" in chat.messages[-1].text


async def test_the_webhook_is_set_with_its_secret_and_set_again_if_it_is_gone(
    hooked: InvoiceBot, sandbox: Sandbox
) -> None:
    (call,) = sandbox.telegram.calls_of("setWebhook")
    assert (call.text("url"), call.text("secret_token")) == (HOOK, SECRET)
    source: Any = hooked.source
    assert isinstance(source, Webhook)
    await source._keep()
    assert len(sandbox.telegram.calls_of("setWebhook")) == 1
    sandbox.telegram.state.updates.set_webhook("")
    await source._keep()
    assert sandbox.telegram.state.updates.webhook == HOOK


async def test_back_to_polling_deletes_the_webhook(sandbox: Sandbox, tmp_path: Path, ada: Person, chat: Chat) -> None:
    sandbox.telegram.state.updates.set_webhook(HOOK)
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask_bot(chat, ada, "/help", "/invoices")
    assert sandbox.telegram.state.updates.webhook == ""


async def test_an_update_is_no_metrics_label(bot: InvoiceBot, http: httpx.AsyncClient) -> None:
    bot.tracker.take(Incoming({"update_id": 77}))
    assert "77" not in "".join(await metrics_of(http))
