"""Work that is cheaper together: what comes within a moment is carried out at once, each piece with its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Batch = Mapping[int, Item]
"""Pieces of work by their keys."""

CarryOut = Callable[[Batch[Item]], Awaitable[Mapping[int, Result | Exception]]]
"""Carries out a batch. Returns for each piece how it ended. What it raises is the end of all of them."""

AT_MOST = 50
"""Pieces in a batch: what one batch does without a break must not hold up the event loop."""

MOMENT = 0.01
"""Seconds between the beginnings of two batches, unless one is full before. A piece that comes alone never waits."""


class Gathering(Generic[Item, Result]):
    """Carries out one batch after the other. What comes meanwhile gathers for the next one.

    Pieces with the same key are carried out in their order, in different batches. After a cancellation of its caller a
    piece is still carried out.
    """

    def __init__(self, carry_out: CarryOut[Item, Result]) -> None:
        self._carry_out = carry_out
        self._waiting: list[tuple[int, Item, asyncio.Future[Result]]] = []
        self._full = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def add(self, key: int, item: Item) -> asyncio.Future[Result]:
        """Add a piece of work. Return its end."""
        end: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, item, end))
        if len(self._waiting) >= AT_MOST:
            self._full.set()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work_off())
        return end

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        if self._worker is not None:
            await self._worker

    async def _work_off(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._waiting:
            next_at = clock() + MOMENT
            await self._carry_out_next()
            if len(self._waiting) < AT_MOST:
                self._full.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_at):
                        await self._full.wait()
        self._worker = None

    async def _carry_out_next(self) -> None:
        batch, ends, left = dict[int, Item](), dict[int, asyncio.Future[Result]](), []
        for entry in self._waiting:
            key, item, end = entry
            if key in batch or len(batch) == AT_MOST:
                left.append(entry)
            else:
                batch[key], ends[key] = item, end
        self._waiting = left
        results: Mapping[int, Result | Exception]
        try:
            results = await self._carry_out(batch)
        except Exception as error:  # noqa: BLE001  # each caller gets it
            results = dict.fromkeys(batch, error)
        for key, end in ends.items():
            result = results[key]
            if end.done():  # its caller is gone
                continue
            if isinstance(result, Exception):
                end.set_exception(result)
            else:
                end.set_result(result)
