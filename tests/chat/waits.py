"""A stand-in for sleeping."""

from __future__ import annotations


class Waits(list[float]):
    """Replaces sleeping, and records how long that would have taken."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
