"""What the doctor asks of a database. Nothing is changed, and nothing is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from bot.errors import StartError
from bot.store.postgres.housekeeping import check_not_moving, running
from bot.store.postgres.keys import sealed_secret, try_keys
from bot.store.postgres.schema import CONNECT_WITHIN, check_version, newest
from bot.store.postgres.store import open_vault
from bot.store.tinydb.opening import Contents


@dataclass(frozen=True, slots=True)
class Inspection:
    """The schema's ``version``, whether a start would bring it up to date, what is stored, and how many bots run."""

    version: str
    is_newest: bool
    contents: Contents | None
    running: int


async def inspect(url: str, keys: Sequence[str]) -> Inspection | None:
    """What is there; None before the first start.

    Raises the :class:`StartError` that a start would end with, and one where the database can't be reached.
    """
    vault = open_vault(keys)
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_WITHIN, prepare_threshold=None)
        await connection.set_read_only(True)
    except psycopg.Error as error:
        raise StartError(f"The database can't be reached. Check DATABASE_URL and the network. ({error})") from None
    async with connection, connection.cursor() as cursor:
        await cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if await cursor.fetchone() != (True,):
            return None
        await cursor.execute("SELECT version_num FROM alembic_version")
        row = await cursor.fetchone()
        version = row[0] if row else ""
        check_version(version)
        await check_not_moving(cursor)
        sealed = await sealed_secret(cursor, lock=False)
        if sealed is None:
            return None
        await try_keys(cursor, vault, sealed)
        await cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE check_due IS NULL), coalesce(sum(set_aside), 0) "
            "FROM chats WHERE account IS NOT NULL"  # of those that are linked, only resting ones are never due
        )
        counts = await cursor.fetchone()
        contents = Contents(*counts) if counts else None
        return Inspection(version, version == newest(), contents, await running(cursor))
