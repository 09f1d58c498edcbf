"""What a benchmark returns: figures, each with the results of some rounds and of the baseline's in turns with them.

A benchmark is a module with a function ``measure() -> list[Figure]`` that does the whole work with its defaults, and a
``main`` that prints what it returns, by :func:`show`. `benchmarks/goals.py` says what each figure should be.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Results of rounds, and of the baseline in the same rounds if there is one.

    ``name`` is what goals call it by. ``what`` says it in words, ``than`` says what the baseline is.
    """

    name: str
    what: str
    unit: str
    rounds: tuple[float, ...]
    baseline: tuple[float, ...] = ()
    than: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """The median of ours divided by the baseline, round by round: a busy machine slows both of a round."""
        if not self.baseline:
            return None
        return statistics.median(ours / base for ours, base in zip(self.rounds, self.baseline, strict=True))


def show(figures: Iterable[Figure]) -> None:
    """Print figures, a line for each."""
    for figure in figures:
        print(line(figure), flush=True)


def line(figure: Figure) -> str:
    """Return a figure as a line: what, median, spread, and the ratio if there is a baseline."""
    text = f"{figure.what}: {spread(figure.rounds)} {figure.unit}"
    if figure.ratio is None:
        return text
    return f"{text}; {figure.than}: {spread(figure.baseline)}; × {rounded(figure.ratio)}"


def spread(rounds: tuple[float, ...]) -> str:
    """Return the median, and the least and the most if there are several."""
    median = rounded(statistics.median(rounds))
    return median if len(rounds) == 1 else f"{median} ({rounded(min(rounds))} to {rounded(max(rounds))})"


def rounded(value: float) -> str:
    """Return a number with two or three digits that count."""
    if 0 < abs(value) < 0.1:  # noqa: PLR2004
        return f"{value:.2g}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"
