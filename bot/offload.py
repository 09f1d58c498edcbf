"""Heavy work off the event loop, so that one large account holds up nobody else.

The interpreter lets the loop go on every few milliseconds while a thread computes. Light work stays on the loop: a
thread costs more than it. Much of it at once is spread over several turns of the loop, so that others are served in
between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from bot.turns import Line

P = ParamSpec("P")
T = TypeVar("T")

HEAVY_BYTES = 128 * 1024
"""JSON of this size takes some ten milliseconds to read."""
HEAVY_COUNT = 500
"""So many invoices take some ten milliseconds to compare, sort or sum up."""


LIGHT_IN_A_TURN = 1
"""Pieces of light work that are done in one turn of the loop. Most take a few milliseconds at most, and an answer to a
person takes some twenty turns."""


class _Turns:
    """Shares the turns of a loop among light work, customers first. Who has to wait costs nothing meanwhile."""

    def __init__(self) -> None:
        self._taken = 0
        self._waiting: Line[asyncio.Future[None]] = Line()

    def wait(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None] | None:
        """Return what to wait for. None: the present turn has room."""
        if not self._taken:
            loop.call_soon(self._next, loop)
        elif self._taken >= LIGHT_IN_A_TURN:
            waiting = loop.create_future()
            self._waiting.put(waiting)
            return waiting
        self._taken += 1
        return None

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin a turn: who comes next in the line has room in the one behind it."""
        self._taken = 0
        while self._waiting and self._taken < LIGHT_IN_A_TURN:
            waiting = self._waiting.take()
            if not waiting.done():  # it may be cancelled
                waiting.set_result(None)
                self._taken += 1
        if self._taken:
            loop.call_soon(self._next, loop)


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()


async def off_loop(heavy: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: FBT001
    """Return the result of ``work``, done in a thread if it is ``heavy``. It must touch nothing that others change."""
    call = partial(work, *args, **kwargs)
    if heavy:
        return await asyncio.to_thread(call)
    await in_turn()
    return call()


async def in_turn() -> None:
    """Wait until a turn of the loop has room for a piece of light work, such as drawing a message."""
    loop = asyncio.get_running_loop()
    turns = _turns.get(loop)
    if turns is None:
        turns = _turns[loop] = _Turns()
    if (waiting := turns.wait(loop)) is not None:
        await waiting
