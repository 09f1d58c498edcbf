"""A stand-in for sleeping."""

from __future__ import annotations


class Waits(list[float]):
    """Takes the place of sleeping, and keeps how long that would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
