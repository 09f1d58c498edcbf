from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.shelves import TinyShelf


@pytest.fixture
async def tiny_shelf(tmp_path: Path) -> AsyncIterator[TinyShelf]:
    shelf = TinyShelf(tmp_path / "data")
    yield shelf
    await shelf.crash()
