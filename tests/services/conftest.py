"""The world in which the services are tested, and their log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.services.world import OPEN, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path / "data")
    yield made
    await made.kill()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """Collect log events. This also hides the tracebacks of injected errors."""
    with capture_logs() as events:
        yield events


@pytest.fixture
async def paying(world: World) -> World:
    """Link Ada's chat to an account with one open invoice."""
    world.account.put(OPEN)
    await world.link()
    return world
