"""Compare the checks a second of three replicas on one PostgreSQL with those of one, in turns in one run.

    python -m benchmarks.replicas [CHATS] [AT_ONCE]

Each replica is a process with the bot's own check loop: it claims what is due, asks the provider, compares, finishes.
The provider takes 50 ms for each answer. In each round all chats are due at once, for one replica and then for three.
Nothing has changed, so nothing is told.

A replica has only a few checks under way at once. So the provider's time is what limits one, and three don't need more
than the two cores of a small machine, on which provider and database run as well. Whether that is so stands beside: how
much of the machine was at work. Where it is not, the ratio says what the machine allows, and not what replicas take
from each other.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, show
from benchmarks.processes import Process, first_line, processor_time, python_module
from benchmarks.provider import ZONE, Provider, provider
from bot import logs
from bot.domain.chats import Place, Token, Watch
from bot.domain.schedule import CheckPlan
from bot.garbage import no_full_collections
from bot.ports import Check, Glance
from bot.provider.client import ProviderClient, open_http_client
from bot.services.account_reading import AccountReading
from bot.services.checks import Checker
from bot.services.workers import Workers
from bot.store.postgres.opening import open_store
from bot.store.vault import new_key
from tests.store.cluster import Cluster, temporary_cluster
from tests.store.examples import new_link

CHATS, AT_ONCE, ROUNDS = 400, 5, 5
REPLICAS = 3
LATENCY = 0.05
WARM_UP = 2
"""Rounds that don't count: in the first one, all is new."""
BEGIN = datetime(2026, 11, 22, 8, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


class Times:
    """A clock that stands still until it is set."""

    now = BEGIN

    def __call__(self) -> datetime:
        return self.now


class Counting(Checker):
    """Counts its checks."""

    count = 0

    async def _check(self, check: Check, *, asked: bool = False) -> AccountReading:
        self.count += 1
        return await super()._check(check, asked=asked)

    async def _glance(self, glance: Glance) -> None:
        self.count += 1
        await super()._glance(glance)


async def replicate(database: str, key: str, url: str, at_once: int) -> None:
    """Be a replica. For each line on standard input, a time, check what is due then, and print how many that were."""
    logs.configure("WARNING", "console")
    clock = Times()
    store = await open_store(database, [key], clock=clock)
    async with open_http_client(at_once) as http:
        client, plan = ProviderClient(http, url, ZONE), CheckPlan(INTERVAL, ZONE)
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            clock.now = datetime.fromisoformat(line.strip())
            workers = Workers(at_once)
            checker = Counting(store, client, clock, plan, workers)
            await checker.work_off(600)
            await workers.finish()
            print(checker.count, flush=True)
    await store.close()


async def link_all(database: str, key: str, chats: int) -> None:
    store = await open_store(database, [key], clock=lambda: BEGIN)
    for number in range(1, chats + 1):
        link = new_link(store, number, f"token-{number:010}")
        link = replace(link, linked_at=BEGIN, place=Place(number), token=Token(f"token-{number:010}"))
        await store.link(replace(link, next_check_at=BEGIN, watch=Watch(checked_at=BEGIN)), {})
    await store.close()


class Race:
    """All chats are due again and again, for some of the replicas."""

    def __init__(self, replicas: list[Process], cluster: Cluster, stand_in: Provider, chats: int) -> None:
        self._replicas = replicas
        self._cluster = cluster
        self._stand_in = stand_in
        self._chats = chats
        self._now = BEGIN

    async def run(self, count: int) -> tuple[float, float, float]:
        """Return the checks a second, the part of the machine at work, and the database's milliseconds for a check."""
        self._now += 2 * INTERVAL
        at_work, of_database = self._work(), self._work_of_database()
        began = time.perf_counter()
        checks = await asyncio.gather(*(self._check_all(replica) for replica in self._replicas[:count]))
        passed = time.perf_counter() - began
        assert sum(checks) == self._chats, f"{self._chats} chats were due, {checks} checked"
        busy = (self._work() - at_work) / passed / (os.cpu_count() or 1)
        return self._chats / passed, busy, (self._work_of_database() - of_database) / self._chats * 1000

    async def _check_all(self, replica: Process) -> int:
        assert replica.stdin is not None
        replica.stdin.write(f"{self._now.isoformat()}\n".encode())
        return int(await first_line(replica))

    def _work(self) -> float:
        pids = [*(replica.pid for replica in self._replicas), self._stand_in.pid]
        return sum(map(processor_time, pids)) + self._work_of_database()

    def _work_of_database(self) -> float:
        """Return the processor seconds of the server's processes. None of them ends meanwhile."""
        seconds = 0.0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cwd").readlink().is_relative_to(self._cluster.folder):
                    seconds += processor_time(int(folder.name))
            except OSError:
                continue  # it has ended, or is none of ours
        return seconds


async def all_rounds(cluster: Cluster, chats: int, at_once: int) -> dict[int, list[tuple[float, float, float]]]:
    """Return the results of each round, by the number of replicas."""
    database, key = cluster.make_database("benchmark"), new_key()
    await link_all(database, key, chats)
    async with AsyncExitStack() as stack:
        stand_in = await stack.enter_async_context(provider(opened=0, latency=LATENCY))
        replicas = []
        for _ in range(REPLICAS):
            arguments = ("replica", database, key, stand_in.url, str(at_once))
            replica = await stack.enter_async_context(python_module("benchmarks.replicas", *arguments))
            assert await first_line(replica) == "ready"
            replicas.append(replica)
        race = Race(replicas, cluster, stand_in, chats)
        for _ in range(WARM_UP):
            await race.run(REPLICAS)
        results: dict[int, list[tuple[float, float, float]]] = {1: [], REPLICAS: []}
        for _ in range(ROUNDS):
            for count, rounds in results.items():
                rounds.append(await race.run(count))
        return results


def measure(chats: int = CHATS, at_once: int = AT_ONCE) -> list[Figure]:
    """Return the checks a second of three replicas beside those of one, and how busy the machine was with them."""
    with temporary_cluster(fsync="on") as cluster:
        results = asyncio.run(all_rounds(cluster, chats, at_once))
    (one, _, _), (three, busy, database) = (tuple(zip(*rounds, strict=True)) for rounds in results.values())
    what = f"checks of {REPLICAS} replicas on one PostgreSQL, {at_once} at once each, {LATENCY * 1000:.0f} ms a request"
    return [
        Figure("replicas.rate", what, "a second", three, one, "of one replica"),
        Figure("replicas.busy", "part of the machine that they took meanwhile", "", busy),
        Figure("replicas.database", "processor time of the database for each of these checks", "ms", database),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["replica"]:
        with no_full_collections():
            asyncio.run(replicate(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
    else:
        show(measure(*map(int, sys.argv[1:])))
