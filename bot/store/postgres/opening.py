"""Opening a database: bring its schema up to date, and try the keys. Also what the doctor asks of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from bot.errors import StartError, StoreAway
from bot.ports import Clock, StoreCounts, utc_now
from bot.store.inspection import what_is_unreadable
from bot.store.move import check_not_moving
from bot.store.postgres.backend import PostgresBackend, count_replicas
from bot.store.postgres.connections import Connections, configure
from bot.store.postgres.schema import CONNECT_WITHIN, check_version, migrate, newest
from bot.store.postgres.transaction import PostgresTransaction
from bot.store.store import Store
from bot.store.vault import HOW_TO_MAKE_A_KEY, Vault, open_secret, seal_anew, try_keys

log = structlog.get_logger()

TRY_EVERY = 1.0
"""Seconds between two tries to reach the database at the start."""

REFUSED = re.compile(
    r"FATAL: .*(password authentication failed|does not exist|no pg_hba\.conf entry|is not permitted to log in"
    r"|permission denied for database)|no password supplied"
)
"""What a server says that will not let us in however long we wait. A failed connection has no error code. A server that
speaks another language is waited for, and its words stand in the log."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The schema's ``version``, whether a start would bring it up to date, what is stored, and how many bots run."""

    version: str
    is_newest: bool
    contents: StoreCounts
    running: int


async def open_store(
    url: str,
    keys: Sequence[str],
    *,
    connections: int = 10,
    timeout: float = 10,
    clock: Clock = utc_now,
    on_time: Callable[[datetime], None] = lambda _: None,
) -> Store:
    """Open the store. ``keys`` as in :class:`bot.store.vault.Vault`. Wait for the database as long as it takes.

    Bring the schema up to date, and seal with the first key what an older one sealed. Each process holds at most so
    many ``connections``; a statement may take ``timeout`` seconds. Each heartbeat passes the database's time to
    ``on_time``, the first one before this returns. Raise :class:`StartError` where the keys are not
    those of the stored data, or the schema is of a newer version.
    """
    vault = open_vault(keys)
    await migrate_when_there(url)
    pool = Connections(url, connections, timeout)
    await pool.open()
    backend = PostgresBackend(pool, clock, on_time)
    try:
        secret = await _when_there(backend, vault)
        await seal_anew(backend.run, vault)
        backend.keep_beating()
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
    _check_url(url)
    reason = ""
    while True:
        try:
            version = await asyncio.to_thread(migrate, url)
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


async def inspect(url: str, keys: Sequence[str]) -> Inspection | None:
    """Return what is there. None before the first start. Change nothing, and wait for nothing.

    Raise the :class:`StartError` that a start would end with, and one where the database can't be reached.
    """
    vault = open_vault(keys)
    _check_url(url)
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_WITHIN, prepare_threshold=None)
        await connection.set_read_only(True)
        await configure(connection)
    except psycopg.Error as error:
        raise StartError(f"The database can't be reached. Check DATABASE_URL and the network. ({error})") from None
    async with connection, connection.cursor() as cursor:
        t = PostgresTransaction(cursor)
        if not await t.value("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return None
        version = await t.value("SELECT version_num FROM alembic_version") or ""
        check_version(version)
        await check_not_moving(t)
        sealed = await t.value("SELECT fingerprint_secret FROM store")
        if sealed is None:
            return None
        await try_keys(t, vault, sealed, PostgresBackend.secret_place)
        [(chats, resting, set_aside)] = await t.rows(
            "SELECT count(*), count(*) FILTER (WHERE check_due IS NULL), coalesce(sum(set_aside), 0) "
            "FROM chats WHERE account IS NOT NULL"  # of linked chats only resting ones are never due
        )
        counts = StoreCounts(chats, resting, set_aside, await what_is_unreadable(t, vault))
        return Inspection(version, version == newest(), counts, await count_replicas(cursor))


def _check_url(url: str) -> None:
    """Raise :class:`StartError` for a URL that psycopg can't read. Its words are not shown: they quote parts of it."""
    try:
        conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        raise StartError(
            "DATABASE_URL can't be used: PostgreSQL's library does not understand it. Look at its parameters (behind "
            "the ?), and at signs in user and password that must be written as % and two hexadecimal digits."
        ) from None


async def _when_there(backend: PostgresBackend, vault: Vault) -> str:
    """Try the keys. The pool logs an outage itself."""
    while True:
        try:
            await backend.beat()  # first, so that a move that begins now sees it
            await backend.run(check_not_moving)
            return await backend.run(lambda t: open_secret(t, vault, backend.secret_place))
        except StoreAway:
            await asyncio.sleep(TRY_EVERY)
