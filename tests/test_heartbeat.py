"""The heartbeat: it beats while the bot works, and then only; whatever comes back, the bot goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from structlog.testing import capture_logs

from bot import logs
from bot.application import running
from bot.health import STALE_AFTER, Health
from bot.heartbeat import EVERY, NOT_READY_WAIT, Heartbeat
from bot.ports import utc_now
from bot.provider.client import open_http_client
from bot.sandbox.provider.faults import Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import serve
from bot.sandbox.telegram import Chat, Person
from bot.serving import Receive, Scope, Send
from bot.store.operators import OperatorsView
from tests.sandbox_bot import TICK, TOKEN, ask, until

PATH = "/ping/the-secret-of-the-heartbeat"


class Listener:
    """A service that wants to hear from the bot, and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.answer: Response = Response()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append(Request(scope))
        await self.answer(scope, receive, send)


class Ready(Health):
    def __init__(self, answers: Iterator[bool]) -> None:
        super().__init__(utc_now)
        self._answers = answers

    async def report(self) -> object:  # type: ignore[override]
        return type("Answer", (), {"is_ready": next(self._answers)})


class Over(Exception):
    pass


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def url(listener: Listener) -> AsyncIterator[str]:
    async with serve(listener.app) as root:
        yield root + PATH


async def beat(url: str, *ready: bool, each: Callable[[int], object] = lambda _: None) -> list[float]:
    """Let the heart beat while there are answers to whether the bot is ready. Return the seconds between them."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        each(len(waits))
        if len(waits) == len(ready):
            raise Over

    async with open_http_client() as http:
        with pytest.raises(Over):
            await Heartbeat(url, Ready(iter(ready)), http, sleep).run()
    return waits


async def test_it_asks_once_a_minute_while_the_bot_is_ready(url: str, listener: Listener) -> None:
    assert await beat(url, True, True) == [EVERY, EVERY]
    assert [(request.method, request.url.path) for request in listener.heard] == [("GET", PATH)] * 2
    assert not {"authorization", "cookie"} & set(listener.heard[0].headers)


async def test_it_is_silent_while_the_bot_is_not_ready_and_soon_back(url: str, listener: Listener) -> None:
    assert await beat(url, False, False, True) == [NOT_READY_WAIT, NOT_READY_WAIT, EVERY]
    assert len(listener.heard) == 1


async def test_trouble_is_logged_once_without_the_address_and_so_is_its_end(url: str, listener: Listener) -> None:
    def tell(count: int) -> None:
        listener.answer = Response(status_code=503 if count < 3 else 200)

    listener.answer = Response(status_code=503)
    with capture_logs() as logged:
        await beat(url, True, True, True, True, each=tell)
    assert [(line["event"], line.get("reason")) for line in logged] == [
        ("heartbeat fails", "status 503"),
        ("heartbeat works again", None),
    ]
    assert "secret" not in str(logged)


async def test_a_redirect_is_not_followed(url: str, listener: Listener) -> None:
    listener.answer = RedirectResponse(url.replace(PATH, "/elsewhere"))
    with capture_logs() as logged:
        await beat(url, True)
    assert [request.url.path for request in listener.heard] == [PATH]
    assert [line["reason"] for line in logged] == ["status 307"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret", "http://[secret", "https://127.0.0.1:9/secret"])
async def test_an_address_where_nobody_is_harms_nobody(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "json", [url])
    await beat(url, True, True)
    logs.flush()
    written = capfd.readouterr().err
    assert written.count("heartbeat fails") == 1
    assert "secret" not in written


async def test_without_an_address_nothing_is_asked(sandbox: Sandbox, tmp_path: Path, listener: Listener) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await until(lambda: sandbox.telegram.calls_of("getUpdates"))
    assert listener.heard == []


async def test_the_bot_is_heard_while_it_works_also_while_the_provider_is_away(
    sandbox: Sandbox, tmp_path: Path, url: str, listener: Listener, account: Account, ada: Person, chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("bot.heartbeat.EVERY", TICK)
    monkeypatch.setattr("bot.heartbeat.NOT_READY_WAIT", TICK)
    async with running(sandbox.settings(tmp_path, heartbeat_url=url), clock=sandbox.clock, tick=TICK) as bot:
        await until(lambda: listener.heard)
        await ask(chat, ada, f"/link {TOKEN}", "✅")
        sandbox.provider.faults.switch_on(Fault.DOWN)
        heard = len(listener.heard)
        await until(lambda: len(listener.heard) > heard + 3)

        sandbox.telegram.faults.server_error(times=None, method="getUpdates")
        sandbox.clock.put_forward(STALE_AFTER + timedelta(seconds=1))
        await asyncio.sleep(3 * TICK)  # one may be under way
        heard = len(listener.heard)
        await asyncio.sleep(10 * TICK)
        assert len(listener.heard) == heard
        assert not (await bot.health.report()).is_ready
    heard = len(listener.heard)
    await asyncio.sleep(3 * TICK)
    assert len(listener.heard) == heard


async def test_it_is_silent_while_the_store_is_away(
    sandbox: Sandbox, tmp_path: Path, url: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(OperatorsView, "backlog", away)
    monkeypatch.setattr("bot.heartbeat.NOT_READY_WAIT", TICK)
    async with running(sandbox.settings(tmp_path, heartbeat_url=url), clock=sandbox.clock, tick=TICK) as bot:
        await until(lambda: bot.services.checker.looked_at is not None and bot.source.good_at is not None)
        await asyncio.sleep(10 * TICK)
    assert listener.heard == []
