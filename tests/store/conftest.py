"""The stores that the tests run on, and a disk without syncing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from bot.store.postgres.schema import migrate
from bot.store.tinydb import files
from tests.store.cluster import Cluster, temporary_cluster
from tests.store.faulty_os import FaultyOs
from tests.store.openers import PostgresOpener, TinyOpener

pytest.register_assert_rewrite(*(f"tests.store.{path.stem}" for path in Path(__file__).parent.glob("contract_*.py")))


@pytest.fixture(autouse=True)
def _no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip syncing: it takes most of the time, and no test cuts the power.

    A test of its own checks when files are synced.
    """
    monkeypatch.setattr(files, "os", FaultyOs())


@pytest.fixture
async def tiny_opener(tmp_path: Path) -> AsyncIterator[TinyOpener]:
    opener = TinyOpener(tmp_path / "data")
    yield opener
    await opener.crash()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """Make a database with the schema, and return its URL."""
    url = cluster.make_database("shared")
    migrate(url)
    return url


@pytest.fixture
def database(migrated: str) -> str:
    """Empty the database, and return its URL. This is much faster than a new one for each test."""
    with psycopg.connect(migrated) as connection:
        empty(connection)
    return migrated


def empty(connection: psycopg.Connection) -> None:
    """Delete everything except for the schema."""
    connection.execute("TRUNCATE chats, payments, papers, leases, budgets, replicas")
    connection.execute("UPDATE store SET fingerprint_secret = NULL, moving = false")


@pytest.fixture
async def postgres_opener(database: str) -> AsyncIterator[PostgresOpener]:
    opener = PostgresOpener(database)
    yield opener
    await opener.crash()
