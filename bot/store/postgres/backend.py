"""The database as a backend, and what opens it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg
import structlog

from bot.errors import StartError, StoreAway
from bot.ports import Clock, Lease, utc_now
from bot.store.backend import Transaction, Work
from bot.store.move import check_not_moving
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.presence import Presence, running
from bot.store.postgres.schema import migrate
from bot.store.postgres.transaction import PostgresTransaction
from bot.store.secrets import open_secret, seal_anew
from bot.store.store import Store
from bot.store.vault import HOW_TO_MAKE_A_KEY, Vault

log = structlog.get_logger()

T = TypeVar("T")

TRY_EVERY = 1.0
"""Seconds between two tries to reach the database at the start."""

REFUSED = re.compile(
    r"FATAL: .*(password authentication failed|does not exist|no pg_hba\.conf entry|is not permitted to log in"
    r"|permission denied for database)|no password supplied"
)
"""What a server says that will not let us in however long we wait. A failed connection has no error code. A server that
speaks another language is waited for, and its words stand in the log."""


class PostgresBackend:
    """Implement :class:`bot.store.backend.Backend`. All of it may raise :class:`bot.errors.StoreAway`."""

    name = "the database"
    secret_place = "the database's table `store`"

    def __init__(self, connections: Connections, presence: Presence | None = None) -> None:
        self.connections = connections
        self._presence = presence

    async def run(self, work: Work[T]) -> T:
        return await self.connections.run(lambda cursor: work(PostgresTransaction(cursor)))

    async def run_claim(self, work: Work[list[T]], give_back: Callable[[Transaction, T], Awaitable[object]]) -> list[T]:
        async def claim(cursor: Cursor) -> list[T]:
            return await work(PostgresTransaction(cursor))

        return await self.connections.run_claim(claim, lambda item: self.run(lambda t: give_back(t, item)))

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        return await self.connections.run(
            lambda cursor: PostgresTransaction(cursor).take_lease(name, holder, now, duration, free_only=free_only)
        )

    async def give_back_lease(self, lease: Lease) -> bool:
        return await self.connections.run(lambda cursor: PostgresTransaction(cursor).give_back_lease(lease))

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int) -> float:
        return await self.connections.run(
            lambda cursor: PostgresTransaction(cursor).take_from_bucket(name, now, rate, burst)
        )

    async def is_running(self) -> bool:
        return await self.connections.run(running) > 0

    async def close(self) -> None:
        """Finish what was begun, and disconnect."""
        if self._presence is not None:
            await self._presence.stop()
        await self.connections.close()


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
    presence = Presence(pool, secrets.token_hex(8), clock)
    backend = PostgresBackend(pool, presence)
    try:
        secret = await _when_there(backend, vault, presence)
        await seal_anew(backend.run, vault)
        await presence.start()
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


async def _when_there(backend: PostgresBackend, vault: Vault, presence: Presence) -> str:
    """Try the keys. The pool logs an outage itself."""
    while True:
        try:
            await presence.sign_on()  # first, so that a move that begins now sees it
            await backend.run(check_not_moving)
            return await backend.run(lambda t: open_secret(t, vault, backend.secret_place))
        except StoreAway:
            await asyncio.sleep(TRY_EVERY)
