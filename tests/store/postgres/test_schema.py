"""A role of the bot's own, that may not change the schema: which rights it needs, and what it hears without them."""

from __future__ import annotations

import psycopg
import pytest

from bot.errors import StartError
from bot.store.postgres.opening import open_store
from bot.store.postgres.schema import RIGHTS, migrate
from bot.store.vault import new_key
from tests.store.cluster import Cluster
from tests.store.examples import LEASE, MINUTE, NOW, linked


async def test_a_role_without_rights_hears_which_ones_it_needs_and_with_them_it_works(cluster: Cluster) -> None:
    url = cluster.make_database("restricted")
    migrate(url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE guest LOGIN")
        guest = psycopg.conninfo.make_conninfo(url, user="guest")
        granted = [part.strip().format(role="guest") for part in RIGHTS.split(";")]
        for statement in granted:
            with pytest.raises(StartError, match="GRANT USAGE ON SEQUENCE epochs"):
                await open_store(guest, [new_key()])
            owner.execute(statement.encode())
    store = await open_store(guest, [new_key()])
    await linked(store)
    assert len(await store.claim_checks(NOW + MINUTE, 10, LEASE)) == 1
    await store.close()
