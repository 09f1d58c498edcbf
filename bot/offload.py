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

P = ParamSpec("P")
T = TypeVar("T")

HEAVY_BYTES = 128 * 1024
"""JSON of this size takes some ten milliseconds to read."""
HEAVY_COUNT = 500
"""So many invoices take some ten milliseconds to compare, sort or sum up."""


LIGHT_IN_A_TURN = 4
"""Pieces of light work that are done in one turn of the loop. Most take a few milliseconds at most."""

_done: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
"""How many were done in the present turn."""


async def off_loop(heavy: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: FBT001
    """Return the result of ``work``, done in a thread if it is ``heavy``. It must touch nothing that others change."""
    call = partial(work, *args, **kwargs)
    if heavy:
        return await asyncio.to_thread(call)
    await in_turn()
    return call()


async def in_turn() -> None:
    """Wait until the present turn of the loop has room for a piece of light work, such as drawing a message."""
    loop = asyncio.get_running_loop()
    while _done.get(loop, 0) >= LIGHT_IN_A_TURN:  # noqa: ASYNC110  # each turn takes the next few, in their order
        await asyncio.sleep(0)
    if loop not in _done:
        loop.call_soon(_done.pop, loop, None)  # the next turn begins with it
    _done[loop] = _done.get(loop, 0) + 1
