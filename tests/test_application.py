"""Starting, running and stopping: the process under outages of Telegram, a revoked token, signals and failures."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot import application, factories
from bot.application import run, running
from bot.errors import StartError
from bot.factories import Telegram, open_embedded_store
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN, ApiError, Chat, Person
from bot.settings import Settings
from bot.store.vault import new_key
from tests.fakes import Gate

ROOT = Path(__file__).parents[1]
REVOKED = "1000000001:AAanother-token-made-at-BotFather-0"
SOON = 10.0
"""Seconds. Nothing here may take longer; what it must not wait for takes far longer."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as opened:
        yield opened


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return sandbox.settings(tmp_path / "data")


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return sandbox.telegram.add_user("Ada", language_code="en")


@pytest.fixture
def chat(sandbox: Sandbox, ada: Person) -> Chat:
    return sandbox.telegram.private_chat(ada)


async def polled(sandbox: Sandbox) -> None:
    await sandbox.telegram.wait_until(lambda: sandbox.telegram.calls_of("getUpdates"), SOON)


async def greeted(person: Person, chat: Chat) -> None:
    sent = person.send(chat, "/help")
    await chat.wait_for(lambda message: message.sender.is_bot, SOON, after=sent)


async def start_process(settings: Settings, **more: str) -> Process:
    """Start ``python -m bot run`` without any setting of this machine."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "default",
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": settings.telegram_api_url,
        "PROVIDER_URL": settings.provider_url,
        "DATA_DIR": str(settings.data_dir),
        **more,
    }
    folder = settings.data_dir.parent
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, cwd=folder, stderr=PIPE
    )


async def ended(process: Process) -> tuple[int | None, str]:
    """Wait for a process to end. Return its exit status and its log."""
    _, errors = await asyncio.wait_for(process.communicate(), SOON)
    return process.returncode, errors.decode()


def events(logged: list[MutableMapping[str, Any]], part: str) -> list[str]:
    return [entry["event"] for entry in logged if part in entry["event"]]


async def test_a_wrong_token_ends_the_process_with_a_sentence(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.telegram.token = REVOKED
    status, errors = await ended(await start_process(settings))
    assert status == 1
    assert errors.splitlines()[-1].startswith("Error: Telegram does not accept TELEGRAM_BOT_TOKEN")
    assert "Traceback" not in errors
    assert "Unclosed" not in errors


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask Telegram again at once."""
    monkeypatch.setattr("bot.chat.polling.FIRST_OUTAGE_WAIT", 0.01)
    monkeypatch.setattr("bot.chat.polling.MAX_OUTAGE_WAIT", 0.01)


@pytest.mark.usefixtures("_impatient")
async def test_a_revoked_token_ends_the_process_once_it_was_confirmed_minutes_apart_and_all_is_closed(
    sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat
) -> None:
    bot = asyncio.create_task(run(settings, sandbox.clock))
    await greeted(ada, chat)
    sandbox.telegram.token = REVOKED
    ada.send(chat, "/help")  # ends the present poll; the next one is refused
    await asyncio.sleep(0.2)
    assert not bot.done()
    sandbox.clock.put_forward(timedelta(minutes=2))
    with pytest.raises(StartError, match="no longer accepts TELEGRAM_BOT_TOKEN"):
        await asyncio.wait_for(bot, SOON)
    await open_embedded_store(settings).close()


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_a_page_that_is_not_telegrams_ends_neither_a_start_nor_a_process(
    method: str, sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat
) -> None:
    sandbox.telegram.faults.page(401, times=3, method=method)
    async with running(settings, clock=sandbox.clock, tick=0.05):
        await greeted(ada, chat)
        sandbox.telegram.faults.page(401, method="getUpdates")
        sandbox.clock.put_forward(timedelta(hours=1))
        await greeted(ada, chat)


async def test_a_wrong_token_ends_the_start(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.telegram.token = REVOKED
    with pytest.raises(StartError, match="does not accept TELEGRAM_BOT_TOKEN"):
        await asyncio.wait_for(run(settings), SOON)
    await open_embedded_store(settings).close()


@pytest.mark.parametrize("method", ["getMe", "deleteWebhook", "getUpdates"])
async def test_a_start_waits_until_telegram_is_there(
    method: str, sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.polling.FIRST_OUTAGE_WAIT", 0.01)
    sandbox.telegram.faults.server_error(times=2, method=method)
    with capture_logs() as logged:
        async with running(settings, tick=0.05):
            await greeted(ada, chat)
    assert events(logged, "outage") == ["Telegram outage began", "Telegram outage ended"]


async def test_a_signal_during_the_start_ends_it_cleanly(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.telegram.faults.server_error(times=None, method="getMe")
    process = await start_process(settings)
    await sandbox.telegram.wait_until(lambda: len(sandbox.telegram.calls_of("getMe")) > 1, SOON)
    process.send_signal(signal.SIGTERM)
    status, errors = await ended(process)
    assert status == 0
    assert re.findall("Telegram outage [a-z]+", errors) == ["Telegram outage began"]
    assert "Unclosed" not in errors
    assert "Traceback" not in errors


async def test_a_signal_while_the_database_is_waited_for_ends_the_process_at_once(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as database:
        url = f"postgresql://bot@127.0.0.1:{database.getsockname()[1]}/bot"
        process = await start_process(settings, DATABASE_URL=url, TOKEN_KEYS=new_key())
        connection, _ = await asyncio.to_thread(database.accept)
        with connection:  # which never answers
            process.send_signal(signal.SIGTERM)
            status, errors = await asyncio.wait_for(ended(process), 3)
    assert status == 0
    assert "bot is stopping" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hid%den-word@db.example/bot",
        "postgresql://bot:hid%ct-den-word@db.example/bot",
        "postgresql://bot:other@hid-den-word@db.example/bot",
        "postgresql://bot:hid/den-word@db.example/bot",
        "postgresql://bot@db.example/bot?passwort=hid-den-word",
    ],
)
async def test_a_database_url_that_can_not_be_read_ends_the_start_with_a_sentence_that_shows_none_of_it(
    settings: Settings, url: str
) -> None:
    status, errors = await ended(await start_process(settings, DATABASE_URL=url, TOKEN_KEYS=new_key()))
    assert status == 1
    assert "DATABASE_URL" in errors
    assert [part for part in ("den-word", "hid", "other", "Traceback") if part in errors] == []


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_running_bot_cleanly(
    name: signal.Signals, sandbox: Sandbox, settings: Settings
) -> None:
    process = await start_process(settings)
    await polled(sandbox)
    process.send_signal(name)
    status, errors = await ended(process)
    assert status == 0
    assert "bot is stopping" in errors
    assert "Unclosed" not in errors
    assert "Traceback" not in errors


async def test_an_outage_while_running_is_two_lines_without_a_traceback(
    sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat
) -> None:
    process = await start_process(settings)
    await greeted(ada, chat)
    conflict = ApiError(409, "Conflict: terminated by other getUpdates request")
    sandbox.telegram.faults.server_error(times=1, method="getUpdates")
    sandbox.telegram.faults.refuse(conflict, times=1, method="getUpdates")
    await greeted(ada, chat)  # ends the present poll; the next two fail
    await greeted(ada, chat)
    process.terminate()
    _, errors = await ended(process)
    assert re.findall("Telegram outage [a-z]+", errors) == ["Telegram outage began", "Telegram outage ended"]
    assert "Traceback" not in errors


async def test_a_step_of_the_stop_that_fails_skips_no_later_one(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list[object]()

    async def fail(telegram: Telegram) -> None:
        assert telegram.job_queue is not None
        left.extend(telegram.job_queue.jobs())
        raise RuntimeError("a bug")

    gate = Gate()
    with capture_logs() as logged:
        async with running(settings, tick=0.05) as bot:
            bot.services.check_workers.start(gate.hold())
            await gate.reached.wait()
            monkeypatch.setattr(application, "GRACE_PERIOD", 0.05)
            monkeypatch.setattr(type(bot.telegram), "stop", fail)
    assert left == []  # nothing new is begun
    assert bot.services.check_workers.free == factories.CHECKS_AT_ONCE
    assert events(logged, "part of the stop") == ["part of the stop failed"]
    await open_embedded_store(settings).close()


async def test_a_stop_waits_for_all_work_in_progress_no_longer_than_its_grace_period(
    sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "GRACE_PERIOD", 0.2)
    update, work = Gate(), Gate()
    held = list[BaseException]()

    async def hold(*_: object) -> None:
        try:
            await update.hold()
        except asyncio.CancelledError as error:
            held.append(error)
            raise

    async with running(settings, tick=0.05) as bot:
        monkeypatch.setattr(bot.telegram.update_processor, "handle", hold)
        bot.services.send_workers.start(work.hold())
        ada.send(chat, "/help")
        await asyncio.wait_for(asyncio.gather(update.reached.wait(), work.reached.wait()), SOON)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2
    assert len(held) == 1
    assert bot.services.send_workers.free == factories.SENDS_AT_ONCE


async def test_people_are_answered_while_the_menus_are_not_published_yet(
    sandbox: Sandbox, settings: Settings, ada: Person, chat: Chat
) -> None:
    sandbox.telegram.faults.silence(delivered=False, times=None, method="setMyCommands")
    bot = asyncio.create_task(run(settings))
    await greeted(ada, chat)
    assert not sandbox.telegram.calls_of("setMyDescription")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(bot, SOON)
    await open_embedded_store(settings).close()


async def test_a_start_that_hangs_is_ended_by_a_signal_and_a_second_one_would_not_be_caught(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.telegram.faults.silence(delivered=False, times=None, method="getMe")
    start = asyncio.create_task(run(settings))
    await sandbox.telegram.wait_until(lambda: sandbox.telegram.calls_of("getMe"), SOON)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(start, SOON)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    await open_embedded_store(settings).close()


async def test_a_key_that_was_made_is_told_of_with_what_that_means(settings: Settings) -> None:
    with capture_logs() as logged:
        await open_embedded_store(settings).close()
        await open_embedded_store(settings).close()
    (entry,) = [entry for entry in logged if "key" in entry["event"]]
    assert entry["event"] == "made a key file"
    assert entry["file"] == str(settings.data_dir / "token.key")
    assert "keep a copy" in entry["meaning"]
