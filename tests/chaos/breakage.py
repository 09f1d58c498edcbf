"""What is broken, again and again, and a record of it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import psycopg

from bot.ports import Clock
from tests.chaos.replicas import Replica
from tests.store.cluster import Cluster

FREEZES = {(0.5, 9.0): 6, (13.0, 35.0): 3, (65.0, 75.0): 1}
"""How long, from and to in seconds, and how often: as long as the lease of a role, beyond that of an alert or of a
check, and beyond the time in which the end of a payment is looked for."""


class Breakage:
    """Ends, stops and cuts off, one after the other; one replica at most is frozen meanwhile."""

    def __init__(
        self, replicas: Sequence[Replica], cluster: Cluster, url: str, clock: Clock, chance: random.Random
    ) -> None:
        self.happened: Counter[str] = Counter()
        self.away: list[tuple[datetime, datetime]] = []
        """When the database was, from and to."""
        self.bad_ends: list[int] = []
        """Exit statuses of those that did not end well when they were asked to."""
        self._replicas = replicas
        self._cluster = cluster
        self._url = url
        self._clock = clock
        self._chance = chance
        self._frozen: Replica | None = None
        self._calm = asyncio.Event()

    async def rage(self, lasts: timedelta) -> None:
        """Break something every few seconds; in the end everything runs."""
        ends = self._clock() + lasts
        acts = {self._kill: 3, self._kill_the_poller: 3, self._freeze: 3, self._restart: 1, self._cut_off: 2}
        async with asyncio.TaskGroup() as freezes:
            while self._clock() < ends:
                await asyncio.sleep(self._chance.uniform(1, 4))
                (act,) = self._chance.choices(list(acts), list(acts.values()))
                await act(freezes)
            self._calm.set()

    async def end_all(self) -> None:
        """A clean end of what runs, which gives back what it holds."""
        self._note_ends(await asyncio.gather(*(replica.end(signal.SIGTERM) for replica in self._replicas)))

    @property
    def _movable(self) -> list[Replica]:
        return [replica for replica in self._replicas if replica is not self._frozen]

    async def _kill(self, _: asyncio.TaskGroup) -> None:
        await self._kill_one(self._chance.choice(self._movable))

    async def _kill_the_poller(self, _: asyncio.TaskGroup) -> None:
        """The one that has the role, if it is there to be killed; else any."""
        poller = await asyncio.to_thread(self._poller)
        hit = [replica for replica in self._movable if replica.process.pid == poller]
        self.happened["kill of the poller"] += len(hit)
        await self._kill_one(self._chance.choice(hit or self._movable))

    async def _kill_one(self, replica: Replica) -> None:
        self.happened["kill"] += 1
        await replica.end()
        await asyncio.sleep(self._chance.uniform(0, 2))
        await replica.begin()

    async def _freeze(self, freezes: asyncio.TaskGroup) -> None:
        """Stop one, and let it go on later as if nothing had happened."""
        if self._frozen is None:
            self._frozen = self._chance.choice(self._replicas)
            (span,) = self._chance.choices(list(FREEZES), list(FREEZES.values()))
            self.happened["long freeze" if span[0] > 10 else "freeze"] += 1
            freezes.create_task(self._hold(self._frozen, self._chance.uniform(*span)))

    async def _hold(self, replica: Replica, seconds: float) -> None:
        replica.send(signal.SIGSTOP)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), seconds)
        replica.send(signal.SIGCONT)
        self._frozen = None

    async def _restart(self, _: asyncio.TaskGroup) -> None:
        """A clean end, of one that can hear the signal."""
        if ups := [replica for replica in self._movable if replica.is_up]:
            self.happened["restart"] += 1
            replica = self._chance.choice(ups)
            self._note_ends([await replica.end(signal.SIGTERM)])
            await replica.begin()

    async def _cut_off(self, _: asyncio.TaskGroup) -> None:
        self.happened["outage"] += 1
        began = self._clock()
        await asyncio.to_thread(self._cluster.stop)
        await asyncio.sleep(self._chance.uniform(0.5, 5))
        await asyncio.to_thread(self._cluster.start)
        self.away.append((began, self._clock()))

    def _note_ends(self, statuses: Sequence[int]) -> None:
        self.bad_ends += [status for status in statuses if status]

    def _poller(self) -> int | None:
        """The process number of who has the role; its holder's name holds it."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute("SELECT holder FROM leases WHERE name = 'polling'").fetchone()
        return int(row[0].split("/")[1]) if row else None
