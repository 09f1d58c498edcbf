"""The turns of the event loop, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Notes in which turn something happened."""

    def __init__(self) -> None:
        self._turn = 0
        self._noted: list[int] = []

    def note(self) -> None:
        self._noted.append(self._turn)

    async def count(self) -> None:
        """Count until cancelled."""
        while True:
            self._turn += 1
            await asyncio.sleep(0)

    @property
    def sizes(self) -> list[int]:
        """How often something happened, for each turn in which it did."""
        return [self._noted.count(turn) for turn in sorted(set(self._noted))]


@contextmanager
def counted_turns() -> Iterator[Turns]:
    turns = Turns()
    counting = asyncio.get_running_loop().create_task(turns.count())
    try:
        yield turns
    finally:
        counting.cancel()
