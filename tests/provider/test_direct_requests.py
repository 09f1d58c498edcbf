"""Single requests without a client, over real sockets."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.provider import direct_requests
from bot.provider.direct_requests import DirectRequests
from bot.provider.transport import make_transport
from tests.provider.wire import Handler, head_of, listen, silence

TIMEOUTS = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 0.2}


@asynccontextmanager
async def requests_to(handler: Handler) -> AsyncIterator[tuple[DirectRequests, str]]:
    """Yield an object with a single connection, and the address of a server."""
    async with listen(handler) as port:
        request = DirectRequests(make_transport(1, proxies={}), "tester/1")
        yield request, f"http://127.0.0.1:{port}/x"
        await request.close()


async def whole_request(reader: asyncio.StreamReader) -> bytes:
    head = await head_of(reader)
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def pause(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nwait")
    await writer.drain()


async def test_an_answer_of_any_status_is_returned_with_the_pause_that_it_asks_for() -> None:
    async with requests_to(pause) as (request, url):
        assert await request("POST", url, TIMEOUTS) == (429, b"wait", "7")


async def test_json_and_forms_with_files_say_what_they_are() -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await whole_request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with requests_to(note) as (request, url):
        await request("POST", url, TIMEOUTS, json=b'{"a": 1}')
        await request("POST", url, TIMEOUTS, form={"a": "1"}, files={"file": ("x.pdf", b"%PDF", "application/pdf")})
        await request("GET", url, TIMEOUTS)
    json, form, bare = (each.lower() for each in seen)
    assert b"content-type: application/json\r\n" in json
    assert json.endswith(b'{"a": 1}')
    assert b"content-type: multipart/form-data; boundary=" in form
    assert b"%pdf" in form
    assert b"content-type" not in bare
    assert all(b"user-agent: tester/1\r\n" in each for each in (json, form, bare))


async def test_an_answer_without_an_end_is_given_up_and_its_place_is_free_again() -> None:
    page = zlib.compress(bytes(direct_requests.MAX_BYTES + 1))

    async def bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\ncontent-length: %d\r\n\r\n" % len(page) + page)
        await writer.drain()

    async with requests_to(bomb) as (request, url):
        for _ in range(2):
            with pytest.raises(httpx.ReadError, match="longer than"):
                await request("POST", url, TIMEOUTS)


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def silent_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await asyncio.sleep(60)


@pytest.mark.parametrize("handler", [cut, silent_in_body, silence])
async def test_an_answer_that_does_not_end_fails_and_frees_its_connection(handler: Handler) -> None:
    async with requests_to(handler) as (request, url):
        for _ in range(3):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout, httpx.ReadError)):
                await request("POST", url, {**TIMEOUTS, "read": 0.05})


async def test_a_cancelled_request_frees_its_connection() -> None:
    async with requests_to(silent_in_body) as (request, url):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(request("POST", url, TIMEOUTS), 0.05)
