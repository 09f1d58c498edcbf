"""One piece of work that only one of several processes may do at a time, and that may take long."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from bot.errors import StoreAway
from bot.ports import Clock, Lease, LeaseStore, Sleep

RENEWALS = 4
"""How often a lease is renewed before it would run out."""


class TimedLease:
    """A lease by name, for one caller. It is renewed while the work lasts, and ends soon after a kill."""

    def __init__(self, name: str, store: LeaseStore, clock: Clock, duration: timedelta, sleep: Sleep) -> None:
        self._name = name
        self._holder = secrets.token_hex(8)
        self._store = store
        self._clock = clock
        self._duration = duration
        self._sleep = sleep
        self._lease: Lease | None = None
        self._lapsed = False

    async def take(self) -> bool:
        """Take the lease, unless somebody else holds it. Return whether it is ours."""
        self._lease = await self._store.take_lease(self._name, self._holder, self._clock(), self._duration)
        return self._lease is not None

    async def is_ours(self) -> bool:
        """Renew the lease. Return whether it was ours all the time: nobody else has had it in between."""
        before = self._lease
        if self._lapsed or before is None:
            return False
        self._lapsed = not await self.take() or self._lease is None or self._lease.fencing_token != before.fencing_token
        return not self._lapsed

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the lease now and then, and give it back at the end."""
        renewal = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            if self._lease is not None:
                with suppress(StoreAway):  # then it runs out
                    await self._store.give_back_lease(self._lease)

    async def _renew(self) -> None:
        while True:
            await self._sleep(self._duration.total_seconds() / RENEWALS)
            with suppress(StoreAway):  # the next one may get through
                if not await self.is_ours():
                    return
