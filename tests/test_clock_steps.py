"""A clock that is wrong, or is set: within seconds everybody is answered, checked and told again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bot.application import running
from bot.chat.polling import POLL_TIMEOUT
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Message, Person
from bot.settings import Address, Settings
from bot.store.vault import new_key
from tests.faketime import FakeTime
from tests.sandbox_bot import ROOT, TICK, TOKEN, ask, says, until
from tests.store.cluster import Cluster, temporary_cluster

SOON = 15.0
"""Seconds within which everything must go on."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUARTER = 900

# The contract of the store and the tests of the services try all lengths.
LIVE = pytest.mark.parametrize("step", [3653 * DAY, -20_000 * DAY], ids=["years", "1970"])
RESTART = pytest.mark.parametrize("step", [3 * MINUTE, 2 * HOUR, 40 * DAY], ids=["minutes", "hours", "days"])


class BotsClock:
    """The sandbox's clock, which is right, plus a step."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._right = sandbox.clock
        self.step = timedelta()

    def __call__(self) -> datetime:
        return self._right() + self.step


@pytest.fixture
def clock(sandbox: Sandbox) -> BotsClock:
    return BotsClock(sandbox)


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return sandbox.settings(tmp_path / "data", check_interval=QUARTER)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture
def shared_settings(sandbox: Sandbox, own_cluster: Cluster, tmp_path: Path) -> Settings:
    url = own_cluster.make_database("bot")
    return sandbox.settings(tmp_path / "data", token_keys=new_key(), database_url=url, check_interval=QUARTER)


async def use(sandbox: Sandbox, account: Account, chat: Chat, ada: Person) -> None:
    """Link a chat and be told of an invoice, whatever the time is."""
    await ask(chat, ada, f"/link {TOKEN}", "linked")
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
    await ask(chat, ada, "/check")
    await chat.wait_for(says(str(invoice.id)), SOON)


async def all_goes_on(sandbox: Sandbox, account: Account, chat: Chat, ada: Person) -> None:
    """Somebody new and a customer get their answers, and a new invoice is found and told."""
    bob = sandbox.telegram.add_user("Bob", language_code="en")
    other = sandbox.telegram.private_chat(bob)
    invoice = sandbox.provider.create_invoice(account, Decimal("9.95"), due_in_days=9)
    async with asyncio.timeout(SOON):
        await ask(other, bob, "/help")
        await chat.wait_for(says("New invoice", str(invoice.id)))
        await ask(chat, ada, "/status", "Linked since")


async def next_check_is_near(chat: Chat, ada: Person) -> None:
    """The customer is told when the next check is."""
    status = await ask(chat, ada, "/status", "Linked since")
    assert "Next check: in 15 minutes." in status.text or "Checking right now." in status.text


# --- The bot's own clock ---------------------------------------------------------------------------------------------


@LIVE
async def test_all_goes_on_within_seconds_after_the_clock_was_put_right(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, settings: Settings, step: timedelta
) -> None:
    clock.step = step
    async with running(settings, clock=clock, tick=TICK):
        await use(sandbox, account, chat, ada)
        clock.step = timedelta()
        await all_goes_on(sandbox, account, chat, ada)
        await next_check_is_near(chat, ada)


@RESTART
async def test_all_goes_on_within_seconds_after_a_restart_with_the_right_clock(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, settings: Settings, step: timedelta
) -> None:
    clock.step = step
    async with running(settings, clock=clock, tick=TICK):
        await use(sandbox, account, chat, ada)
    clock.step = timedelta()
    async with running(settings, clock=clock, tick=TICK):
        await all_goes_on(sandbox, account, chat, ada)
        await next_check_is_near(chat, ada)


async def test_on_a_database_all_goes_on_within_seconds_after_the_clock_was_put_right(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, shared_settings: Settings
) -> None:
    clock.step = 40 * DAY
    async with running(shared_settings, clock=clock, tick=TICK):
        await use(sandbox, account, chat, ada)
        clock.step = timedelta()
        await all_goes_on(sandbox, account, chat, ada)
        clock.step = 2 * HOUR
        await ask(chat, ada, "/check")
    clock.step = timedelta()
    async with running(shared_settings, clock=clock, tick=TICK):
        await all_goes_on(sandbox, account, chat, ada)


@pytest.mark.parametrize("step", [2 * HOUR, -2 * HOUR], ids=["ahead", "behind"])
async def test_a_replica_with_a_wrong_clock_silences_nobody(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, shared_settings: Settings,
    step: timedelta,
) -> None:  # fmt: skip
    clock.step = step
    async with running(shared_settings, clock=clock, tick=TICK):
        await use(sandbox, account, chat, ada)
        async with running(shared_settings, clock=sandbox.clock, tick=TICK):
            await all_goes_on(sandbox, account, chat, ada)


async def test_a_reminder_comes_although_a_clock_that_was_ahead_called_the_invoice_overdue(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, settings: Settings
) -> None:
    async with running(settings, clock=clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
        await ask(chat, ada, "/check")
        await chat.wait_for(says("New invoice", str(invoice.id)))
        clock.step = 40 * DAY
        await chat.wait_for(says(f"{invoice.id} is overdue"))
        clock.step = timedelta()
        sandbox.clock.put_forward(2 * DAY)
        await chat.wait_for(says(f"{invoice.id} is due in 7 days"))


async def test_a_question_of_a_clock_that_was_ahead_moves_no_money(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, clock: BotsClock, settings: Settings
) -> None:
    clock.step = 2 * HOUR
    async with running(settings, clock=clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €7.95")
        clock.step = timedelta()
        ada.press(question, yes_of(question))
        await chat.wait_for(lambda m: m.id == question.id and "expired" in m.text)
        assert not sandbox.provider.executed(Call.PAY, invoice.id)
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €7.95")
        ada.press(question, yes_of(question))
        await chat.wait_for(lambda m: m.id == question.id and "is paid" in m.text)


def yes_of(question: Message) -> str:
    return next(button.data for button in question.buttons if button.data and button.data.startswith("yes:"))


async def test_a_step_is_logged_and_readyz_and_metrics_tell_of_it(
    sandbox: Sandbox, ada: Person, chat: Chat, clock: BotsClock, tmp_path: Path
) -> None:
    address = free_address()
    settings = sandbox.settings(tmp_path / "data", web_listen=address)
    with capture_logs() as logs:
        async with running(settings, clock=clock, tick=TICK), web(address) as http:
            await ask(chat, ada, "/help")
            clock.step = 40 * DAY
            await is_told(http, "The bot's clock was put forward by 40 days, 0:00:00")
            clock.step = -2 * HOUR
            await is_told(http, "The bot's clock was put back by 40 days, 2:00:00")
            metrics = (await http.get("/metrics")).text
            async with asyncio.timeout(2 * POLL_TIMEOUT.total_seconds()):
                while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110  # nobody says when
                    await asyncio.sleep(0.1)
    for direction in ("forward", "back"):
        assert f'invoice_bot_clock_steps_total{{direction="{direction}"}} 1.0' in metrics
    steps = [entry for entry in logs if entry["event"] == "clock was set"]
    assert [entry["log_level"] for entry in steps] == ["warning"] * 2
    assert [entry["seconds"] for entry in steps] == seconds_of(40 * DAY, -40 * DAY - 2 * HOUR)


async def is_told(http: httpx.AsyncClient, words: str) -> None:
    """Wait until ``/readyz`` speaks of it."""
    async with asyncio.timeout(SOON):
        while words not in (await http.get("/readyz")).text:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.1)


def seconds_of(*steps: timedelta) -> object:
    return [pytest.approx(step.total_seconds(), abs=2) for step in steps]


# --- The machine's clock, really set ---------------------------------------------------------------------------------


class Bot:
    """The bot as a process, as it is started everywhere, with a clock that can be set."""

    def __init__(self, sandbox: Sandbox, folder: Path, **others: str) -> None:
        self.time = FakeTime(folder / "time")
        self.address = free_address()
        self.log = folder / "log"
        self._sandbox = sandbox
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "PROVIDER_URL": sandbox.provider_url,
            "DATA_DIR": str(folder / "data"),
            "CHECK_INTERVAL": "1",
            "QUIET_HOURS": "",
            "LOG_FORMAT": "json",
            "WEB_LISTEN": str(self.address.port),
            **others,
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        polls = len(self._sandbox.telegram.calls_of("getUpdates"))
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env={**self._environment, **self.time.environment},
                cwd=self._folder,
                stderr=log,
            )
        try:
            await until(lambda: len(self._sandbox.telegram.calls_of("getUpdates")) > polls)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, self.log.read_text()

    def warnings(self) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["level"] in {"warning", "error", "critical"}]


def free_address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", int(probe.getsockname()[1]))


@asynccontextmanager
async def web(address: Address) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address.port}", trust_env=False) as http:
        yield http


def resident_megabytes(process: asyncio.subprocess.Process) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def test_the_machines_clock_is_wrong_at_the_start_and_then_set_there_and_back_and_all_goes_on_within_seconds(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    bot = Bot(sandbox, tmp_path)
    bot.time.set(2 * HOUR)
    async with bot.running():
        await use(sandbox, account, chat, ada)
    bot.time.set(timedelta())
    async with bot.running() as process, web(bot.address) as http:
        await all_goes_on(sandbox, account, chat, ada)
        before = resident_megabytes(process)
        for days, words in [(365, "forward by 365"), (0, "back by 365"), (-20_000, "back by 2"), (0, "forward by 2")]:
            bot.time.set(days * DAY)
            await is_told(http, words)
            async with asyncio.timeout(SOON):
                await ask(chat, ada, "/help")
        await all_goes_on(sandbox, account, chat, ada)
        assert resident_megabytes(process) < before + 30
    warnings = bot.warnings()
    assert "clock is behind what is stored" in {line["event"] for line in warnings}
    steps = [line["seconds"] for line in warnings if line["event"] == "clock was set"]
    assert steps == seconds_of(365 * DAY, -365 * DAY, -20_000 * DAY, 20_000 * DAY)


async def test_on_a_database_a_machine_with_a_wrong_clock_goes_by_the_databases(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, own_cluster: Cluster
) -> None:
    bot = Bot(sandbox, tmp_path, DATABASE_URL=own_cluster.make_database("really"), TOKEN_KEYS=new_key())
    bot.time.set(40 * DAY)
    async with bot.running(), web(bot.address) as http:
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        status = await ask(chat, ada, "/status", "Linked since")
        assert f"{datetime.now(UTC):%b %Y}" in status.text
        bot.time.set(-2 * HOUR)
        await all_goes_on(sandbox, account, chat, ada)
        await is_told(http, "The machine's clock was put back by 40 days")
    events = [line["event"] for line in bot.warnings()]
    assert events.count("clock differs from the database's") == 1
    assert "clock was set" in events
