"""What the doctor asks of a database. Nothing is changed, and nothing is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from bot.errors import StartError
from bot.store.move import check_not_moving
from bot.store.postgres.backend import PostgresBackend, open_vault, running
from bot.store.postgres.schema import CONNECT_WITHIN, check_version, newest
from bot.store.postgres.transaction import PostgresTransaction
from bot.store.rules.operators import Contents
from bot.store.secrets import try_keys


@dataclass(frozen=True, slots=True)
class Inspection:
    """The schema's ``version``, whether a start would bring it up to date, what is stored, and how many bots run."""

    version: str
    is_newest: bool
    contents: Contents | None
    running: int


async def inspect(url: str, keys: Sequence[str]) -> Inspection | None:
    """Return what is there. None before the first start.

    Raise the :class:`StartError` that a start would end with, and one where the database can't be reached.
    """
    vault = open_vault(keys)
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_WITHIN, prepare_threshold=None)
        await connection.set_read_only(True)
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
        await cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE check_due IS NULL), coalesce(sum(set_aside), 0) "
            "FROM chats WHERE account IS NOT NULL"  # of linked chats only resting ones are never due
        )
        counts = await cursor.fetchone()
        contents = Contents(*counts) if counts else None
        return Inspection(version, version == newest(), contents, await running(cursor))
