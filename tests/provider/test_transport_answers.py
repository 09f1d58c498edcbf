"""Answers that break HTTP, have long heads, or are coded: what of it is passed on, and what is named and refused."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.provider.transport import AnswerRefused, make_transport
from tests.provider.wire import head_of, listen

OK = b"HTTP/1.1 200 OK\r\n"
TEXT = b"an answer " * 1000


@asynccontextmanager
async def answering(*pieces: bytes, **options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Serve each request with these pieces. Then the connection stays open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head_of(reader)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.001)

    transport = make_transport(2, proxies={})
    async with listen(serve) as port, httpx.AsyncClient(transport=transport, timeout=2, **options) as http:
        yield http, f"http://127.0.0.1:{port}/"


def coded(content: bytes, *lines: str) -> bytes:
    head = "".join(f"content-encoding: {line}\r\n" for line in lines) + f"content-length: {len(content)}\r\n\r\n"
    return OK + head.encode() + content


BROKEN = {
    "another protocol": ([b"SSH-2.0-OpenSSH_9.9\r\n\r\n"], "BadStatusLine"),
    "a TLS alert": ([b"\x15\x03\x03\x00\x02\x02\x50"], "BadStatusLine"),
    "HTTP/2": ([b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"], "BadStatusLine"),
    "two lengths": ([OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok"], "Duplicate Content-Length"),
    "a length that is none": ([OK + b"content-length: two\r\n\r\nok"], "Content-Length"),
    "length and chunks": (
        [OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        "Transfer-Encoding",
    ),
    "a zero in a header": ([OK + b"x: a\0b\r\ncontent-length: 2\r\n\r\nok"], "InvalidHeader"),
    "a line without end": ([OK + b"x: " + b"a" * 200_000 + b"\r\ncontent-length: 2\r\n\r\nok"], "LineTooLong"),
    "headers without end": ([OK + b"x: a\r\n" * 1000 + b"content-length: 2\r\n\r\nok"], "Too many headers"),
    "a chunk without length": ([OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"], "chunk size"),
    "a later chunk without length": (
        [OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n", b"zz\r\n"],
        "chunk size",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_an_answer_that_breaks_http_is_refused_at_once_by_the_name_of_its_fault(kind: str) -> None:
    pieces, name = BROKEN[kind]
    async with answering(*pieces) as (http, url):
        with pytest.raises(AnswerRefused, match=name) as caught:
            await http.get(url + "secret-path")
    assert "secret" not in str(caught.value)
    assert "aaa" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("size", [9_000, 65_536, 100_000])
async def test_a_long_header_is_read(size: int) -> None:
    async with answering(OK + b"x: " + b"a" * size + b"\r\ncontent-length: 2\r\n\r\nok") as (http, url):
        response = await http.get(url)
    assert (response.text, len(response.headers["x"])) == ("ok", size)


async def test_many_headers_and_a_long_reason_are_read() -> None:
    head = b"HTTP/1.1 200 " + b"r" * 60_000 + b"\r\n" + b"".join(b"x-%d: a\r\n" % n for n in range(400))
    async with answering(head + b"content-length: 2\r\n\r\nok") as (http, url):
        assert (await http.get(url)).text == "ok"


async def test_a_head_in_latin_1_is_read() -> None:
    head = "HTTP/1.1 200 Schön\r\nx: Größe\r\ncontent-length: 2\r\n\r\nok".encode("latin-1")
    async with answering(head) as (http, url):
        response = await http.get(url)
    assert (response.text, response.headers["x"]) == ("ok", "Größe")


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT, wbits=-15)),
        ("identity", TEXT),
        ("", TEXT),
    ],
    ids=["gzip", "GZIP", "deflate", "raw deflate", "identity", "none"],  # compressed bytes hold the time
)
async def test_one_coding_that_was_asked_for_is_undone(coding: str, content: bytes) -> None:
    async with answering(coded(content, coding)) as (http, url):
        for _ in range(2):
            assert (await http.get(url)).content == TEXT


@pytest.mark.parametrize(
    ("lines", "asked_for"),
    [
        (["gzip, gzip"], "gzip, deflate"),
        (["gzip", "gzip"], "gzip, deflate"),
        (["deflate, gzip"], "gzip, deflate"),
        (["gzip"], "identity"),
        (["gzip"], "deflate"),
        (["identity, gzip"], "gzip, deflate"),
        (["identity", "gzip"], "gzip, deflate"),
        (["gzip", "identity"], "gzip, deflate"),
        (["compress"], "gzip, deflate"),
        (["base64"], "gzip, deflate"),
    ],
)
async def test_any_other_coding_is_refused(lines: list[str], asked_for: str) -> None:
    content = gzip.compress(gzip.compress(TEXT))
    async with (
        answering(coded(content, *lines)) as (http, url),
        http.stream("GET", url, headers={"accept-encoding": asked_for}) as response,
    ):
        assert response.status_code == 200
        with pytest.raises(httpx.DecodingError):
            await response.aread()


async def test_a_coded_body_that_is_not_what_it_says_is_refused() -> None:
    async with answering(coded(b"no gzip", "gzip")) as (http, url):
        with pytest.raises(httpx.DecodingError):
            await http.get(url)


async def test_a_small_body_that_unfolds_is_read_in_small_steps() -> None:
    """64 MB from 64 KB: neither the memory nor the event loop notices, and a reader can stop at any time."""
    unfolded = 64 * 1024 * 1024
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begin = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begin)

    async with answering(coded(gzip.compress(bytes(unfolded)), "gzip")) as (http, url):
        watching = asyncio.create_task(watch())
        size = 0
        tracemalloc.start()
        async with http.stream("GET", url) as response:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size >= unfolded // 4:
                    break
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        watching.cancel()
    assert peak < 4 * 1024 * 1024
    assert longest < 0.05


async def test_nothing_about_one_customer_goes_out_with_the_request_of_another() -> None:
    """Neither a cookie nor what would make an answer conditional."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await head_of(reader))
            writer.write(
                OK + b'set-cookie: session=ada\r\nSet-Cookie: b=c\r\netag: "ada"\r\nlast-modified: '
                b"Sun, 22 Nov 2026 12:00:00 GMT\r\ncache-control: public, max-age=600\r\ncontent-length: 2\r\n\r\nok"
            )

    async with listen(serve) as port, httpx.AsyncClient(transport=make_transport(1, proxies={})) as http:
        for token in ("ada", "bob"):
            response = await http.get(f"http://localhost:{port}/", headers={"authorization": token})
            assert "set-cookie" not in response.headers
    assert len(heads) == 2
    assert b"ada" not in heads[1]
    assert not any(name in heads[1].lower() for name in (b"cookie", b"if-none-match", b"if-modified-since"))
