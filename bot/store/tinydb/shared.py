"""Leader leases and token buckets of a store that one process uses: in memory, as they end with the process."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from bot.ports import Lease

SWEEP_AT = 10_000
"""Full buckets are forgotten once there are as many buckets as this."""


class Leases:
    """The promises are those of :class:`bot.ports.LeaseStore`."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, Lease]] = {}
        self._fencing_tokens = itertools.count(1)

    def take(
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

    def give_back(self, lease: Lease) -> bool:
        _, held = self._held.get(lease.name, ("", None))
        if held is None or held.fencing_token != lease.fencing_token:
            return False
        del self._held[lease.name]
        return True


class TokenBuckets:
    """The promises are those of :class:`bot.ports.TokenBucketStore`."""

    def __init__(self) -> None:
        self._full_at: dict[str, datetime] = {}

    def take(self, name: str, now: datetime, rate: float, burst: int) -> float:
        full_at = max(now, self._full_at.get(name, now)) + timedelta(seconds=1 / rate)
        wait = (full_at - now - timedelta(seconds=burst / rate)).total_seconds()
        if wait > 0:
            return wait
        if len(self._full_at) >= SWEEP_AT:
            self._full_at = {other: at for other, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at
        return 0.0
