"""Random operations on a few chats in PostgreSQL, compared with the same model as the embedded store."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, rule

from bot.store.postgres.opening import open_store
from tests.store.conftest import empty
from tests.store.tinydb.test_model import KEY, StoreMachine


class PostgresMachine(StoreMachine):
    """Leases survive a crash here, so claims are still valid after it."""

    url = ""

    @initialize()
    def open(self) -> None:
        with psycopg.connect(self.url) as connection:
            empty(connection)
        self.store = self.do(open_store(self.url, [KEY], connections=2, clock=lambda: self.now))

    @rule()
    def crash(self) -> None:
        self.do(self.store.close())
        self.store = self.do(open_store(self.url, [KEY], connections=2, clock=lambda: self.now))


TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = settings(
    max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(autouse=True)
def _on_the_database(database: str) -> None:
    PostgresMachine.url = database
