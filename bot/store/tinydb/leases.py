"""What ends with the process, and so is held in memory: due work and its leases, leader leases, token buckets."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.ports import Lease
from bot.store.backend import Hold

K = TypeVar("K", bound=Hashable)

SWEEP_AT = 10_000
"""Full buckets are forgotten once there are as many buckets as this."""


class LeaseQueue(Generic[K]):
    """Keys by the time they are due. A claim moves a key to the end of its lease, so it comes again without a report.

    Fencing tokens are never used twice, so a claim names its key by its token alone, also after the key was renamed.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, K]] = []
        self._tickets: dict[K, int] = {}  # a heap entry with another ticket is a leftover
        self._holds: dict[K, Hold] = {}
        self._keys: dict[int, K] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._tickets)

    def put(self, key: K, due: datetime) -> None:
        """Set when a key is due. A leased key is due when its lease ends."""
        hold = self._holds.get(key)
        self._push(key, hold.until if hold else due)

    def pause(self, key: K) -> None:
        """Take a key out of the queue. A lease on it stays valid, so work under way can still be reported."""
        self._tickets.pop(key, None)

    def drop(self, key: K) -> None:
        """Forget a key. A lease on it is void."""
        self.pause(key)
        self.hold(key, None)

    def hold(self, key: K, hold: Hold | None) -> None:
        """Set who has a key in hand, or (None) that nobody has. The key stays where it is until it is put anew."""
        old = self._holds.pop(key, None)
        if old is not None:
            del self._keys[old.fencing_token]
        if hold is not None:
            self._holds[key] = hold
            self._keys[hold.fencing_token] = key

    def held(self, key: K) -> Hold | None:
        """Return the lease on a key, also one that has ended, as long as nobody else took it."""
        return self._holds.get(key)

    def holder(self, fencing_token: int) -> K | None:
        """Return the key that is leased under this token. None: that lease is over."""
        return self._keys.get(fencing_token)

    def claim(self, now: datetime, limit: int, until: datetime) -> list[K]:
        """Lease up to ``limit`` keys that are due, the longest due first."""
        keys: list[K] = []
        while len(keys) < limit and (key := self._pop_due(now)) is not None:
            keys.append(key)
        for key in keys:
            self._take(key, until)
        return keys

    def claim_key(self, key: K, now: datetime, until: datetime) -> bool:
        """Lease this very key, due or not. False: it is not in the queue, or it is leased."""
        if key not in self._tickets or self.is_leased(key, now):
            return False
        self._take(key, until)
        return True

    def is_leased(self, key: K, now: datetime) -> bool:
        """Whether somebody has this key in hand, and is still expected to report."""
        hold = self._holds.get(key)
        return hold is not None and now < hold.until

    def due_since(self, now: datetime) -> datetime | None:
        """When the longest-overdue unclaimed key became due. None: no such key."""
        while self._heap and self._tickets.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap and self._heap[0][0] <= now else None

    def _take(self, key: K, until: datetime) -> None:
        self.hold(key, Hold(next(self._numbers), until))
        self._push(key, until)

    def _pop_due(self, now: datetime) -> K | None:
        while self._heap and self._heap[0][0] <= now:
            _, ticket, key = heapq.heappop(self._heap)
            if self._tickets.get(key) == ticket:
                return key
        return None

    def _push(self, key: K, due: datetime) -> None:
        ticket = next(self._numbers)
        self._tickets[key] = ticket
        heapq.heappush(self._heap, (due, ticket, key))
        if len(self._heap) > 4 * len(self._tickets) + 64:
            self._heap = [entry for entry in self._heap if self._tickets.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)


class Leases:
    """The promises are those of :class:`bot.ports.LeaseStore`."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, Lease]] = {}
        self._fencing_tokens = itertools.count(1)

    async def take(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        held_by, lease = self._held.get(name, (holder, None))
        if held_by != holder and lease is not None and (free_only or lease.until > now):
            return None
        if lease is None or lease.until <= now:
            lease = Lease(name, next(self._fencing_tokens), now + duration)
        else:
            lease = replace(lease, until=now + duration)
        self._held[name] = holder, lease
        return lease

    async def give_back(self, lease: Lease) -> bool:
        _, held = self._held.get(lease.name, ("", None))
        if held is None or held.fencing_token != lease.fencing_token:
            return False
        del self._held[lease.name]
        return True


class TokenBuckets:
    """The promises are those of :class:`bot.ports.TokenBucketStore`."""

    def __init__(self) -> None:
        self._full_at: dict[str, datetime] = {}

    async def take(self, name: str, now: datetime, rate: float, burst: int) -> float:
        full_at = max(now, self._full_at.get(name, now)) + timedelta(seconds=1 / rate)
        wait = (full_at - now - timedelta(seconds=burst / rate)).total_seconds()
        if wait > 0:
            return wait
        if len(self._full_at) >= SWEEP_AT:
            self._full_at = {other: at for other, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at
        return 0.0
