"""One thread for all work on the data folder: customers first. So the event loop never waits for a disk.

The standard library's executor wakes the loop once for each result. A wake-up is a system call, and after each one the
thread waits until the loop lets it go on. Here the loop is woken once for all that is done when it comes to look.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from bot.turns import Line

T = TypeVar("T")

Asked = tuple[Callable[[], Any], "asyncio.Future[Any]", "_Results"]
Done = tuple["asyncio.Future[Any]", Any, BaseException | None]

AT_A_TURN = 8
"""How many results a turn of the loop hands on. Each lets somebody go on at once, and nothing else has a turn then."""


class OneThread:
    """Does one piece of work after the other. What a customer waits for does not wait for what checks have to write.

    It ends by :meth:`close`, or with the process.
    """

    def __init__(self, name: str) -> None:
        self._line: Line[Asked] = Line()
        self._more: SimpleQueue[bool] = SimpleQueue()
        """True for each piece of work in the line, False at the end."""
        self._results: _Results | None = None
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have this done. It is not begun if nobody waits for it any more when its turn comes."""
        if self._thread.ident is None:
            self._thread.start()
        loop = asyncio.get_running_loop()
        if self._results is None or self._results.loop is not loop:
            self._results = _Results(loop)
        future: asyncio.Future[T] = loop.create_future()
        self._line.put((work, future, self._results))
        self._more.put(True)  # it says so
        return future

    def close(self) -> None:
        """Wait until all is done that was asked for, and end."""
        self._more.put(False)  # as above
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while self._more.get():
            work, future, results = self._line.take()
            if future.cancelled():
                continue
            try:
                results.put((future, work(), None))
            except BaseException as error:  # noqa: BLE001  # the caller handles it
                results.put((future, None, error))
            del work, future, results  # nothing of it is held while nothing is to do


class _Results:
    """What the thread has done, on its way to a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._done: deque[Done] = deque()
        self._is_told = False
        """Whether the loop knows that there is something, and has not looked yet."""

    def put(self, done: Done) -> None:
        self._done.append(done)
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self.loop.call_soon_threadsafe(self._hand_on)

    def _hand_on(self) -> None:
        self._is_told = False  # first: what comes from now on may be missed below
        for _ in range(min(AT_A_TURN, len(self._done))):
            future, result, error = self._done.popleft()
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if self._done and not self._is_told:
            self._is_told = True
            self.loop.call_soon(self._hand_on)
