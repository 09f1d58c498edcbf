"""What arrives on a connection although nobody asked for it is never the answer to a request."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bot.provider import connections
from bot.provider.transport import make_transport
from tests.provider.wire import head_of, listen, make_certificate

OTHER = "somebody else's"
TOKENS = ("ada", "bob", "cleo")

Ask = Callable[..., Awaitable[None]]


def answer(text: str, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(text.encode())}\r\n{headers}\r\n{text}".encode()


def chunked(text: str) -> bytes:
    chunk = f"{len(text.encode()):x}\r\n{text}\r\n" if text else ""
    return f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n".encode()


UNASKED = {
    "an answer sent twice": answer(OTHER),
    "two more answers": answer(OTHER) * 2,
    "a chunked answer": chunked(OTHER),
    "an answer until the end": b"HTTP/1.1 200 OK\r\n\r\n" + OTHER.encode(),
    "a 408 that leaves the connection open": answer("late", "408 Request Timeout"),
    "a 408 that announces the end": answer("late", "408 Request Timeout", "connection: close\r\n"),
    "a late 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
    "a change of protocol": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "an answer without a body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "the beginning of a head": b"HTTP/1.1 200 OK\r\nconte",
    "one letter of a head": b"H",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
    "a line break": b"\r\n",
    "two bytes of text": b"ok",
    "zeros": bytes(20),
    "a page": b"<html><body>sorry</body></html>\r\n\r\n",
    "bytes of another protocol": b"\x15\x03\x03\x00\x02\x01\x00",
}


@dataclass
class Server:
    """Answers each request with its token. The answers that are due for it bring something that nobody asked for.

    ``unasked`` comes ``after`` so many seconds, or at once with the answer if that is None.
    """

    unasked: bytes
    after: float | None = None
    form: Callable[[str], bytes] = answer
    every: int = 1
    requests: list[int] = field(default_factory=list)
    """For each request: how many came before it on its connection."""
    spoiled_and_reused: int = 0
    open: int = 0
    most_at_once: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_at_once = max(self.open, self.most_at_once)
        try:
            await self._serve(reader, writer)
        finally:
            self.open -= 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoiled = False
        for before in itertools.count():
            head = await head_of(reader)
            self.spoiled_and_reused += spoiled
            self.requests.append(before)
            token = head.decode().partition("Bearer ")[2].partition("\r\n")[0]
            good, due = self.form(token), len(self.requests) % self.every == 0
            spoiled |= due
            if due and self.after is None:
                writer.write(good + self.unasked)
                continue
            writer.write(good)
            if due and self.after is not None:
                await asyncio.sleep(self.after)
                writer.write(self.unasked)


@asynccontextmanager
async def asking(server: Server, max_connections: int = 1) -> AsyncIterator[Ask]:
    """Yield a function that asks for a token, and checks that the answer is that token."""
    transport = make_transport(max_connections, proxies={})
    async with listen(server.handle) as port, httpx.AsyncClient(transport=transport) as http:

        async def ask(token: str, method: str = "GET") -> None:
            url, headers = f"http://127.0.0.1:{port}/", {"authorization": f"Bearer {token}"}
            response = await http.request(method, url, headers=headers)
            assert (response.status_code, response.text) == (200, token)

        yield ask


async def ask_in_turns(server: Server, pause: float = 0) -> None:
    async with asking(server) as ask:
        for token in TOKENS * 2:
            await ask(token)
            await asyncio.sleep(pause)
    assert server.spoiled_and_reused == 0


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use connections again at once, whoever asks, so that only what arrives on them can keep from it."""
    monkeypatch.setattr(connections, "REST_SECONDS", 0)


@pytest.mark.usefixtures("no_rest")
@pytest.mark.parametrize("kind", UNASKED)
async def test_nobody_gets_an_answer_that_was_for_somebody_else(kind: str) -> None:
    unasked = UNASKED[kind]
    async with asyncio.TaskGroup() as group:
        for form in (answer, chunked):
            group.create_task(ask_in_turns(Server(unasked, after=None, form=form)))
            group.create_task(ask_in_turns(Server(unasked, after=0.001, form=form), pause=0.02))


@pytest.mark.parametrize("kind", ["an answer sent twice", "a 408 that leaves the connection open", "half a body"])
@pytest.mark.parametrize("max_connections", [1, 10])
async def test_what_comes_soon_after_an_answer_does_not_meet_the_next_request(kind: str, max_connections: int) -> None:
    server = Server(UNASKED[kind], after=0.01)
    async with asking(server, max_connections) as ask:
        for number in range(6):
            await ask(f"customer {number}")
    assert server.requests == [0] * 6


@pytest.mark.usefixtures("no_rest")
@pytest.mark.parametrize("kind", ["an answer sent twice", "a 408 that leaves the connection open"])
async def test_it_holds_for_answers_without_a_body_and_for_posts(kind: str) -> None:
    def without_body(token: str) -> bytes:
        return answer("", f"200 {token}")

    server = Server(UNASKED[kind], form=without_body)
    async with listen(server.handle) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        for token in TOKENS * 2:
            headers = {"authorization": f"Bearer {token}"}
            response = await http.post(f"http://127.0.0.1:{port}/", headers=headers)
            assert response.reason_phrase == token
    assert server.spoiled_and_reused == 0


@pytest.mark.usefixtures("no_rest")
async def test_it_holds_for_tls(tmp_path: Path) -> None:
    tls, trusting = make_certificate(tmp_path, "localhost")
    server = Server(UNASKED["an answer sent twice"], after=0.001)
    transport = make_transport(1, verify=trusting, proxies={})
    async with listen(server.handle, tls) as port, httpx.AsyncClient(transport=transport) as http:
        for token in TOKENS:
            response = await http.get(f"https://localhost:{port}/", headers={"authorization": f"Bearer {token}"})
            assert response.text == token
            await asyncio.sleep(0.02)
    assert server.spoiled_and_reused == 0


@pytest.mark.usefixtures("no_rest")
async def test_a_quiet_connection_is_used_again() -> None:
    server = Server(b"", every=1000)
    await ask_in_turns(server)
    assert server.requests == [0, 1, 2, 3, 4, 5]


@pytest.mark.usefixtures("no_rest")
async def test_two_answers_at_once_on_a_used_connection_count_as_none() -> None:
    """The first of them may be a late one of the request before. So a read is repeated, and a POST is not."""
    server = Server(UNASKED["an answer sent twice"], every=2)
    async with asking(server) as ask:
        await ask("ada")
        await ask("bob")
        assert server.requests == [0, 1, 0]
        server.requests.clear()
        await ask("ada")
        with pytest.raises(httpx.RemoteProtocolError):
            await ask("bob", "POST")


async def test_what_arrived_while_the_process_was_busy_is_noticed() -> None:
    """The event loop has not read it yet when the next request is about to be sent."""
    answered, more, sent = threading.Event(), threading.Event(), threading.Event()

    def serve(listening: socket.socket) -> None:
        first, _ = listening.accept()
        first.recv(65536)
        first.sendall(answer("ada"))
        answered.set()
        more.wait(5)
        first.sendall(answer(OTHER))
        sent.set()
        second, _ = listening.accept()
        second.recv(65536)
        second.sendall(answer("bob"))
        first.close()
        second.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=[listening])
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        async with httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
            assert (await http.get(url)).text == "ada"
            more.set()
            sent.wait(5)  # blocks the event loop on purpose
            assert (await http.get(url)).text == "bob"
        thread.join()


async def test_a_connection_rests_before_it_serves_another_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RESTING", 0)
    server = Server(b"", every=1000)
    async with asking(server, max_connections=3) as ask:
        for token in ("ada", "ada", "bob", "bob", "ada", "cleo", "dan"):
            await ask(token)
    assert server.requests == [0, 1, 0, 1, 2, 0, 0]  # the last one takes the place of bob's
    assert server.most_at_once == 3


async def test_more_connections_rest_than_may_be_in_use_at_once() -> None:
    server = Server(b"", every=1000)
    async with asking(server, max_connections=1) as ask:
        for token in ("ada", "bob", "cleo", "ada", "bob", "cleo", "dan", "eve", "fay", "ada", "fay"):
            await ask(token)
    assert server.requests == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]  # fay's takes the place of ada's
    assert server.most_at_once == 5


async def test_a_connection_rests_also_if_those_that_rested_longer_are_spoiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REST_SECONDS", 0.03)
    quick, slow = Server(UNASKED["an answer sent twice"], after=0.01), asyncio.Event()
    connection = itertools.count()

    async def second_is_slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(connection) == 1:
            await slow.wait()
        await quick.handle(reader, writer)

    async with listen(second_is_slow) as port, httpx.AsyncClient(transport=make_transport(10, proxies={})) as http:

        def ask(token: str) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(http.get(f"http://127.0.0.1:{port}/", headers={"authorization": token}))

        first, second = ask("ada"), ask("bob")
        await first
        await asyncio.sleep(0.05)
        slow.set()
        await second
        await ask("cleo")
    assert quick.requests == [0, 0, 0]


async def test_a_connection_on_which_something_arrives_is_closed_at_once() -> None:
    closed = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(answer("ada"))
        await asyncio.sleep(0.01)
        writer.write(UNASKED["half a body"])
        with suppress(ConnectionError):
            assert await reader.read() == b""
        closed.set()

    async with listen(flood) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        await http.get(f"http://127.0.0.1:{port}/")
        await asyncio.wait_for(closed.wait(), 5)


INTERIM = [b"", UNASKED["a late 100 Continue"], UNASKED["early hints"], UNASKED["early hints"] * 3]
OVER_HTTP = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@OVER_HTTP
@given(
    st.sampled_from(INTERIM),
    st.sampled_from([answer, chunked]),
    st.text("aä\r\n0", max_size=40),
    st.lists(st.integers(1, 60), max_size=5),
)
async def test_an_answer_is_whole_in_whatever_pieces_it_arrives(
    interim: bytes, form: Callable[[str], bytes], text: str, lengths: list[int]
) -> None:
    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head_of(reader)
            rest = interim + form(text)
            for length in lengths:
                writer.write(rest[:length])
                await asyncio.sleep(0.001)
                rest = rest[length:]
            writer.write(rest)

    async with listen(in_pieces) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        for _ in range(2):
            assert (await http.get(f"http://127.0.0.1:{port}/")).text == text


@OVER_HTTP
@given(
    st.binary(min_size=1, max_size=30) | st.sampled_from(list(UNASKED.values())),
    st.binary(max_size=30),
    st.sampled_from([None, 0.001]),
    st.integers(1, 3),
)
async def test_no_bytes_whatsoever_become_an_answer(
    beginning: bytes, rest: bytes, after: float | None, every: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "REST_SECONDS", 0)
        await ask_in_turns(Server(beginning + rest, after, every=every), pause=0.005)
