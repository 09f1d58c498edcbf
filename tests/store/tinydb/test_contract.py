"""The contract suite of the store port, on the embedded store."""

from __future__ import annotations

import pytest

from tests.store.contract import StoreContract
from tests.store.examples import Shelf
from tests.store.shelves import TinyShelf


class TestTinyStore(StoreContract):
    @pytest.fixture
    def shelf(self, tiny_shelf: TinyShelf) -> Shelf:
        return tiny_shelf
