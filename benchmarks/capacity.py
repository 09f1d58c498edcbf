"""The capacity of one process: the processor time of a check and of an answer by the whole bot in the sandbox.

    python -m benchmarks.capacity [people] [postgres]

The bot runs unchanged, over real HTTP, in a process of its own, on the embedded store or on PostgreSQL. The load of
sandbox and database does not count. A busy machine changes the time that passes, but hardly the processor time. So
processor time shows how much work a core can do.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.world import Talk, database, meet, running_bot
from bot.sandbox.sandbox import open_sandbox

INVOICES = 17
TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(pid: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def main(people: int = 200, wanted: str = "") -> None:
    """Measure checks, then answers during checks."""
    async with open_sandbox() as sandbox:
        talks = [meet(sandbox, f"Customer {number}") for number in range(people)]
        with TemporaryDirectory() as folder, database(wanted) as setting:
            linked = dict.fromkeys(talks, INVOICES)
            async with running_bot(sandbox, Path(folder), linked, CHECK_INTERVAL="5", **setting) as bot:
                await measure(sandbox.provider.requests, talks, bot.pid)


async def measure(requests: Sequence[object], conversations: Sequence[Talk], pid: int) -> None:
    """Wait for the first alerts. Then measure checks without news. Then measure answers during such checks."""
    people = len(conversations)
    while not all(chat.messages for _, chat in conversations):  # noqa: ASYNC110  # until every chat has its alerts
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    began, count, at = processor_time(pid), len(requests), time.monotonic()
    await asyncio.sleep(30)
    checks = len(requests) - count
    check = (processor_time(pid) - began) / max(1, checks)
    rate = checks / (time.monotonic() - at)
    began, count = processor_time(pid), len(requests)
    sent = [(chat, person.send(chat, "/help")) for person, chat in conversations]
    while not all(any(m.sender.is_bot and m.id > q.id for m in chat.messages) for chat, q in sent):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    answer = (processor_time(pid) - began - (len(requests) - count) * check) / people
    print(f"{people} chats, {INVOICES} invoices each; {rate:.0f} checks a second were asked for")
    print(f"a check without news {check * 1000:6.2f} ms of a core: {1 / check:6.0f} a second at most")
    print(f"an answer to /help   {answer * 1000:6.2f} ms of a core: {1 / answer:6.0f} a second at most")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 200, *sys.argv[2:3]))
