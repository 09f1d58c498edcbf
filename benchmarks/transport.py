"""Compare requests per second of the bot's transport with httpx's own, and with aiohttp's own connector, in one run.

    python -m benchmarks.transport [requests] [at once]

The server answers from the same process, so both results are a lower bound. Their ratio counts.
"""

from __future__ import annotations

import asyncio
import sys
import time
from unittest.mock import patch

import aiohttp
import httpx

from benchmarks.figures import Figure, show
from bot.provider import transport
from bot.provider.transport import make_transport

BODY = b"x" * 20_000  # about what 30 invoices take
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
ROUNDS = 5
REQUESTS, AT_ONCE = 1000, 50
BASE = "httpx's own transport, its default limits"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection with the same bytes."""
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def rate(client: httpx.AsyncClient, url: str, requests: int, at_once: int) -> float:
    """Return the requests per second, with ``at_once`` of them in progress at any time."""

    async def worker(share: int) -> None:
        for _ in range(share):
            (await client.get(url)).raise_for_status()

    begin = time.perf_counter()
    await asyncio.gather(*(worker(requests // at_once) for _ in range(at_once)))
    return requests / (time.perf_counter() - begin)


async def unwatched(url: str, at_once: int) -> httpx.AsyncClient:
    """Return a client on the bot's transport, but on aiohttp's own connector, which watches no connection."""
    with patch.object(transport, "Connector", lambda *_, **__: aiohttp.TCPConnector(limit=0)):
        client = httpx.AsyncClient(transport=make_transport(at_once))
        await client.get(url)  # the first request opens the session
    return client


async def rates_of(requests: int, at_once: int) -> dict[str, list[float]]:
    """Return the requests a second of each round, by transport."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    clients = {
        BASE: httpx.AsyncClient(trust_env=False),
        "httpx's own transport, all kept alive": httpx.AsyncClient(trust_env=False, limits=limits),
        "the bot's transport, connections not watched": await unwatched(url, at_once),
        "the bot's transport": httpx.AsyncClient(transport=make_transport(at_once)),
    }
    rates: dict[str, list[float]] = {name: [] for name in clients}
    for number in range(ROUNDS + 1):  # in turns, so that a busy machine slows all of them
        for name, client in clients.items():
            found = await rate(client, url, requests, at_once)
            if number:  # the first round does not count
                rates[name].append(found)
    for client in clients.values():
        await client.aclose()
    server.close()
    return rates


def measure(requests: int = REQUESTS, at_once: int = AT_ONCE) -> list[Figure]:
    """Return the requests a second of each transport, beside httpx's own."""
    rates = {name: tuple(found) for name, found in asyncio.run(rates_of(requests, at_once)).items()}
    base = rates.pop(BASE)
    return [Figure(f"transport.{name}", name, "a second", found, base, BASE) for name, found in rates.items()]


if __name__ == "__main__":
    wanted_requests, wanted_at_once = [*map(int, sys.argv[1:]), *(REQUESTS, AT_ONCE)[len(sys.argv) - 1 :]]
    show(measure(wanted_requests, wanted_at_once))
