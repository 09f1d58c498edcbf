"""When the interpreter looks for garbage, so that it does not hold up the event loop.

Most objects go by themselves. A full collection finds those that refer to each other in a circle. It looks at every
object, and no thread runs meanwhile: with an account of 30,000 invoices in memory, that is a fifth of a second, again
and again while the account is read. So full collections come when little is in memory besides what was there after the
start, which they leave out.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

YOUNG = 5000
"""New objects after which the newest are collected, and ten times that, those of the last ten such times."""
NEVER = 2**31 - 1

START_TAKES = 10.0
"""Seconds after which what is in memory most likely stays."""
COLLECT_EVERY = 30.0
LITTLE = 300_000
"""Objects of all kinds that a collection looks through within some ten milliseconds."""
WAITS_AT_MOST = 20
"""How often a collection gives way to a large heap."""


@contextmanager
def no_full_collections() -> Iterator[None]:
    """Let the interpreter start no full collection by itself while the context lasts: also not while it imports."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, 10, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Collector:
    """Makes the full collections instead."""

    def __init__(self) -> None:
        self._at_start = 0
        self._waited = 0

    async def run(self) -> Never:
        """Leave out what is there after the start. Then collect now and then."""
        await asyncio.sleep(START_TAKES)
        self.leave_out()
        while True:
            await asyncio.sleep(COLLECT_EVERY)
            self.look()

    def leave_out(self) -> None:
        """Look no more at what is in memory now. It still goes once nobody needs it, unless it refers to itself."""
        gc.freeze()
        self._at_start = sys.getallocatedblocks()

    def look(self) -> bool:
        """Collect if little has come since, or if that was not so for long. Return whether it was done."""
        has_grown = sys.getallocatedblocks() - self._at_start > LITTLE
        if has_grown and self._waited < WAITS_AT_MOST:
            self._waited += 1
            return False
        self._waited = 0
        gc.collect()
        return True
