"""Work that only one of several replicas may do at a time, by a lease in the store."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.errors import StoreAway
from bot.ports import Clock, Lease, LeaseStore

log = structlog.get_logger()

LEASE_DURATION = timedelta(seconds=50)
"""Another replica takes over this long after a kill."""
HELD_AT_LEAST = timedelta(seconds=40)
"""How long the lease lasts at least once it is found to be ours. Work under it must end by then."""

TAKEOVER_DELAY = timedelta(seconds=20)
"""A replica takes over no lease this soon after its start, after the store was away, or after it was frozen itself. So
the replica that held the lease when the store went away has time to prolong it."""


class LeaderLease:
    """A lease by name, for a ``holder`` whose name no other process has.

    While the store is away nobody can take the lease over, so its holder keeps it, however long that lasts. Once the
    store is back, the other replicas let the holder prolong it first. A replica that has just started, or was frozen,
    may not know that the store was away, so it waits as well. So a holder may go on too long if it alone is cut off
    from the store. If it learns of another holder in some other way, call :meth:`step_down`.
    """

    def __init__(self, name: str, holder: str, store: LeaseStore, clock: Clock) -> None:
        self._name = name
        self._holder = holder
        self._store = store
        self._clock = clock
        self._lease: Lease | None = None
        self._store_there_since: datetime | None = None
        self._looked_at = clock()

    @property
    def is_leader(self) -> bool:
        """Whether the lease was ours when the store was last asked."""
        return self._lease is not None

    async def acquire_or_renew(self) -> bool:
        """Take or prolong the lease. Return whether it is ours: for :data:`HELD_AT_LEAST` if the store is there."""
        now = self._clock()
        if self._is_fresh(now):
            self._looked_at = now
            return True
        if abs(now - self._looked_at) >= TAKEOVER_DELAY:  # frozen, so the store may just be back; or the clock was set
            self._store_there_since = None
        try:
            lease = await self._store.take_lease(
                self._name, self._holder, now, LEASE_DURATION, free_only=self._must_wait(now)
            )
        except StoreAway:
            self._store_there_since = None
            self._let_go_if_frozen()
            return self.is_leader
        self._store_there_since = self._store_there_since or self._clock()
        before, self._lease = self._lease, lease
        self._log(before)
        self._looked_at = self._clock()
        return self._is_fresh(self._looked_at)  # not if the process was frozen while it asked

    def step_down(self) -> None:
        """Note that another replica has it."""
        self._lease = None

    async def release(self) -> None:
        """End it, so that another can take it at once."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._store.give_back_lease(lease)

    def _is_fresh(self, now: datetime) -> bool:
        return self._lease is not None and now < self._lease.until - HELD_AT_LEAST <= now + LEASE_DURATION

    def _let_go_if_frozen(self) -> None:
        """Let an ended lease go: while we were frozen, others may have reached the store and taken it over."""
        now, before = self._clock(), self._looked_at
        self._looked_at = now
        if self._lease is not None and self._lease.until <= now and now - before >= TAKEOVER_DELAY:
            self._log_loss()
            self._lease = None

    def _must_wait(self, now: datetime) -> bool:
        return self._store_there_since is None or now < self._store_there_since + TAKEOVER_DELAY

    def _log(self, before: Lease | None) -> None:
        if self._lease is not None and (before is None or before.fencing_token != self._lease.fencing_token):
            log.info("leader lease taken", lease=self._name, fencing_token=self._lease.fencing_token)
        elif self._lease is None and before is not None:
            self._log_loss()

    def _log_loss(self) -> None:
        log.warning("leader lease lost", lease=self._name, meaning="Another replica has taken it over, or may have.")
