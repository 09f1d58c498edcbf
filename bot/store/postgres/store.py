"""The store on PostgreSQL, and what opens it. See :func:`open_store`."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence

import psycopg
import structlog

from bot.errors import StartError, StoreAway
from bot.ports import Clock, utc_now
from bot.store.postgres.chats import PostgresChats
from bot.store.postgres.checks import PostgresChecks
from bot.store.postgres.connections import Connections
from bot.store.postgres.desk import PostgresDesk
from bot.store.postgres.housekeeping import Housekeeping, check_not_moving
from bot.store.postgres.keys import open_secret, seal_anew
from bot.store.postgres.outbox import PostgresOutbox
from bot.store.postgres.payments import PostgresPayments
from bot.store.postgres.schema import migrate
from bot.store.postgres.sharing import PostgresSharing
from bot.store.postgres.upkeep import PostgresUpkeep
from bot.store.vault import HOW_TO_MAKE_A_KEY, Vault

log = structlog.get_logger()

TRY_EVERY = 1.0
"""Seconds between two tries to reach the database at the start."""


REFUSED = re.compile(
    r"FATAL: .*(password authentication failed|does not exist|no pg_hba\.conf entry|is not permitted to log in"
    r"|permission denied for database)|no password supplied"
)
"""What a server says that will not let us in however long we wait; a failed connection has no error code. A server that
speaks another language is waited for, and its words stand in the log."""


class PostgresStore(
    PostgresChats,
    PostgresChecks,
    PostgresOutbox,
    PostgresPayments,
    PostgresDesk,
    PostgresSharing,
    PostgresUpkeep,
):
    """Implements :class:`bot.ports.Store`. What the methods promise stands there.

    All of them may raise :class:`bot.errors.StoreAway`. A cancelled caller's method runs to its end.
    """

    def __init__(self, connections: Connections, vault: Vault, secret: str, housekeeping: Housekeeping) -> None:
        super().__init__(connections, vault, secret)
        self._housekeeping = housekeeping

    async def close(self) -> None:
        """Finish what was begun, and disconnect."""
        await self._housekeeping.stop()
        await self._db.close()


async def open_store(
    url: str, keys: Sequence[str], *, connections: int = 10, timeout: float = 10, clock: Clock = utc_now
) -> PostgresStore:
    """Open the store; ``keys`` as in :class:`bot.store.vault.Vault`. Waits for the database as long as it takes.

    Brings the schema up to date, and seals with the first key what an older one sealed. Each process holds up to so
    many ``connections``; a statement may take ``timeout`` seconds. Raises :class:`StartError` where the keys are not
    those of the stored data, or the schema is of a newer version.
    """
    vault = open_vault(keys)
    await migrate_when_there(url)
    pool = Connections(url, connections, timeout)
    await pool.open()
    housekeeping = Housekeeping(pool, secrets.token_hex(8), clock)
    try:
        secret = await _when_there(pool, vault, housekeeping)
        if count := await seal_anew(pool, vault):
            log.info("sealed anew with the first key", key=vault.key_ids[0], count=count)
        await housekeeping.start()
    except BaseException:
        await housekeeping.stop()
        await pool.close()
        raise
    return PostgresStore(pool, vault, secret, housekeeping)


def open_vault(keys: Sequence[str]) -> Vault:
    """The vault of these keys. Raises :class:`StartError`."""
    if not keys:
        raise StartError(
            "With DATABASE_URL set, TOKEN_KEYS must be set too: the processes share no folder that could hold a key "
            f"file. {HOW_TO_MAKE_A_KEY}; one that has run on a folder finds its key in token.key there."
        )
    return Vault(keys)


async def migrate_when_there(url: str) -> str:
    """Bring the schema up to date as soon as the database is there, and give its version. Raises :class:`StartError`.

    What keeps the database away is logged once, and again when it is another reason. One that is there and refuses us
    is not waited for.
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


async def _when_there(pool: Connections, vault: Vault, housekeeping: Housekeeping) -> str:
    """Try the keys; the pool logs an outage itself."""
    while True:
        try:
            await housekeeping.sign_on()  # first, so that a move that begins now sees it
            await pool.run(check_not_moving)
            return await pool.run(lambda cursor: open_secret(cursor, vault))
        except StoreAway:
            await asyncio.sleep(TRY_EVERY)
