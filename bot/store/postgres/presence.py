"""What a process does beside its work: say that it is there, and delete what has expired."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.errors import StoreAway
from bot.ports import Clock
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.transaction import PostgresTransaction

log = structlog.get_logger()

EVERY = 20.0
"""Seconds between two signs of life."""

GONE_AFTER = 60
"""Seconds without one, by the database's clock, after which a process counts as dead."""


class Presence:
    """One process's. ``name`` is its own among all that run on the database."""

    def __init__(self, connections: Connections, name: str, clock: Clock) -> None:
        self._db = connections
        self._name = name
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def sign_on(self) -> None:
        """Give a sign of life."""
        await self._db.run(self._sign_on)

    async def start(self) -> None:
        """Go on giving signs of life until :meth:`stop`."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Sign off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with suppress(StoreAway):
            await self._db.run(self._sign_off)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.sign_on()
            except StoreAway:
                continue
            except Exception:
                log.exception("sign of life failed")

    async def _sign_on(self, cursor: Cursor) -> None:
        await cursor.execute(
            "INSERT INTO replicas (id, seen_at) VALUES (%s, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()",
            [self._name],
        )
        dead = "DELETE FROM replicas WHERE seen_at < now() - make_interval(secs => %s)"
        await cursor.execute(dead, [10 * GONE_AFTER])
        await PostgresTransaction(cursor).drop_expired(self._clock())

    async def _sign_off(self, cursor: Cursor) -> None:
        await cursor.execute("DELETE FROM replicas WHERE id = %s", [self._name])


async def running(cursor: Cursor) -> int:
    """Return how many processes run on this database. A killed one counts for a minute more."""
    await cursor.execute(
        "SELECT count(*) FROM replicas WHERE seen_at > now() - make_interval(secs => %s)", [GONE_AFTER]
    )
    row = await cursor.fetchone()
    return row[0] if row else 0
