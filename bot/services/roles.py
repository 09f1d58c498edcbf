"""What only one of several replicas may do at a time: a lease in the store, taken, prolonged and given back."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.ports import Clock, Lease, LeaseStore

log = structlog.get_logger()

LASTS = timedelta(seconds=50)
"""Another replica takes over this long after a kill."""
LEFT = timedelta(seconds=40)
"""What at least is left of it when it was just prolonged or found good: what is begun under it has to end by then."""


class Role:
    """A lease by name, for ``holder``, whose name no other process has."""

    def __init__(self, name: str, holder: str, store: LeaseStore, clock: Clock) -> None:
        self._name = name
        self._holder = holder
        self._store = store
        self._clock = clock
        self._lease: Lease | None = None

    @property
    def held(self) -> bool:
        """Whether it was ours when the store was last asked."""
        return self._lease is not None

    async def hold(self) -> bool:
        """Take or prolong it; True: it is ours for :data:`LEFT` at least. Raises what the store raises."""
        now = self._clock()
        if self._lease is not None and now < self._lease.until - LEFT <= now + LASTS:
            return True
        before, self._lease = self._lease, await self._store.take_lease(self._name, self._holder, now, LASTS)
        if (before and before.epoch) != (self._lease and self._lease.epoch):
            self._log(before)
        return self.held

    def lose(self) -> None:
        """Take note that another has it."""
        self._lease = None

    async def give_back(self) -> None:
        """End it, so that another can take it at once."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._store.give_back_lease(lease)

    def _log(self, before: Lease | None) -> None:
        if self._lease is None:
            log.warning("role was lost", role=self._name, meaning="Another replica has taken it over.")
        else:
            log.info("role taken" if before is None else "role taken again", role=self._name, epoch=self._lease.epoch)
