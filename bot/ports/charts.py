"""What a picture of sums by month is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bars:
    """What is stacked: a kind's sums by month, of the year and of the one before. ``colour`` is its number."""

    name: str
    name_before: str
    colour: int
    sums: tuple[float, ...]
    sums_before: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Two stacks of bars for each month: the year's, and beside it those of the year before.

    ``scale`` is what stands at the values of the axis.
    """

    title: str
    months: tuple[str, ...]
    bars: tuple[Bars, ...]
    scale: tuple[tuple[float, str], ...]


DrawChart = Callable[[Chart], Awaitable[bytes | None]]
"""Draw a picture as PNG. None: that failed, or took too long."""
