"""The contract suite of the store port, run on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.store.contract import StoreContract
from tests.store.examples import Opener
from tests.store.openers import PostgresOpener


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def opener(self, postgres_opener: PostgresOpener) -> Opener:
        return postgres_opener
