"""Writes the log's lines in a thread of its own: a reader that stops reading holds up nobody.

A pipe or a terminal that is not read is full after some kilobytes. From then on every write waits.
"""

from __future__ import annotations

import atexit
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

MAX_WAITING = 4 * 1024 * 1024
"""Bytes. Once so much waits, further lines are dropped until all of it is written."""
FLUSH_TIMEOUT = 1.0
"""Seconds. At its end, the process waits so long for lines that are not written yet."""


class LogWriter:
    """Writes lines in their order. Those that it has to drop it counts, and tells ``say_dropped`` how many."""

    def __init__(self, say_dropped: Callable[[int], None], max_waiting: int = MAX_WAITING) -> None:
        self._say_dropped = say_dropped
        self._max_waiting = max_waiting
        self._changed = threading.Condition()
        self._lines: deque[tuple[int, bytes]] = deque()
        self._waiting = 0
        self._dropped = 0
        self._busy = False
        self._started = False

    def put(self, descriptor: int, line: bytes) -> None:
        """Have a line written to an open file, as soon as all earlier ones are. This never waits."""
        with self._changed:
            if self._dropped or self._waiting + len(line) > self._max_waiting:
                self._dropped += 1
                return
            self._lines.append((descriptor, line))
            self._waiting += len(line)
            self._changed.notify_all()
            if not self._started:
                self._start()

    def flush(self, within: float = FLUSH_TIMEOUT) -> bool:
        """Wait until all lines are written, at most ``within`` seconds. Return whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._busy or self._lines or self._dropped), within)

    def _start(self) -> None:
        self._started = True
        threading.Thread(target=self._run, name="log", daemon=True).start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            if next_line := self._next():
                with suppress(OSError):  # standard error is gone, and there is nowhere to say so
                    _write(*next_line)
            else:
                self._say_dropped(self._forget_dropped())

    def _next(self) -> tuple[int, bytes] | None:
        """Wait for the next line. None: all lines are written, and some were dropped behind them."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._lines or self._dropped)
            self._busy = True
            if not self._lines:
                return None
            descriptor, line = self._lines.popleft()
            self._waiting -= len(line)
            return descriptor, line

    def _forget_dropped(self) -> int:
        with self._changed:
            dropped, self._dropped = self._dropped, 0
            return dropped


def _write(descriptor: int, line: bytes) -> None:
    """Write all of a line, even if another process that shares the file has made it non-blocking."""
    left = memoryview(line)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
