"""Migrations, and database roles: their rights, and the errors without them."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from bot.errors import StartError
from bot.store.postgres.opening import open_store
from bot.store.postgres.schema import RIGHTS, migrate
from bot.store.vault import new_key
from tests.store.cluster import Cluster
from tests.store.examples import LEASE, MINUTE, NOW, linked


async def test_a_database_role_without_rights_is_told_which_it_needs_and_works_with_them(cluster: Cluster) -> None:
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


def test_concurrent_starts_make_the_schema_once(cluster: Cluster) -> None:
    url = cluster.make_database("at_once")
    code = "import sys; from bot.store.postgres.schema import migrate; print(migrate(sys.argv[1]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [(*process.communicate(), process.returncode) for process in processes]
    assert [(out.strip(), code) for out, _, code in ends] == [("0004", 0)] * 3, ends


def test_a_newer_schema_is_left_alone(cluster: Cluster) -> None:
    url = cluster.make_database("future")
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartError, match="9999, which is of a newer version of the bot"):
        migrate(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_a_database_role_that_may_not_change_the_schema_is_told_so(cluster: Cluster) -> None:
    url = cluster.make_database("strangers")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    with pytest.raises(StartError, match="may not change the schema"):
        migrate(url.replace("//bot@", "//reader@"))
