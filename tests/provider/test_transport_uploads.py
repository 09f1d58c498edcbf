"""Uploads are streamed without taking memory, and have a time-out."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.provider.transport import make_transport
from tests.provider.wire import OK, head_of, listen, silence

MEGABYTE = 1024 * 1024
SIZE = 49 * MEGABYTE


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    file = tmp_path / "large.pdf"
    with file.open("wb") as opened:
        opened.truncate(SIZE)
    return file


def length_in(head: bytes) -> int:
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    assert b"transfer-encoding" not in lines
    return int(lines[b"content-length"])


async def test_a_multipart_upload_is_streamed_and_takes_no_memory(large_file: Path) -> None:
    received = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        length = length_in(await head_of(reader))
        while received < length:
            received += len(await reader.read(64 * 1024))
        writer.write(OK)
        await reader.read()

    async with listen(take) as port, httpx.AsyncClient(transport=make_transport(5, proxies={})) as http:
        with large_file.open("rb") as opened:
            tracemalloc.start()
            try:
                response = await http.post(
                    f"http://127.0.0.1:{port}/", data={"chat_id": "7"}, files={"document": ("large.pdf", opened)}
                )
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert response.text == "ok"
    assert SIZE < received < SIZE + 2000
    assert peak < 4 * MEGABYTE


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_peer_that_stops_reading_is_a_write_timeout(large_file: Path, streamed: bool) -> None:
    timeout = httpx.Timeout(5, write=0.1)
    transport = make_transport(1, proxies={})
    async with listen(silence) as port, httpx.AsyncClient(transport=transport, timeout=timeout) as http:
        with large_file.open("rb") as opened:
            body: dict[str, Any] = {"files": {"document": opened}} if streamed else {"content": bytes(SIZE)}
            with pytest.raises(httpx.WriteTimeout):
                await http.post(f"http://127.0.0.1:{port}/", **body)


async def test_a_slow_but_steady_peer_is_not_timed_out() -> None:
    size = 4 * MEGABYTE

    async def sip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = length_in(await head_of(reader))
        while left:
            left -= len(await reader.read(256 * 1024))
            await asyncio.sleep(0.02)
        writer.write(OK)
        await reader.read()

    timeout = httpx.Timeout(5, write=0.2)
    transport = make_transport(1, proxies={})
    async with listen(sip) as port, httpx.AsyncClient(transport=transport, timeout=timeout) as http:
        assert (await http.post(f"http://127.0.0.1:{port}/", content=bytes(size))).text == "ok"


async def test_an_answer_before_the_end_of_the_upload_is_returned() -> None:
    """A server that refuses because of the length answers at once, and may read no further."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 4\r\n\r\nhtml")
        while await reader.read(64 * 1024):
            pass

    async with listen(refuse) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        response = await http.post(f"http://127.0.0.1:{port}/", content=bytes(8 * MEGABYTE))
    assert (response.status_code, response.text) == (413, "html")


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, MEGABYTE])
async def test_a_body_of_any_length_arrives_complete(size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    received: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readexactly(length_in(await head_of(reader))))
        writer.write(OK)
        await reader.read()

    async with listen(take) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        await http.post(f"http://127.0.0.1:{port}/", content=content)
    assert received == [content]
