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

AT_MOST = 25
"""Pieces in a batch, which is full then."""
BATCHES_AT_ONCE = 2
"""While the other side works on a full batch, the next full one is prepared."""

MOMENT = 0.01
"""Seconds between the beginnings of two batches that are not full. A piece that comes alone never waits."""


class Gathering(Generic[Item, Result]):
    """Carries out batches. What comes while one is under way gathers for the next one.

    Pieces with the same key are carried out in their order, in different batches. After a cancellation of its caller a
    piece is still carried out.
    """

    def __init__(self, carry_out: CarryOut[Item, Result]) -> None:
        self._carry_out = carry_out
        self._waiting: list[tuple[int, Item, asyncio.Future[Result]]] = []
        self._under_way: set[int] = set()
        self._full = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()

    def add(self, key: int, item: Item) -> asyncio.Future[Result]:
        """Add a piece of work. Return its end."""
        end: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, item, end))
        if self._is_full:
            self._full.set()
        if not self._workers or (self._is_full and len(self._workers) < BATCHES_AT_ONCE):
            worker = asyncio.create_task(self._work_off())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return end

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        while self._workers:
            await asyncio.wait(self._workers)

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) >= AT_MOST

    async def _work_off(self) -> None:
        """Carry out batches until nothing is left, or until one worker suffices."""
        clock = asyncio.get_running_loop().time
        while self._waiting:
            next_at = clock() + MOMENT
            if not await self._carry_out_next():
                break
            if self._is_full:
                continue
            if len(self._workers) > 1:
                break
            self._full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_at):
                    await self._full.wait()
        self._workers.discard(asyncio.current_task())  # from now on another one must begin

    async def _carry_out_next(self) -> bool:
        """Carry out the next batch. Return False if it would be empty: all keys are under way in another one."""
        batch, ends, left = dict[int, Item](), dict[int, asyncio.Future[Result]](), []
        for entry in self._waiting:
            key, item, end = entry
            if key in batch or key in self._under_way or len(batch) == AT_MOST:
                left.append(entry)
            else:
                batch[key], ends[key] = item, end
        if not batch:
            return False
        self._waiting = left
        self._under_way |= batch.keys()
        results: Mapping[int, Result | Exception]
        try:
            results = await self._carry_out(batch)
        except Exception as error:  # noqa: BLE001  # each caller gets it
            results = dict.fromkeys(batch, error)
        self._under_way -= batch.keys()
        for key, end in ends.items():
            result = results[key]
            if end.done():  # its caller is gone
                continue
            if isinstance(result, Exception):
                end.set_exception(result)
            else:
                end.set_result(result)
        return True
