"""The stores that the suites run on, and a disk whose syncing is counted instead of waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import files
from tests.store.cutting import CuttingOs
from tests.store.shelves import TinyShelf

pytest.register_assert_rewrite(*(f"tests.store.{path.stem}" for path in Path(__file__).parent.glob("contract_*.py")))


@pytest.fixture(autouse=True)
def _no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, and syncing takes most of the time. That it is done, and when, has a test of its own."""
    monkeypatch.setattr(files, "os", CuttingOs())


@pytest.fixture
async def tiny_shelf(tmp_path: Path) -> AsyncIterator[TinyShelf]:
    shelf = TinyShelf(tmp_path / "data")
    yield shelf
    await shelf.crash()
