"""The client that all customers share carries nothing from one exchange into another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.provider.exchange import ExchangeClient
from tests.provider.wire import head_of, listen

MOVED = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nset-cookie: who=ada\r\ncontent-length: 5\r\n\r\nmoved"


@pytest.fixture
async def client() -> AsyncIterator[ExchangeClient]:
    async with ExchangeClient(httpx.AsyncHTTPTransport(), headers={"User-Agent": "bot"}) as opened:
        yield opened


async def test_cookies_are_not_kept_and_redirects_not_followed(client: ExchangeClient) -> None:
    heads = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await head_of(reader))
            writer.write(MOVED)

    async with listen(redirect) as port:
        answers = [await client.get(f"http://127.0.0.1:{port}/", follow_redirects=True) for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(302, "moved")] * 2
    assert [head.split()[1] for head in heads] == [b"/", b"/"]
    assert not any(b"cookie" in head.lower() for head in heads)
    assert all(b"user-agent: bot" in head.lower() for head in heads)


async def test_a_password_in_an_address_takes_no_tokens_place(client: ExchangeClient) -> None:
    heads = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head_of(reader))
        writer.write(MOVED)

    async with listen(answer) as port:
        await client.get(f"http://ada:secret@127.0.0.1:{port}/", headers={"Authorization": "Bearer token"})
    assert b"authorization: bearer token" in heads[0].lower()


async def test_a_stream_is_read_by_the_caller(client: ExchangeClient) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(MOVED)

    async with listen(answer) as port, client.stream("GET", f"http://127.0.0.1:{port}/") as response:
        assert not response.is_stream_consumed
        assert await response.aread() == b"moved"


async def test_a_closed_client_sends_nothing() -> None:
    client = ExchangeClient(httpx.AsyncHTTPTransport())
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.get("http://127.0.0.1:9/")
