"""Values over time, and spans of disturbance."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

Span = tuple[datetime, datetime]
"""From one instant to another, possibly the same."""


class History(Generic[T]):
    """A value that changed over time. Each value held from its time until the next change."""

    def __init__(self, start: datetime, value: T) -> None:
        self.times = [start]
        self.values = [value]

    def set(self, at: datetime, value: T) -> None:
        """Let a value hold from ``at`` on. ``at`` is never before the last change."""
        if value == self.values[-1]:
            return
        if at == self.times[-1]:
            self.values[-1] = value
            return
        self.times.append(at)
        self.values.append(value)

    @property
    def last(self) -> T:
        return self.values[-1]

    def at(self, when: datetime) -> T:
        return self.values[max(bisect_right(self.times, when) - 1, 0)]

    def within(self, start: datetime, end: datetime) -> list[T]:
        """Return all values that held at any moment from ``start`` to ``end``."""
        first = max(bisect_right(self.times, start) - 1, 0)
        return self.values[first : max(bisect_right(self.times, end), first + 1)]

    def changed_within(self, after: datetime, until: datetime) -> bool:
        """Return whether the value changed later than ``after`` and not later than ``until``."""
        return bisect_right(self.times, after) < bisect_right(self.times, until)

    def spans(self, end: datetime) -> Iterator[tuple[datetime, datetime, T]]:
        """Yield each value with the start and end of its time. The last one holds until ``end``."""
        for start, until, value in zip(self.times, [*self.times[1:], end], self.values, strict=True):
            if start < until:
                yield start, until, value


class Disturbances:
    """The times in which something was disturbed."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def calm(self, start: datetime, length: timedelta) -> datetime:
        """Return the end of the first undisturbed span of this length that begins at ``start`` or later."""
        at = start
        for index in range(bisect_left(self._ends, start), len(self._starts)):
            if self._starts[index] - at >= length:
                break
            at = max(at, self._ends[index])
        return at + length

    def touch(self, start: datetime, end: datetime) -> bool:
        """Return whether any moment from ``start`` to ``end`` was disturbed."""
        index = bisect_left(self._ends, start)
        return index < len(self._starts) and self._starts[index] <= end
