"""A stand-in for sleeping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta


class Waits(list[float]):
    """Replaces sleeping, and records how long that would have taken."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Travels(Waits):
    """Moves a clock on instead of sleeping."""

    def __init__(self, forward: Callable[[timedelta], None]) -> None:
        super().__init__()
        self._forward = forward

    async def __call__(self, seconds: float) -> None:
        await super().__call__(seconds)
        self._forward(timedelta(seconds=seconds))
