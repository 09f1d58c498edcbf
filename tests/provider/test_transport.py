"""The bot's needs of its HTTP transport, over real sockets. It must not do less than httpx's own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx._config import create_ssl_context

from bot.errors import StartError
from bot.provider.transport import make_transport
from tests.provider.wire import HOST, OK, answer_all, head_of, listen, make_certificate, silence

SHORT = httpx.Timeout(5, connect=0.1)


@asynccontextmanager
async def client(max_connections: int = 10, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    verify = options.pop("verify", None)
    transport = make_transport(max_connections, verify=verify, proxies={})
    async with httpx.AsyncClient(transport=transport, **options) as opened:
        yield opened


async def closed_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def closed_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.close()


async def reset_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by RST
    writer.transport.abort()


async def cut_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def cut_in_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")
    await writer.drain()
    writer.close()


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    await reader.read()


async def silent_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await reader.read()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (closed_at_once, (httpx.RemoteProtocolError, httpx.ReadError)),  # whichever is noticed first
        (closed_after_request, httpx.RemoteProtocolError),
        (reset_after_request, httpx.ReadError),
        (cut_in_body, httpx.RemoteProtocolError),
        (cut_in_chunks, httpx.RemoteProtocolError),
        (no_http, httpx.RemoteProtocolError),
        (silence, httpx.ReadTimeout),
        (silent_in_body, httpx.ReadTimeout),
    ],
)
async def test_a_failure_after_connecting_never_counts_as_not_sent(method: str, handler: Any, error: Any) -> None:
    async with listen(handler) as port, client(timeout=httpx.Timeout(5, read=0.1)) as http:
        with pytest.raises(error) as caught:
            await http.request(method, f"http://127.0.0.1:{port}/")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_refused_connection_is_a_connect_error() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.1:1"):
            await http.get("http://127.0.0.1:1/secret-path")


async def test_no_transport_error_contains_the_path_as_that_may_hold_a_bot_token() -> None:
    async with listen(no_http) as port, client() as http:
        for url in (f"http://127.0.0.1:{port}/bot1:secret/x", "http://127.0.0.1:1/bot1:secret/x"):
            with pytest.raises(httpx.TransportError) as caught:
                await http.get(url)
            assert "secret" not in str(caught.value)


async def test_an_unknown_host_is_a_connect_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://{HOST}/")


async def test_the_connect_timeout_includes_name_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> list[Any]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    async with client(timeout=SHORT) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get(f"http://{HOST}/")


async def test_the_connect_timeout_includes_the_tls_handshake() -> None:
    async with listen(silence) as port, client(timeout=SHORT) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.post(f"https://127.0.0.1:{port}/", content=b"x")


async def test_the_pool_timeout_covers_waiting_only_and_has_its_own_error() -> None:
    async with listen(silent_in_body) as port, client(1, timeout=httpx.Timeout(5, pool=0.05)) as http:
        url = f"http://127.0.0.1:{port}/"
        async with http.stream("GET", url):
            with pytest.raises(httpx.PoolTimeout):
                await http.get(url)
        async with http.stream("GET", url) as response:
            assert response.status_code == 200


async def test_a_short_pool_timeout_does_not_shorten_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def slow(_host: str, *rest: Any, **options: Any) -> Any:
        await asyncio.sleep(0.1)
        return await resolve("127.0.0.1", *rest, **options)

    monkeypatch.setattr(loop, "getaddrinfo", slow)
    async with listen(answer_all) as port, client(timeout=httpx.Timeout(5, pool=0.02)) as http:
        assert (await http.get(f"http://{HOST}:{port}/")).text == "ok"


@pytest.mark.parametrize("handler", [closed_after_request, cut_in_body, silence, no_http])
async def test_a_failed_request_frees_its_slot(handler: Any) -> None:
    async with listen(handler) as port, client(1, timeout=httpx.Timeout(0.5, read=0.02)) as http:
        for _ in range(3):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
                await http.get(f"http://127.0.0.1:{port}/")


async def test_a_cancelled_request_frees_its_slot() -> None:
    async with listen(silence) as port, client(1) as http:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(http.get(f"http://127.0.0.1:{port}/"), 0.02)


async def test_connections_are_limited_and_kept() -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answer_all(reader, writer)

    async with listen(count) as port, client(5) as http:
        await asyncio.gather(*(http.get(f"http://127.0.0.1:{port}/") for _ in range(50)))
    assert 1 <= connections <= 5


async def test_an_answer_is_passed_on_as_it_arrives() -> None:
    more = asyncio.Event()

    async def in_two(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
        await more.wait()
        writer.write(b"rest")
        await reader.read()

    async with listen(in_two) as port, client() as http, http.stream("GET", f"http://127.0.0.1:{port}/") as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"half"
        more.set()
        assert await anext(pieces) == b"rest"


async def test_tls_is_verified_and_its_failure_is_a_connect_error(tmp_path: Path) -> None:
    server, trusting = make_certificate(tmp_path, "localhost")
    async with listen(answer_all, server) as port:
        async with client(verify=trusting) as http:
            assert (await http.get(f"https://localhost:{port}/")).text == "ok"
            with pytest.raises(httpx.ConnectError, match=r"SSL: 127\.0\.0\.1:\d+: .*mismatch"):
                await http.get(f"https://127.0.0.1:{port}/")
        async with client() as http:
            with pytest.raises(httpx.ConnectError, match=r"SSL: localhost:\d+: self-signed certificate"):
                await http.get(f"https://localhost:{port}/")


async def test_a_server_without_tls_is_a_connect_error(tmp_path: Path) -> None:
    _, trusting = make_certificate(tmp_path)
    assert isinstance(trusting, ssl.SSLContext)

    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK * 10)

    async with listen(garbage) as port, client(verify=trusting) as http:
        with pytest.raises(httpx.ConnectError, match="SSL"):
            await http.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_trusted_certificates_that_cannot_be_read_end_the_start_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setattr(httpx, "create_ssl_context", create_ssl_context)  # other tests may share a context
    file = tmp_path / "trusted.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(StartError, match="SSL_CERT_FILE"):
        make_transport(1)


async def test_a_redirect_is_left_to_the_caller() -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await reader.read()

    async with listen(redirect) as port, client() as http:
        response = await http.get(f"http://127.0.0.1:{port}/")
    assert (response.status_code, response.headers["location"]) == (302, "/elsewhere")


async def test_the_transport_keeps_no_cookies() -> None:
    heads: list[bytes] = []

    async def set_cookie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await head_of(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")

    transport = make_transport(5, proxies={})
    async with listen(set_cookie) as port:
        for _ in range(2):
            request = httpx.Request("GET", f"http://localhost:{port}/", headers={"host": "localhost"})
            response = await transport.handle_async_request(request)
            await response.aclose()
        await transport.aclose()
    assert len(heads) == 2
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_a_closed_transport_can_be_used_again() -> None:
    transport = make_transport(5, proxies={})
    async with listen(answer_all) as port:
        for _ in range(2):
            async with httpx.AsyncClient(transport=transport) as http:
                assert (await http.get(f"http://127.0.0.1:{port}/")).text == "ok"


async def test_after_a_broken_connection_a_read_is_repeated_but_a_post_is_not() -> None:
    """Aiohttp itself repeats idempotent requests, and no others (RFC 9110, section 9.2.2)."""
    heads: list[bytes] = []

    async def one_answer_a_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head_of(reader))
        writer.write(OK)
        heads.append(await head_of(reader))

    async with listen(one_answer_a_connection) as port, client() as http:
        url = f"http://127.0.0.1:{port}/"
        await http.get(url)
        await http.get(url)
        assert len(heads) == 3
        heads.clear()
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(url)
    assert len(heads) == 1
