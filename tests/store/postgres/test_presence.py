"""A process deletes old leases when it signs on."""

from __future__ import annotations

from datetime import timedelta

from bot.store.postgres.backend import PostgresBackend
from bot.store.postgres.connections import Connections, Cursor
from tests.store.backends import database_of
from tests.store.examples import HOUR, MINUTE, NOW
from tests.store.openers import PostgresOpener

DAY = timedelta(days=1)


async def names_of_leases(db: Connections) -> set[str]:
    async def read(cursor: Cursor) -> set[str]:
        await cursor.execute("SELECT name FROM leases")
        return {name for (name,) in await cursor.fetchall()}

    return await db.run(read)


async def test_the_lease_of_a_dead_process_is_deleted_after_a_day(postgres_opener: PostgresOpener) -> None:
    store = await postgres_opener.open()
    await store.take_lease("telling p1", "dead", NOW, MINUTE)
    await store.take_lease("polling", "alive", NOW + DAY, HOUR)
    assert await names_of_leases(database_of(store)) == {"telling p1", "polling"}
    await PostgresBackend(database_of(store), lambda: NOW + DAY + MINUTE).beat()
    assert await names_of_leases(database_of(store)) == {"polling"}
