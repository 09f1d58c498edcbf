"""An event loop with virtual time: when all tasks wait, the clock jumps to the next event."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import datetime, timedelta

START_OF_TIME = 0.0


class _JumpingSelector(selectors.SelectSelector):
    """A selector that never waits. It moves the clock instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START_OF_TIME
        self.idle: Callable[[float | None], float] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if (timeout is None or timeout > 0) and self.idle is not None:
            self.now = self.idle(None if timeout is None else self.now + timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is in seconds since ``start``. ``clock`` is a :data:`bot.ports.Clock`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._jump = _JumpingSelector()
        super().__init__(self._jump)
        self._clock_resolution = 1e-6  # after months, the sum of two times is not exact to the nanosecond

    def time(self) -> float:
        return self._jump.now

    def clock(self) -> datetime:
        return self._start + timedelta(seconds=self._jump.now)

    def seconds(self, at: datetime) -> float:
        """Convert an instant to this loop's time."""
        return (at - self._start).total_seconds()

    def on_idle(self, idle: Callable[[float | None], float]) -> None:
        """Set the function to call when all tasks wait.

        It takes the time of the next timer (None: there is none), and returns the time to continue at, not later than
        that timer.
        """
        self._jump.idle = idle
