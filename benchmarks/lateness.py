"""How late checks begin, beside the way that looks for due checks once a second and starts 50 of them at most.

    python -m benchmarks.lateness [CHATS] [INTERVAL]

The chats are linked on an embedded store. Their checks are due evenly over the interval of some seconds. The provider
is another process on loopback that answers at once. In the first interval nothing counts, and nobody waits for the
disk: the first check of a chat has something to save. Then ours is measured, and then the baseline, each for half a
minute. How much of a core it takes counts all threads of this process.

10,000 chats at 90 seconds make as many checks a second as 100,000 at a quarter of an hour.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Never
from unittest.mock import patch

from benchmarks.checks import CONCURRENCY, ZONE, body, server_process
from benchmarks.start import fill
from bot import logs
from bot.domain.schedule import CheckPlan
from bot.garbage import no_full_collections
from bot.ports import Check, utc_now
from bot.provider.client import ProviderClient, open_http_client
from bot.provider.schema import read_page
from bot.services.checks import AccountReading, Checker
from bot.services.workers import Workers
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key

SECONDS = 30
HEAD_START = 5
"""Seconds until the first check is due. What is late by then counts for nobody."""
LOOK_EVERY = 0.001


class Watched(Checker):
    """Notes how late each check begins."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.lags: list[float] = []

    async def _check(self, check: Check, *, asked: bool = False) -> AccountReading:
        assert check.chat.link is not None
        self.lags.append((utc_now() - check.chat.link.next_check_at).total_seconds())
        return await super()._check(check, asked=asked)


async def once_a_second(checker: Checker) -> None:
    await checker.tick()


async def as_there_is_room(checker: Checker) -> None:
    await checker.work_off(1)


async def tick_for(seconds: float, checker: Checker, tick: Callable[[Checker], Awaitable[None]]) -> None:
    """Tick once a second, or as soon as the tick before has ended."""
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        await tick(checker)
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began - passed)))


async def measure(name: str, checker: Watched, tick: Callable[[Checker], Awaitable[None]]) -> None:
    """Check for a while, and print how late that was."""
    longest = 0.0

    async def look() -> Never:
        nonlocal longest
        while True:
            at = time.perf_counter()
            await asyncio.sleep(LOOK_EVERY)
            longest = max(longest, time.perf_counter() - at - LOOK_EVERY)

    looking, began, worked = asyncio.create_task(look()), time.perf_counter(), time.process_time()
    await tick_for(SECONDS, checker, tick)
    worked, passed = time.process_time() - worked, time.perf_counter() - began
    looking.cancel()
    lags = sorted(checker.lags)
    middle, most = lags[len(lags) // 2], lags[len(lags) * 99 // 100]
    print(f"{name:<28} {len(lags) / passed:6.1f} checks/s; late p50 {middle:5.2f} s, p99 {most:5.2f} s;", end=" ")
    print(f"{worked / passed:.2f} of a core; loop without a turn for {longest * 1000:.0f} ms at most")


async def main(chats: int = 10_000, interval: float = 90) -> None:
    logs.configure("WARNING", "console")
    print(f"{chats:,} chats at {interval:g} s: {chats / interval:.0f} checks a second are due")
    with TemporaryDirectory() as folder:
        key = new_key()
        known = read_page(body(), ZONE).invoices
        filled = utc_now() + timedelta(seconds=chats * 0.01 + HEAD_START)  # filling takes a while

        def due_in(number: int) -> timedelta:
            return filled - utc_now() + timedelta(seconds=interval * number / chats)

        await fill(Path(folder), key, chats, known, due_in)
        store = open_store(Path(folder), [key])
        async with server_process() as url, open_http_client(CONCURRENCY) as http:
            plan = CheckPlan(timedelta(seconds=interval), ZONE)
            await asyncio.sleep(max(0.0, (filled - utc_now()).total_seconds()))
            warm = Checker(store, ProviderClient(http, url, ZONE), utc_now, plan, Workers(CONCURRENCY))
            with patch("os.fsync"):
                await tick_for(interval, warm, as_there_is_room)
            for name, tick in (("as there is room", as_there_is_room), ("once a second, 50 at most", once_a_second)):
                workers = Workers(CONCURRENCY)
                checker = Watched(store, ProviderClient(http, url, ZONE), utc_now, plan, workers)
                await measure(name, checker, tick)
                await workers.finish()
        await store.close()


if __name__ == "__main__":
    with no_full_collections():
        asyncio.run(main(*map(int, sys.argv[1:])))
