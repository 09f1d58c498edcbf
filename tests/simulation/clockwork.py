"""An event loop in which no time passes while anything can run: where all wait, the clock jumps to what comes next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import datetime, timedelta

START_OF_TIME = 0.0


class _Jump(selectors.SelectSelector):
    """Waits for nothing: it is told how long the loop would sleep, and moves the clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START_OF_TIME
        self.idle: Callable[[float | None], float] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if (timeout is None or timeout > 0) and self.idle is not None:
            self.now = self.idle(None if timeout is None else self.now + timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is seconds since ``start``. ``clock`` is a :data:`bot.ports.Clock`.

    ``on_idle`` is called when all wait: with the next timer's time (None: there is none), and gives the time at
    which to go on, which is not later than that.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def clock(self) -> datetime:
        return self._start + timedelta(seconds=self._jump.now)

    def seconds(self, at: datetime) -> float:
        """An instant as this loop's time."""
        return (at - self._start).total_seconds()

    def on_idle(self, idle: Callable[[float | None], float]) -> None:
        self._jump.idle = idle
