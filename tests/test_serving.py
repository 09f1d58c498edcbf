"""Clients can't take all connections of a process: half-sent requests are dropped, whole ones are answered."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import web
from bot.application import running
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from bot.serving import Limits, serve_asgi
from bot.settings import Address
from tests.sandbox_bot import TICK, TOKEN, ask, says
from tests.test_web import HOOK, SECRET, free_port

REQUEST = b"GET /quick HTTP/1.1\r\nhost: bot\r\n\r\n"
CONNECTIONS = 5
SOON = 0.2


class Client:
    """One connection, and what came over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, content: bytes) -> None:
        self._writer.write(content)

    async def status(self) -> int:
        """Return the status of the next answer; 0 if the connection ends before."""
        try:
            head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        return int(head.split(b" ")[1])

    def close(self) -> None:
        self._writer.close()

    async def is_dropped(self, within: float = 10) -> bool:
        try:
            return await asyncio.wait_for(self._reader.read(), within) is not None
        except TimeoutError:
            return False
        except ConnectionError:
            return True


class Clients:
    """Connections to a port, closed at the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._all: list[Client] = []

    async def connect(self, content: bytes = b"") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self._port))
        self._all.append(client)
        client.send(content)
        return client

    def close(self) -> None:
        for client in self._all:
            client.close()


async def quick(_: Request) -> Response:
    return Response("here")


async def slow(_: Request) -> Response:
    await asyncio.sleep(3600)
    return Response("late")


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    app = Starlette(routes=[Route("/quick", quick), Route("/slow", slow)])
    async with serve_asgi(app, "127.0.0.1", 0, limits=Limits(CONNECTIONS, head=SOON, request=SOON)) as port:
        clients = Clients(port)
        yield clients
        clients.close()


@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_that_comes_while_the_server_stops_is_dropped_too(turns: int) -> None:
    """Nothing is left to the garbage collector, however far the loop has got with the connection."""
    async with serve_asgi(Starlette(routes=[Route("/quick", quick)]), "127.0.0.1", 0) as port:
        connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
    for connection in connections:
        with connection, suppress(ConnectionError):
            assert connection.recv(1) == b""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    assert [warning.message for warning in caught] == []


@pytest.mark.parametrize(
    "half", [b"", b"GET", REQUEST[:-2], b"POST /quick HTTP/1.1\r\nhost: bot\r\ncontent-length: 9\r\n\r\nhalf"]
)
async def test_who_sends_half_a_request_is_dropped(clients: Clients, half: bytes) -> None:
    assert await (await clients.connect(half)).is_dropped()


async def test_a_head_that_comes_in_small_pieces_has_no_more_time_than_others(clients: Clients) -> None:
    client = await clients.connect(REQUEST[:5])
    for number in range(1000):
        if await client.is_dropped(SOON / 10):
            break
        client.send(b"x-%d: 1\r\n" % number)
    assert number < 50


async def test_a_second_request_that_is_half_sent_is_dropped_too(clients: Clients) -> None:
    client = await clients.connect(REQUEST)
    assert await client.status() == 200
    client.send(REQUEST[:-2])
    assert await client.is_dropped()


async def test_a_client_that_asks_again_and_again_is_kept(clients: Clients) -> None:
    client = await clients.connect()
    for _ in range(6):
        await asyncio.sleep(SOON / 3)
        client.send(REQUEST)
        assert await client.status() == 200


async def test_a_request_without_end_is_dropped(clients: Clients) -> None:
    assert await (await clients.connect(REQUEST.replace(b"quick", b"slow"))).is_dropped()


async def test_half_sent_requests_make_room_for_whole_ones() -> None:
    app = Starlette(routes=[Route("/quick", quick), Route("/slow", slow)])
    async with serve_asgi(app, "127.0.0.1", 0, limits=Limits(CONNECTIONS, head=3600, request=3600)) as port:
        clients = Clients(port)
        at_work = await clients.connect(REQUEST.replace(b"quick", b"slow"))
        half = [await clients.connect(REQUEST[:-2]) for _ in range(10 * CONNECTIONS)]
        for _ in range(3):
            assert await (await clients.connect(REQUEST)).status() == 200
        dropped = [await client.is_dropped(0.01) for client in half]
        assert sum(dropped) >= len(half) - CONNECTIONS
        assert dropped == sorted(dropped, reverse=True)
        assert not await at_work.is_dropped(0.01)
        clients.close()


async def test_while_all_connections_are_at_work_a_further_one_is_refused() -> None:
    app = Starlette(routes=[Route("/quick", quick), Route("/slow", slow)])
    async with serve_asgi(app, "127.0.0.1", 0, limits=Limits(CONNECTIONS, head=3600, request=3600)) as port:
        clients = Clients(port)
        at_work = [await clients.connect(REQUEST.replace(b"quick", b"slow")) for _ in range(CONNECTIONS)]
        assert not await at_work[0].is_dropped(0.05)
        assert await (await clients.connect()).is_dropped()
        assert not any([await client.is_dropped(0.01) for client in at_work])
        clients.close()


async def test_while_half_sent_requests_pour_in_the_bot_alerts_answers_and_is_ready(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    address = Address("127.0.0.1", free_port())
    clients = Clients(address.port)
    async with running(sandbox.settings(tmp_path, web_listen=address), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        half = [await clients.connect(REQUEST[:-2]) for _ in range(web.MAX_CONNECTIONS + 100)]
        invoice = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=20)
        await chat.wait_for(says("New invoice", str(invoice.id)))
        assert await (await clients.connect(REQUEST.replace(b"quick", b"readyz"))).status() == 200
        assert sum([await client.is_dropped(0.001) for client in half]) >= 100
        clients.close()


async def test_an_update_whose_body_does_not_come_is_refused(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "BODY_TIMEOUT", 0.1)
    address = Address("127.0.0.1", free_port())
    settings = sandbox.settings(tmp_path, web_listen=address, webhook_url=HOOK, webhook_secret=SECRET)
    head = f"POST /telegram HTTP/1.1\r\nhost: bot\r\n{web.SECRET_HEADER}: {SECRET}\r\ncontent-length: 99\r\n\r\n{{"
    async with running(settings, clock=sandbox.clock, tick=TICK):
        clients = Clients(address.port)
        await sandbox.telegram.wait_until(lambda: sandbox.telegram.calls_of("setWebhook"))
        assert await (await clients.connect(head.encode())).status() == 408
        clients.close()


@pytest.mark.parametrize(("files", "connections"), [(256, 64), (1024, 200), (8192, 200), (-1, 200)])
def test_connections_leave_most_files_to_the_work(
    files: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert web.limits().connections == connections
