"""A stand-in for the provider that costs next to nothing: a process of its own, which sends bytes made before.

Every token is an account with the same invoices. A list can change for every hundredth token, or for all: so that there
is something to tell, or not. The stand-in is told when.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from benchmarks.bare_client import bare_rate
from benchmarks.processes import Process, first_line, python_module
from bot.domain.invoices import Invoice
from bot.provider.schema import read_page
from bot.sandbox.provider.invoices import make_invoice

INVOICES = 30
FEW = 100
"""Every so many tokens is one of the few."""
ZONE = ZoneInfo("Europe/Berlin")
TOKEN = re.compile(rb"[Bb]earer [^\r]*?(\d+)\r")
CREDIT = {"firstname": "Ada", "lastname": "Lovelace", "credit": 5.02, "currency": {"code": "EUR"}}


@dataclass(frozen=True, slots=True)
class Version:
    """How often a list has changed so that there is something to tell: the sum of what is open. And how often not."""

    told: int = 0
    silent: int = 0


@cache
def body(opened: int = 1, version: Version = Version()) -> bytes:  # it is frozen
    """Return a list of which so many are open. What is due is due in many months, so that no reminder follows."""
    made = []
    for n in range(INVOICES):
        day = date(2024 + n // 12, n % 12 + 1, 3)
        sum_ = Decimal("7.95") + (Decimal(version.told) / 2 if n >= INVOICES - opened else 0)
        text = f"KVM Server M ({day:%d.%m.%Y})\nProcessor: 4 cores\nRAM: 8GB RAM\nSSD: 50GB"
        each = make_invoice(4000 + n, sum_, issued=day, due=date(2027, 12, 1), description=text)
        if n < INVOICES - opened:
            each.status, each.paid_at = "Paid", datetime(day.year, day.month, 5, 10, tzinfo=UTC)
            each.items[0].description += f"\nIPv4: {version.silent}"
        made.append(each.as_json("en", ZONE, "http://localhost"))
    return json.dumps({"data": made}).encode()


def listed(opened: int = 1) -> tuple[Invoice, ...]:
    """Return the invoices as the bot reads them."""
    return read_page(body(opened), ZONE).invoices


@cache
def reply(content: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


class Lists:
    """Which version of the list an account has: one of the few, or one of the others."""

    def __init__(self, opened: int) -> None:
        self._opened = opened
        self._few = self._others = Version()
        self._credit = reply(json.dumps({"data": CREDIT}).encode())

    def change(self, whose: str, how: str) -> None:
        def changed(version: Version) -> Version:
            return replace(version, **{how: getattr(version, how) + 1})

        self._few = changed(self._few)
        if whose == "all":
            self._others = changed(self._others)

    def reply_to(self, head: bytes) -> bytes:
        if b"/invoices" not in head.partition(b"\r")[0]:
            return self._credit
        token = TOKEN.search(head)
        is_few = token is not None and int(token[1]) % FEW == 0
        return reply(body(self._opened, self._few if is_few else self._others))


async def serve(opened: int, latency: float) -> None:
    """Print the port. Read from standard input whose list changes how, and confirm each line, until its end.

    Each answer takes ``latency`` seconds.
    """
    lists = Lists(opened)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if latency:
                    await asyncio.sleep(latency)
                writer.write(lists.reply_to(head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while command := await asyncio.to_thread(sys.stdin.readline):
        lists.change(*command.split())
        print("changed", flush=True)


class Provider:
    """The stand-in. ``opened``: how many invoices of each account are open."""

    def __init__(self, process: Process, port: int) -> None:
        self._process = process
        self.pid = process.pid
        self.url = f"http://127.0.0.1:{port}"

    async def change(self, whose: str, how: str) -> None:
        """Change the lists of the "few" or of "all", so that there is something to be "told", or "silent"."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{whose} {how}\n".encode())
        await first_line(self._process)


@asynccontextmanager
async def provider(opened: int = 1, latency: float = 0) -> AsyncIterator[Provider]:
    """Run the stand-in in a process of its own. Each answer takes ``latency`` seconds."""
    async with python_module("benchmarks.provider", str(opened), str(latency)) as process:
        yield Provider(process, int(await first_line(process)))


async def rate_alone(stand_in: Provider) -> float:
    """Return how many lists a second it sends to clients that only count bytes."""
    head = b"GET /client/invoices HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token-0000000001\r\n\r\n"
    return await bare_rate(stand_in.url, head)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
