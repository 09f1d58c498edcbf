"""How much memory and time a pack takes, and how long others wait for an answer meanwhile.

    python -m benchmarks.packs [postgres]

The bot runs unchanged, over real HTTP, in a process of its own, by long polling. One chat orders a pack of a year, of
so many documents of such a size. Others ask in turns, one after the other, all the time. Memory is the peak of the
bot's process above where it stood before, after a small pack that loads the libraries. The sandbox takes the uploads in
this process, on the same machine, so what it costs is in the seconds.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.processes import memory_of
from benchmarks.world import Talk, database, meet, running_bot
from bot.sandbox.provider import documents
from bot.sandbox.sandbox import Sandbox, open_sandbox

MEGABYTE = 1024 * 1024
PACKS = {"500 documents of 1 MB": (500, MEGABYTE), "2,000 documents of 20 KB": (2000, 20 * 1024)}
OTHERS = 25
QUESTIONS = cycle(("/help", "/status", "/invoices"))
ASK_EVERY = 0.05
"""Each of the others asks less than once a second: Telegram takes no more answers for a chat."""
GIVE_UP = 1800.0
ALONE = 15.0
"""Seconds for which others are measured before."""


@dataclass
class Asking:
    """How long others waited, in seconds."""

    waits: list[float] = field(default_factory=list)

    async def go_on(self, talks: Sequence[Talk]) -> None:
        """Ask one after the other, without end."""
        for talk, question in zip(cycle(talks), QUESTIONS, strict=False):
            began = perf_counter()
            sent = talk.person.send(talk.chat, question)
            await talk.chat.wait_for(lambda message: message.sender.is_bot, GIVE_UP, after=sent)
            self.waits.append(perf_counter() - began)
            await asyncio.sleep(ASK_EVERY)

    @asynccontextmanager
    async def meanwhile(self, talks: Sequence[Talk]) -> AsyncIterator[None]:
        asking = asyncio.create_task(self.go_on(talks))
        yield
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    def __str__(self) -> str:
        p99 = quantiles(self.waits, n=100)[98]
        return f"p50 {median(self.waits) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, of {len(self.waits)}"


def forget_peak_of(process_id: int) -> float:
    """Forget the most memory that a process has held, and return what it holds now, in megabytes."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")
    return memory_of(process_id, "VmHWM")


async def order(sandbox: Sandbox, talk: Talk, period: str) -> int:
    """Order a pack, and wait for its end. Return how many parts came."""
    sent = talk.person.send(talk.chat, f"/archive {period}")
    end = await talk.chat.wait_for(lambda m: "documents came" in m.text, GIVE_UP, after=sent)
    assert "⚠" not in end.text, end.text
    files = [m.document.name for m in talk.chat.messages if m.document is not None and m.id > sent.id]
    sandbox.telegram.state.files.clear()
    return sum(name.endswith(".zip") for name in files)


async def measure(name: str, wanted: str) -> None:
    """Measure one pack, and print the result."""
    count, size = PACKS[name]
    content = b"%PDF-1.4\n" + os.urandom(size) + b"\n%%EOF\n"
    documents.pdf = lambda *_: content
    async with open_sandbox() as sandbox:
        orderer, *others = (meet(sandbox, f"Customer {number}") for number in range(OTHERS + 1))
        with TemporaryDirectory() as folder, database(wanted) as setting:
            linked = {orderer: 0, **dict.fromkeys(others, 10)}
            async with running_bot(sandbox, Path(folder), linked, **setting) as bot:
                account = sandbox.provider.accounts["sandbox-token-of-customer-000000"]
                for number in range(count + 1):
                    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), paid=True)
                    invoice.issued = date(2025, number % 12 + 1, 1) if number else date(2024, 1, 1)
                await order(sandbox, orderer, "2024")
                alone, meanwhile = Asking(), Asking()
                async with alone.meanwhile(others):
                    await asyncio.sleep(ALONE)
                before, began = forget_peak_of(bot.pid), perf_counter()
                async with meanwhile.meanwhile(others):
                    parts = await order(sandbox, orderer, "2025")
                seconds, peak = perf_counter() - began, memory_of(bot.pid, "VmHWM")
    print(f"{name}: {seconds:.0f} s, {parts} parts, {peak - before:.1f} MB above {before:.0f} MB", flush=True)
    print(f"    others before: {alone}\n    others meanwhile: {meanwhile}", flush=True)


async def main(wanted: str = "") -> None:
    """Measure all packs."""
    for name in PACKS:
        await measure(name, wanted)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2]))
