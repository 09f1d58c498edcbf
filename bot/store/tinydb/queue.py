"""A queue of keys by the time they are due, whose entries are leased, not removed. In memory, no I/O, no clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

AT_ONCE = datetime.min.replace(tzinfo=UTC)
"""Due before everything that has a time."""


@dataclass(frozen=True, slots=True)
class _Lease:
    fencing_token: int
    until: datetime


class LeaseQueue(Generic[K]):
    """Each key stands in it once. A claim moves it to the end of its lease, so it comes again if nobody reports back.

    Epochs are never used twice, so a claim names its key by its epoch alone, also after the key was renamed.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, K]] = []
        self._tickets: dict[K, int] = {}  # a heap entry with another ticket is a leftover
        self._leases: dict[K, _Lease] = {}
        self._keys: dict[int, K] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._tickets)

    def put(self, key: K, due: datetime) -> None:
        """Set when a key is due; one that is leased is due when its lease ends."""
        lease = self._leases.get(key)
        self._push(key, lease.until if lease else due)

    def pause(self, key: K) -> None:
        """Take a key out of the queue; a lease on it stays valid, so what is under way can still be reported."""
        self._tickets.pop(key, None)

    def release(self, key: K) -> None:
        """End the lease; the key stays where it is until it is put anew."""
        lease = self._leases.pop(key, None)
        if lease:
            del self._keys[lease.fencing_token]

    def drop(self, key: K) -> None:
        """Forget a key; a lease on it is void."""
        self.pause(key)
        self.release(key)

    def rename(self, old: K, new: K) -> None:
        """Hand the lease of ``old`` on to ``new``, and forget ``old``. ``new`` still has to be put."""
        lease = self._leases.get(old)
        self.drop(old)
        if lease:
            self.release(new)
            self._lease(new, lease)

    def holder(self, fencing_token: int) -> K | None:
        """The key that is leased under ``fencing_token``, or None if that lease is over."""
        return self._keys.get(fencing_token)

    def claim(self, now: datetime, limit: int, lease: timedelta) -> list[tuple[K, int]]:
        """Lease up to ``limit`` keys that are due, the longest due first. Gives each key and its epoch."""
        keys: list[K] = []
        while len(keys) < limit and (key := self._pop_due(now)) is not None:
            keys.append(key)
        return [(key, self._take(key, now + lease)) for key in keys]

    def is_leased(self, key: K, now: datetime) -> bool:
        """Whether somebody has this key in hand, and is still expected to report."""
        lease = self._leases.get(key)
        return lease is not None and now < lease.until

    def due_since(self, now: datetime) -> datetime | None:
        """When the key that has been due the longest became so; None where none is due and not leased."""
        while self._heap and self._tickets.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap and self._heap[0][0] <= now else None

    def claim_key(self, key: K, now: datetime, lease: timedelta) -> int | None:
        """Lease this very key, due or not, and give its epoch; None where it does not stand here, or is leased."""
        if key not in self._tickets or self.is_leased(key, now):
            return None
        return self._take(key, now + lease)

    def _take(self, key: K, until: datetime) -> int:
        fencing_token = next(self._numbers)
        self.release(key)
        self._lease(key, _Lease(fencing_token, until))
        self._push(key, until)
        return fencing_token

    def _pop_due(self, now: datetime) -> K | None:
        while self._heap and self._heap[0][0] <= now:
            _, ticket, key = heapq.heappop(self._heap)
            if self._tickets.get(key) == ticket:
                return key
        return None

    def _lease(self, key: K, lease: _Lease) -> None:
        self._leases[key] = lease
        self._keys[lease.fencing_token] = key

    def _push(self, key: K, due: datetime) -> None:
        ticket = next(self._numbers)
        self._tickets[key] = ticket
        heapq.heappush(self._heap, (due, ticket, key))
        if len(self._heap) > 4 * len(self._tickets) + 64:
            self._heap = [entry for entry in self._heap if self._tickets.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)
