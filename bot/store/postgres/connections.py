"""The pool of connections, transactions on them, and outages of the database.

Nothing is kept in a session: no prepared statement, no setting, no lock that outlives its transaction. So a pooler such
as PgBouncer may stand between, also in transaction mode.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg.adapt import Loader
from psycopg.errors import DeadlockDetected, QueryCanceled, ReadOnlySqlTransaction, SerializationFailure
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.errors import StoreAway

T = TypeVar("T")
Cursor = psycopg.AsyncCursor[tuple[Any, ...]]
Work = Callable[[Cursor], Awaitable[T]]
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

log = structlog.get_logger()

MAX_TRIES = 5
"""Tries of a transaction that was surely rolled back: two got in each other's way, or a connection was stale."""

PROBE_EVERY = 1.0
"""Seconds between two looks whether the database is back."""

LOST = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction, PoolClosed, TimeoutError)
"""Errors that mean an outage. A mistake in a statement is none of them."""

DOUBTFUL = (PoolTimeout, TimeoutError)
"""Of these, errors that much work or a long transaction can cause as well."""

CONNECTS_WITHIN = 2.0
"""Seconds in which a database without an outage accepts a new connection."""

FOR_THE_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A lost peer is noticed within seconds, not after hours as by the system's defaults."""


class Connections:
    """Run transactions on at most ``size`` connections. A statement may take ``timeout`` seconds."""

    def __init__(self, url: str, size: int, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._begin = f"BEGIN; SET LOCAL statement_timeout = {round(timeout * 1000)}"
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "prepare_threshold": None, **FOR_THE_NETWORK},
            configure=configure,
            min_size=min(2, size),
            max_size=size,
            timeout=timeout,
            reconnect_timeout=PROBE_EVERY,
            reconnect_failed=lambda _: self._note_outage("no connection can be made"),
            open=False,
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._probe: asyncio.Task[None] | None = None
        self._look: asyncio.Task[bool] | None = None
        self._closed = False

    async def open(self) -> None:
        """Begin to connect, without waiting."""
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns at every try to connect
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Let what was begun end, and disconnect."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._pool.close()

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` as one transaction. It may run again after a rollback, so it must have no other effects.

        If the caller is cancelled, the transaction still runs to its end. Raise :class:`StoreAway`: the transaction was
        not carried out or, if the connection broke during the commit, nobody knows.
        """
        return await asyncio.shield(self._start(self._transact(work)))

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # its caller may be gone
        return task

    async def _transact(self, work: Work[T]) -> T:
        if self._probe is not None:
            raise StoreAway
        try:
            return await self._tried(work)
        except QueryCanceled as error:  # too slow; others need not be
            log.warning("statement given up", reason=str(error))
            raise StoreAway from error
        except LOST as error:
            if not (isinstance(error, DOUBTFUL) and await self._is_there()):
                self._note_outage(str(error) or type(error).__name__)
            raise StoreAway from error

    async def _tried(self, work: Work[T]) -> T:
        for _ in range(MAX_TRIES - 1):
            with suppress(DeadlockDetected, SerializationFailure, _Stale):
                return await self._once(work)
        return await self._once(work)

    async def _once(self, work: Work[T], wait: float | None = None) -> T:
        # Twice a statement's time: for getting a connection, and for the whole transaction.
        async with asyncio.timeout(2 * self._timeout), self._pool.connection(wait) as connection:
            cursor = connection.cursor()
            try:
                await cursor.execute(self._begin.encode())
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                await self._pool.check()  # the other idle ones are as old
                raise _Stale from error
            try:
                result = await work(cursor)
            except BaseException:
                with suppress(psycopg.Error):
                    await connection.rollback()
                raise
            await cursor.execute("COMMIT")
            return result

    async def _is_there(self) -> bool:
        """Whether the database accepts a connection outside the pool. Callers at the same time share one look."""
        if self._look is None or self._look.done():
            self._look = self._start(_lets_in(self._url))
        return await self._look

    def _note_outage(self, reason: str) -> None:
        if self._probe is None and not self._closed:
            log.error("database is away", reason=reason)
            self._probe = asyncio.create_task(self._wait_for_database())

    async def _wait_for_database(self) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(PROBE_EVERY)
            with suppress(*LOST):
                await self._pool.check()  # also lets the pool connect again for callers that wait in it
                await self._once(_is_writable, wait=PROBE_EVERY)
                break
        self._probe = None
        log.info("database is back", after=round(asyncio.get_running_loop().time() - began, 1))


class _Stale(psycopg.OperationalError):
    """The connection was already dead, so nothing was begun on it."""


class _Raw(Loader):
    """Return JSON as bytes, for msgspec to decode."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


async def configure(connection: Connection) -> None:
    connection.adapters.register_loader("json", _Raw)


async def _lets_in(url: str) -> bool:
    with suppress(*LOST):
        async with asyncio.timeout(CONNECTS_WITHIN):
            async with await Connection.connect(url, autocommit=True, **FOR_THE_NETWORK) as connection:
                await connection.execute("")
                return True
    return False


async def _is_writable(cursor: Cursor) -> None:
    await cursor.execute("SET TRANSACTION READ WRITE")
