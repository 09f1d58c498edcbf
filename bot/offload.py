"""Heavy work off the event loop, so that one large account holds up nobody else.

The interpreter lets the loop go on every few milliseconds while a thread computes. Light work stays on the loop: a
thread costs more than it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

HEAVY_BYTES = 128 * 1024
"""JSON of this size takes some ten milliseconds to read."""
HEAVY_COUNT = 500
"""So many invoices take some ten milliseconds to compare, sort or sum up."""


async def off_loop(heavy: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: FBT001
    """Return the result of ``work``, done in a thread if it is ``heavy``. It must touch nothing that others change."""
    call = partial(work, *args, **kwargs)
    return await asyncio.to_thread(call) if heavy else call()
