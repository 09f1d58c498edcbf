"""The contract suite of the store port, run on the embedded store."""

from __future__ import annotations

import pytest

from tests.store.contract import StoreContract
from tests.store.examples import Opener
from tests.store.openers import TinyOpener


class TestTinyStore(StoreContract):
    @pytest.fixture
    def opener(self, tiny_opener: TinyOpener) -> Opener:
        return tiny_opener
