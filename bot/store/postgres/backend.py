"""The database as a backend, and what opens it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
import structlog

from bot.errors import StartError, StoreAway
from bot.ports import Clock, Lease, utc_now
from bot.store.backend import Transaction, Work
from bot.store.move import check_not_moving
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.schema import migrate
from bot.store.postgres.transaction import PostgresTransaction
from bot.store.secrets import open_secret, seal_anew
from bot.store.store import Store
from bot.store.vault import HOW_TO_MAKE_A_KEY, Vault

log = structlog.get_logger()

T = TypeVar("T")

TRY_EVERY = 1.0
"""Seconds between two tries to reach the database at the start."""

SIGN_EVERY = 20.0
"""Seconds between two signs of life."""

GONE_AFTER = 60
"""Seconds without one, by the database's clock, after which a process counts as dead."""

SIGN_ON = "INSERT INTO replicas (id, seen_at) VALUES (%s, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()"
SIGN_OFF = "DELETE FROM replicas WHERE id = %s"
DROP_DEAD = "DELETE FROM replicas WHERE seen_at < now() - make_interval(secs => %s)"
RUNNING = "SELECT count(*) FROM replicas WHERE seen_at > now() - make_interval(secs => %(seconds)s)"

TAKE_LEASE = """
    INSERT INTO leases AS held (name, holder, epoch, until) VALUES (%(name)s, %(holder)s, nextval('epochs'), %(until)s)
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder,
        until = excluded.until,
        epoch = CASE WHEN held.until > %(now)s THEN held.epoch ELSE excluded.epoch END
    WHERE held.until <= %(now)s AND NOT %(free_only)s OR held.holder = excluded.holder
    RETURNING epoch
"""
GIVE_BACK_LEASE = "DELETE FROM leases WHERE name = %(name)s AND epoch = %(fencing_token)s RETURNING epoch"
TAKE_FROM_BUCKET = """
    INSERT INTO budgets AS held (name, full_at) VALUES (%(name)s, %(now)s + %(one)s)
    ON CONFLICT (name) DO UPDATE SET full_at = greatest(%(now)s, held.full_at) + %(one)s
    WHERE greatest(%(now)s, held.full_at) + %(one)s <= %(now)s + %(all)s
    RETURNING full_at
"""

REFUSED = re.compile(
    r"FATAL: .*(password authentication failed|does not exist|no pg_hba\.conf entry|is not permitted to log in"
    r"|permission denied for database)|no password supplied"
)
"""What a server says that will not let us in however long we wait. A failed connection has no error code. A server that
speaks another language is waited for, and its words stand in the log."""


class PostgresBackend:
    """Implement :class:`bot.store.backend.Backend`. All of it may raise :class:`bot.errors.StoreAway`.

    A process that runs a bot gives signs of life under a ``process`` name of its own.
    """

    name = "the database"
    secret_place = "the database's table `store`"

    def __init__(self, connections: Connections, clock: Clock = utc_now) -> None:
        self.connections = connections
        self._clock = clock
        self._process = secrets.token_hex(8)
        self._signs: asyncio.Task[None] | None = None

    async def run(self, work: Work[T]) -> T:
        return await self.connections.run(lambda cursor: work(PostgresTransaction(cursor)))

    async def run_claim(self, work: Work[list[T]], give_back: Callable[[Transaction, T], Awaitable[object]]) -> list[T]:
        return await self.connections.run_claim(
            lambda cursor: work(PostgresTransaction(cursor)), lambda item: self.run(lambda t: give_back(t, item))
        )

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        until = now + duration
        values = {"name": name, "holder": holder, "now": now, "until": until, "free_only": free_only}
        row = await self.connections.run(lambda cursor: _first_row(cursor, TAKE_LEASE, values))
        return None if row is None else Lease(name, row[0], until)

    async def give_back_lease(self, lease: Lease) -> bool:
        values = {"name": lease.name, "fencing_token": lease.fencing_token}
        return await self.connections.run(lambda cursor: _first_row(cursor, GIVE_BACK_LEASE, values)) is not None

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int) -> float:
        one, everything = timedelta(seconds=1 / rate), timedelta(seconds=burst / rate)
        values = {"name": name, "now": now, "one": one, "all": everything}

        async def take(cursor: Cursor) -> float:
            if await _first_row(cursor, TAKE_FROM_BUCKET, values):
                return 0.0
            row = await _first_row(cursor, "SELECT full_at FROM budgets WHERE name = %(name)s", values)
            full_at = max(now, row[0] if row else now) + one
            return max(0.001, (full_at - now - everything).total_seconds())

        return await self.connections.run(take)

    async def is_running(self) -> bool:
        return await self.connections.run(running) > 0

    async def sign_on(self) -> None:
        """Give a sign of life, and delete what has expired."""

        async def sign_on(cursor: Cursor) -> None:
            await cursor.execute(SIGN_ON, [self._process])
            await cursor.execute(DROP_DEAD, [10 * GONE_AFTER])
            await PostgresTransaction(cursor).drop_expired(self._clock())

        await self.connections.run(sign_on)

    def keep_signing_on(self) -> None:
        """Go on giving signs of life until :meth:`close`."""

        async def go_on() -> None:
            while True:
                await asyncio.sleep(SIGN_EVERY)
                try:
                    await self.sign_on()
                except StoreAway:
                    continue
                except Exception:
                    log.exception("sign of life failed")

        self._signs = asyncio.create_task(go_on())

    async def close(self) -> None:
        """Sign off, finish what was begun, and disconnect."""
        if self._signs is not None:
            self._signs.cancel()
            await asyncio.gather(self._signs, return_exceptions=True)
        with suppress(StoreAway):
            await self.connections.run(lambda cursor: cursor.execute(SIGN_OFF, [self._process]))
        await self.connections.close()


async def running(cursor: Cursor) -> int:
    """Return how many processes run on this database. A killed one counts for a minute more."""
    row = await _first_row(cursor, RUNNING, {"seconds": GONE_AFTER})
    return row[0] if row else 0


async def _first_row(cursor: Cursor, statement: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
    await cursor.execute(statement.encode(), values)
    return await cursor.fetchone()


async def open_store(
    url: str, keys: Sequence[str], *, connections: int = 10, timeout: float = 10, clock: Clock = utc_now
) -> Store:
    """Open the store. ``keys`` as in :class:`bot.store.vault.Vault`. Wait for the database as long as it takes.

    Bring the schema up to date, and seal with the first key what an older one sealed. Each process holds at most so
    many ``connections``; a statement may take ``timeout`` seconds. Raise :class:`StartError` where the keys are not
    those of the stored data, or the schema is of a newer version.
    """
    vault = open_vault(keys)
    await migrate_when_there(url)
    pool = Connections(url, connections, timeout)
    await pool.open()
    backend = PostgresBackend(pool, clock)
    try:
        secret = await _when_there(backend, vault)
        await seal_anew(backend.run, vault)
        backend.keep_signing_on()
    except BaseException:
        await backend.close()
        raise
    return Store(backend, vault, secret)


@asynccontextmanager
async def open_database(url: str, connections: int, timeout: float) -> AsyncIterator[PostgresBackend]:
    """Open the database without a bot, to move data. Bring its schema up to date. Wait for one that is away."""
    await migrate_when_there(url)
    pool = Connections(url, connections, timeout)
    await pool.open()
    try:
        yield PostgresBackend(pool)
    finally:
        await pool.close()


def open_vault(keys: Sequence[str]) -> Vault:
    """Return the vault of these keys. Raise :class:`StartError`."""
    if not keys:
        raise StartError(
            "With DATABASE_URL set, TOKEN_KEYS must be set too: the processes share no folder that could hold a key "
            f"file. {HOW_TO_MAKE_A_KEY}; one that has run on a folder finds its key in token.key there."
        )
    return Vault(keys)


async def migrate_when_there(url: str) -> str:
    """Bring the schema up to date as soon as the database is there. Return its version. Raise :class:`StartError`.

    What keeps the database away is logged once, and again when the reason changes. A database that is there and
    refuses us is not waited for.
    """
    reason = ""
    while True:
        try:
            version = await asyncio.to_thread(migrate, url)
        except psycopg.ProgrammingError as error:
            raise StartError(f"DATABASE_URL can't be used: {error}") from None
        except psycopg.OperationalError as error:
            if REFUSED.search(str(error)):
                raise StartError(
                    f"The database does not let the bot in ({error}). Correct the user, the password or the name in "
                    "DATABASE_URL."
                ) from None
            if str(error) != reason:
                reason = str(error)
                log.warning("waiting for the database", reason=reason)
            await asyncio.sleep(TRY_EVERY)
        else:
            if reason:
                log.info("database is there")
            return version


async def _when_there(backend: PostgresBackend, vault: Vault) -> str:
    """Try the keys. The pool logs an outage itself."""
    while True:
        try:
            await backend.sign_on()  # first, so that a move that begins now sees it
            await backend.run(check_not_moving)
            return await backend.run(lambda t: open_secret(t, vault, backend.secret_place))
        except StoreAway:
            await asyncio.sleep(TRY_EVERY)
