"""Compare checks per second of the whole check loop with the plain way of reading invoices, on loopback, in one run.

    python -m benchmarks.checks [accounts]

A check of an unchanged account is measured: claim the chat, read and decode its list of 30 invoices, compare, finish.
The plain way only reads and decodes: httpx with its own pool, json into dictionaries. The server is another process,
and sends the same bytes to everybody.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import httpx

from bot import logs
from bot.domain.chats import Chat, Member, Place, Token
from bot.domain.schedule import CheckPlan
from bot.provider.client import ProviderClient, open_http_client
from bot.sandbox.provider.invoices import make_invoice
from bot.services.checks import Checker
from bot.services.linking import Linking
from bot.services.workers import Workers
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key

CONCURRENCY = 50
INVOICES = 30
ROUNDS = 5
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def body() -> bytes:
    """Return the list that the server sends. All due dates are far away, so that no alert follows."""
    made = [
        make_invoice(4000 + n, Decimal("7.95"), issued=date(2026, 11, 1), due=date(2027, 6, 1)) for n in range(INVOICES)
    ]
    return json.dumps({"data": [invoice.as_json("en", ZONE, "http://localhost") for invoice in made]}).encode()


async def serve() -> None:
    """Print the port, and answer every request with the same bytes, until the end of standard input."""
    content = body()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    reply = head.encode() + content

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def server_process() -> AsyncIterator[str]:
    """Run the server in a process of its own. Yield its URL."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "benchmarks.checks", "serve")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    process.stdin.close()
    await process.wait()


class Ours:
    """The bot's own check loop, on an embedded store with linked chats."""

    def __init__(self, store: Store, provider: ProviderClient) -> None:
        self.now = NOW
        self._store = store
        self._provider = provider
        self._plan = CheckPlan(timedelta(minutes=15), ZONE)

    async def link(self, accounts: int) -> None:
        linking = Linking(self._store, self._provider, lambda: self.now, self._plan, base_url="http://localhost")
        for number in range(1, accounts + 1):
            await linking.link(Chat(number), Place(number), Member(number, ""), Token(f"token-{number:010}"))

    async def check_all(self, accounts: int) -> float:
        """Return the checks per second while every chat is due once."""
        self.now += timedelta(minutes=16)
        workers = Workers(CONCURRENCY)
        checker = Checker(self._store, self._provider, lambda: self.now, self._plan, workers)
        begin = time.perf_counter()
        await checker.tick()
        while workers.free < CONCURRENCY:  # without pauses; the bot ticks once a second
            await asyncio.sleep(0)
            await checker.tick()
        return accounts / (time.perf_counter() - begin)


async def plain(url: str, accounts: int) -> float:
    """Return the reads per second of the plain way."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def worker(share: int) -> None:
            for _ in range(share):
                answer = await client.get(f"{url}/client/invoices", headers={"Authorization": "Bearer token"})
                assert len(json.loads(answer.content)["data"]) == INVOICES

        begin = time.perf_counter()
        await asyncio.gather(*(worker(accounts // CONCURRENCY) for _ in range(CONCURRENCY)))
        return accounts / (time.perf_counter() - begin)


async def main(accounts: int = 1000) -> None:
    """Measure both in turns, and print medians and their ratio."""
    logs.configure("WARNING", "console")
    with TemporaryDirectory() as folder:
        async with server_process() as url, open_http_client(CONCURRENCY) as http:
            store = open_store(Path(folder) / "data", [new_key()])
            ours = Ours(store, ProviderClient(http, url, ZONE))
            await ours.link(accounts)
            rates = [(await plain(url, accounts), await ours.check_all(accounts)) for _ in range(ROUNDS + 1)]
            await store.close()
    base, check = (statistics.median(column) for column in zip(*rates[1:], strict=True))
    print(f"{accounts} accounts, {INVOICES} invoices each, {CONCURRENCY} at once, median of {ROUNDS} rounds")
    print(f"plain: read and decode   {base:7.0f}/s")
    print(f"the bot: a whole check   {check:7.0f}/s   x {check / base:.2f}")


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1:] == ["serve"] else main(*map(int, sys.argv[1:])))
