"""Inspecting a database for the doctor, which changes nothing in it."""

from __future__ import annotations

import psycopg
import pytest

from bot.errors import StartError
from bot.ports import StoreCounts
from bot.store.postgres.opening import Inspection, inspect, open_store
from bot.store.postgres.schema import migrate
from bot.store.vault import new_key
from tests.store.cluster import Cluster
from tests.store.examples import CHAT, OTHER, claim_alert, linked, with_alerts

KEY = new_key()


async def test_before_the_first_start_inspection_finds_and_makes_nothing(cluster: Cluster) -> None:
    url = cluster.make_database("fresh")
    assert await inspect(url, [KEY]) is None
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'chats'").fetchone() == (0,)
    migrate(url)
    assert await inspect(url, [KEY]) is None


async def test_inspection_reports_schema_contents_and_running_bots(database: str) -> None:
    stores = [await open_store(database, [KEY]) for _ in range(2)]
    await linked(stores[0], OTHER)
    await with_alerts(stores[0], 1)
    claim, _ = await claim_alert(stores[0])
    await stores[0].move_to_dead_letters(claim)
    await stores[0].rest(CHAT, "blocked")
    assert await inspect(database, [KEY]) == Inspection("0004", True, StoreCounts(2, 1, 1), 2)
    for store in stores:
        await store.close()
    found = await inspect(database, [KEY])
    assert found is not None
    assert found.running == 0


async def test_inspection_reports_a_wrong_key_and_a_newer_schema(cluster: Cluster) -> None:
    url = cluster.make_database("spoilt")
    await (await open_store(url, [KEY])).close()
    with pytest.raises(StartError, match="not among the keys given"):
        await inspect(url, [new_key()])
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartError, match="newer version of the bot"):
        await inspect(url, [KEY])
