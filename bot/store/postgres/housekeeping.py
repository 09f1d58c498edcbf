"""What a process does beside its work: say that it is there, and throw away what has expired."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog

from bot.errors import StartError, StoreAway
from bot.ports import Clock
from bot.store.postgres.connections import Connections, Cursor
from bot.store.tinydb.opening import NOT_FINISHED

log = structlog.get_logger()

EVERY = 20.0
"""Seconds between two signs of life."""

GONE_AFTER = 60
"""Seconds without one, by the database's clock, after which a process counts as dead."""

EXPIRED = (
    "DELETE FROM chats WHERE fleeting_until <= %(now)s",
    "DELETE FROM budgets WHERE full_at <= %(now)s",
    "DELETE FROM leases WHERE until <= %(now)s - interval '1 day'",
)


class Housekeeping:
    """One process's. ``name`` is its own among all that run on the database."""

    def __init__(self, connections: Connections, name: str, clock: Clock) -> None:
        self._db = connections
        self._name = name
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def sign_on(self) -> None:
        """Give a sign of life."""
        await self._db.run(partial(_look_after, name=self._name, now=self._clock()))

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
                log.exception("housekeeping failed")

    async def _sign_off(self, cursor: Cursor) -> None:
        await cursor.execute("DELETE FROM replicas WHERE id = %s", [self._name])


async def running(cursor: Cursor) -> int:
    """How many processes run on this database; one that was killed counts for a minute more."""
    await cursor.execute(
        "SELECT count(*) FROM replicas WHERE seen_at > now() - make_interval(secs => %s)", [GONE_AFTER]
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def is_moving(cursor: Cursor) -> bool:
    """Whether a move into the database has begun and was not finished."""
    await cursor.execute("SELECT EXISTS (SELECT FROM store WHERE moving)")
    return bool(await cursor.fetchone() == (True,))


async def check_not_moving(cursor: Cursor) -> None:
    """Raise :class:`StartError` while a move into the database is not finished."""
    if await is_moving(cursor):
        raise StartError(NOT_FINISHED)


async def _look_after(cursor: Cursor, *, name: str, now: datetime) -> None:
    await cursor.execute(
        "INSERT INTO replicas (id, seen_at) VALUES (%s, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()", [name]
    )
    await cursor.execute("DELETE FROM replicas WHERE seen_at < now() - make_interval(secs => %s)", [10 * GONE_AFTER])
    for statement in EXPIRED:
        await cursor.execute(statement, {"now": now})
