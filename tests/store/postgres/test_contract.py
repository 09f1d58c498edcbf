"""The contract suite of the store port, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.store.contract import StoreContract
from tests.store.examples import Shelf
from tests.store.shelves import PostgresShelf


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def shelf(self, postgres_shelf: PostgresShelf) -> Shelf:
        return postgres_shelf
