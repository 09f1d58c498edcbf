"""The pool of connections, transactions on them, and what happens while the database is away.

Nothing here is kept in a session (no prepared statement, no setting, no lock that outlives its transaction), so a
pooler such as PgBouncer may stand between, also in transaction mode.
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

TRIES = 5
"""Of a transaction that was surely rolled back, as two got into each other's way or a connection was stale."""

LOOK_EVERY = 1.0
"""Seconds between two looks whether the database is back."""

LOST = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction, PoolClosed, TimeoutError)
"""What says that the database can't do its work at present; a mistake in a statement is none of it."""

DOUBTFUL = (PoolTimeout, TimeoutError)
"""Of these, what may as well come of much work, or of a long transaction."""

LOOK_WITHIN = 2.0
"""Seconds in which a database that is there lets a new connection in."""

FOR_THE_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A peer that vanished without a word is noticed within seconds, not after the system's hours."""


class Connections:
    """Runs transactions on at most ``size`` connections; a statement may take ``timeout`` seconds."""

    def __init__(self, url: str, size: int, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._begin = f"BEGIN; SET LOCAL statement_timeout = {round(timeout * 1000)}"
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "prepare_threshold": None, **FOR_THE_NETWORK},
            configure=_configure,
            min_size=min(2, size),
            max_size=size,
            timeout=timeout,
            reconnect_timeout=LOOK_EVERY,
            reconnect_failed=lambda _: self._note_outage("no connection can be made"),
            open=False,
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._probe: asyncio.Task[None] | None = None
        self._look: asyncio.Task[bool] | None = None
        self._closed = False

    async def open(self) -> None:
        """Begin to connect; nothing is waited for."""
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of every try to connect
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
        """Run ``work`` as one transaction. It may run again after it was rolled back, so it does nothing elsewhere.

        A cancelled caller's transaction runs to its end. Raises :class:`StoreAway`; then it was not carried out, or,
        should the connection have broken in the very moment of the commit, nobody knows.
        """
        return await asyncio.shield(self._start(self._transact(work)))

    async def run_claim(self, work: Work[list[T]], give_back: Callable[[T], Awaitable[object]]) -> list[T]:
        """Run a claim; if its caller is cancelled meanwhile, give back what was claimed: nobody will work on it."""
        task = self._start(self._transact(work))

        async def undo() -> None:
            for item in await task:
                await give_back(item)

        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._start(undo())
            raise

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
        except QueryCanceled as error:  # too slow, which others need not be
            log.warning("statement given up", reason=str(error))
            raise StoreAway from error
        except LOST as error:
            if not (isinstance(error, DOUBTFUL) and await self._is_there()):
                self._note_outage(str(error) or type(error).__name__)
            raise StoreAway from error

    async def _tried(self, work: Work[T]) -> T:
        for _ in range(TRIES - 1):
            with suppress(DeadlockDetected, SerializationFailure, _Stale):
                return await self._once(work)
        return await self._once(work)

    async def _once(self, work: Work[T], wait: float | None = None) -> T:
        # Twice the time of a statement: for getting a connection, and for all that the transaction does.
        async with asyncio.timeout(2 * self._timeout), self._pool.connection(wait) as connection:
            cursor = connection.cursor()
            try:
                await cursor.execute(self._begin.encode())
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                await self._pool.check()  # of others that lay idle as long
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
        """Whether the database lets somebody in who does not depend on the pool; all who doubt it share one look."""
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
            await asyncio.sleep(LOOK_EVERY)
            with suppress(*LOST):
                await self._pool.check()  # it also lets the pool connect again, for those who wait in it
                await self._once(_is_writable, wait=LOOK_EVERY)
                break
        self._probe = None
        log.info("database is back", after=round(asyncio.get_running_loop().time() - began, 1))


class _Stale(psycopg.OperationalError):
    """The connection was dead when it was taken: nothing was begun on it."""


class _Raw(Loader):
    """Gives JSON as the bytes it is; msgspec decodes it into what it stands for."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


async def _configure(connection: Connection) -> None:
    connection.adapters.register_loader("json", _Raw)


async def _lets_in(url: str) -> bool:
    with suppress(*LOST):
        async with asyncio.timeout(LOOK_WITHIN):
            async with await Connection.connect(url, autocommit=True, **FOR_THE_NETWORK) as connection:
                await connection.execute("")
                return True
    return False


async def _is_writable(cursor: Cursor) -> None:
    await cursor.execute("SET TRANSACTION READ WRITE")
