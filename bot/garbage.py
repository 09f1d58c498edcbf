"""When the interpreter looks for garbage, so that it does not hold up the event loop.

Most objects go by themselves. A collection finds those that refer to each other in a circle. A full one looks at every
object, and no thread runs meanwhile: with an account of 30,000 invoices in memory, that is a fifth of a second, again
and again while the account is read. So full collections come when little is in memory besides what stays, which they
leave out. The start looks for nothing at all: nearly everything that it makes stays.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

YOUNG = 5000
"""New objects after which the newest are collected."""
YOUNG_TIMES = 5
"""After so many of these times, those are that came in them. All at once they take some milliseconds."""
NEVER = 2**31 - 1

START_TAKES = 10.0
"""Seconds after which what is in memory most likely stays."""
COLLECT_EVERY = 30.0
LITTLE = 300_000
"""Objects of all kinds that came since the last collection, and that the next one looks through in no time."""
WAITS_AT_MOST = 20
"""How often a collection gives way to a large heap."""
MANY = 40_000
"""Objects that a collection left. To look through them again takes some ten milliseconds, and most likely they stay."""


@contextmanager
def no_collections() -> Iterator[None]:
    """Let the interpreter collect nothing while it starts. The :class:`Collector` ends that before the context does."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def no_full_collections() -> Iterator[None]:
    """Let the interpreter start no full collection by itself while the context lasts."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, YOUNG_TIMES, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Collector:
    """Makes the full collections instead."""

    def __init__(self) -> None:
        self._before = 0
        self._waited = 0

    async def run(self) -> Never:
        """Leave out what is there after the start. Then collect now and then."""
        self.leave_out()
        gc.enable()
        await asyncio.sleep(START_TAKES)
        self.leave_out()
        while True:
            await asyncio.sleep(COLLECT_EVERY)
            self.look()

    def leave_out(self) -> None:
        """Look no more at what is in memory now. It still goes once nobody needs it, unless it refers to itself."""
        gc.freeze()
        self._before = sys.getallocatedblocks()

    def look(self) -> bool:
        """Collect if little has come since, or if that was not so for long. Return whether it was done."""
        has_grown = sys.getallocatedblocks() - self._before > LITTLE
        if has_grown and self._waited < WAITS_AT_MOST:
            self._waited += 1
            return False
        self._waited = 0
        gc.collect()
        if len(gc.get_objects(generation=2)) > MANY:
            gc.freeze()
        self._before = sys.getallocatedblocks()
        return True
