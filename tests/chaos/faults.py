"""Fault injection: kill, freeze and restart replicas, set their clocks, and stop their database."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import psycopg

from bot.ports import Clock
from tests.chaos.replicas import Replica
from tests.store.cluster import Cluster

FREEZE_SECONDS = {(0.5, 9.0): 6, (13.0, 35.0): 3, (65.0, 75.0): 1}
"""Ranges of seconds, with their weights: up to the length of the leader's lease, beyond the lease of an alert or a
check, and beyond the time in which a payment's outcome is looked up."""

CLOCK_STEPS = [
    timedelta(**{unit: sign * n}) for unit, n in (("minutes", 3), ("hours", 2), ("days", 40)) for sign in (1, -1)
]
BOOT = timedelta(seconds=3)
"""How long a process takes to begin its work."""
WRONG_SECONDS = (1.0, 40.0)
"""How long a clock stays wrong, in real seconds."""


class FaultInjector:
    """Injects one fault after the other. At most one replica is frozen at the same time, and one clock is wrong."""

    def __init__(
        self, replicas: Sequence[Replica], cluster: Cluster, url: str, clock: Clock, rng: random.Random
    ) -> None:
        self.happened: Counter[str] = Counter()
        self.outages: list[tuple[datetime, datetime]] = []
        """When the database was stopped, from and to."""
        self.disturbed: dict[Replica, list[tuple[datetime, datetime]]] = {replica: [] for replica in replicas}
        """When each replica was killed, restarted or frozen: until it runs again."""
        self.bad_statuses: list[int] = []
        """Exit statuses of replicas that did not stop cleanly on request."""
        self._replicas = replicas
        self._cluster = cluster
        self._url = url
        self._clock = clock
        self._rng = rng
        self._frozen: Replica | None = None
        self._wrong: Replica | None = None
        self._calm = asyncio.Event()

    async def disrupt(self, lasts: timedelta) -> None:
        """Inject a fault every few seconds. At the end everything runs."""
        ends = self._clock() + lasts
        actions = {
            self._kill: 3,
            self._kill_the_poller: 3,
            self._freeze: 3,
            self._set_clock: 2,
            self._restart: 1,
            self._stop_database: 2,
        }
        async with asyncio.TaskGroup() as lasting:
            while self._clock() < ends:
                await asyncio.sleep(self._rng.uniform(1, 4))
                (action,) = self._rng.choices(list(actions), list(actions.values()))
                await action(lasting)
            self._calm.set()

    async def stop_all(self) -> None:
        """Stop all replicas cleanly, so that they release their leases."""
        self._note_statuses(await asyncio.gather(*(replica.stop(signal.SIGTERM) for replica in self._replicas)))

    @property
    def _not_frozen(self) -> list[Replica]:
        return [replica for replica in self._replicas if replica is not self._frozen]

    async def _kill(self, _: asyncio.TaskGroup) -> None:
        await self._kill_one(self._rng.choice(self._not_frozen))

    async def _kill_the_poller(self, _: asyncio.TaskGroup) -> None:
        """Kill the leader of polling if it is not frozen, or else any replica."""
        poller = await asyncio.to_thread(self._poller)
        hit = [replica for replica in self._not_frozen if replica.process.pid == poller]
        self.happened["kill of the poller"] += len(hit)
        await self._kill_one(self._rng.choice(hit or self._not_frozen))

    async def _kill_one(self, replica: Replica) -> None:
        self.happened["kill"] += 1
        async with self._disturbing(replica, BOOT):
            await replica.stop()
            await asyncio.sleep(self._rng.uniform(0, 2))
            await replica.start()

    @asynccontextmanager
    async def _disturbing(self, replica: Replica, boot: timedelta = timedelta()) -> AsyncIterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            self.disturbed[replica].append((began, self._clock() + boot))

    async def _freeze(self, lasting: asyncio.TaskGroup) -> None:
        """Freeze a replica, and let it continue later without having noticed."""
        if self._frozen is None:
            self._frozen = self._rng.choice(self._replicas)
            (span,) = self._rng.choices(list(FREEZE_SECONDS), list(FREEZE_SECONDS.values()))
            self.happened["long freeze" if span[0] > 10 else "freeze"] += 1
            lasting.create_task(self._hold(self._frozen, self._rng.uniform(*span)))

    async def _hold(self, replica: Replica, seconds: float) -> None:
        async with self._disturbing(replica):
            replica.send(signal.SIGSTOP)
            await self._for(seconds)
            replica.send(signal.SIGCONT)
        self._frozen = None

    async def _set_clock(self, lasting: asyncio.TaskGroup) -> None:
        """Put the clock of a replica's machine forward or back, and put it right later."""
        if self._wrong is None:
            self._wrong = self._rng.choice(self._replicas)
            self.happened["wrong clock"] += 1
            self._wrong.set_clock(self._rng.choice(CLOCK_STEPS))
            lasting.create_task(self._put_right(self._wrong, self._rng.uniform(*WRONG_SECONDS)))

    async def _put_right(self, replica: Replica, seconds: float) -> None:
        await self._for(seconds)
        replica.set_clock(timedelta())
        self._wrong = None

    async def _for(self, seconds: float) -> None:
        """Wait so long, or until the run is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), seconds)

    async def _restart(self, _: asyncio.TaskGroup) -> None:
        """Stop a replica cleanly, and start it again. It must already handle signals."""
        if ups := [replica for replica in self._not_frozen if replica.is_up]:
            self.happened["restart"] += 1
            replica = self._rng.choice(ups)
            async with self._disturbing(replica, BOOT):
                self._note_statuses([await replica.stop(signal.SIGTERM)])
                await replica.start()

    async def _stop_database(self, _: asyncio.TaskGroup) -> None:
        self.happened["outage"] += 1
        began = self._clock()
        await asyncio.to_thread(self._cluster.stop)
        await asyncio.sleep(self._rng.uniform(0.5, 5))
        await asyncio.to_thread(self._cluster.start)
        self.outages.append((began, self._clock()))

    def _note_statuses(self, statuses: Sequence[int]) -> None:
        self.bad_statuses += [status for status in statuses if status]

    def _poller(self) -> int | None:
        """Return the process id of the leader of polling. It is part of the lease holder's name."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute("SELECT holder FROM leases WHERE name = 'polling'").fetchone()
        return int(row[0].split("/")[1]) if row else None
