"""Background tasks: one slow piece of work holds up nothing but itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.errors import StoreAway

log = structlog.get_logger()

MOMENT = 0.02
"""Seconds. What is claimed together costs the store less."""


class Workers:
    """Runs up to ``limit`` coroutines. One that fails is logged and stops no other.

    There is no queue: a tick that looks for work starts no more than are ``free``.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many more may be started now."""
        return max(0, self._limit - len(self._tasks))

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work`` in the background."""
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def some_room(self, within: float, enough: int | None = None) -> None:
        """Wait until there is room, at most so many seconds, and then a moment: others may soon end, too.

        Where there is ``enough``, don't wait at all.
        """
        if enough is not None and self.free >= enough:
            return
        if not self.free:
            await asyncio.wait(self._tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(MOMENT)

    async def keep_busy(self, start_due: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Start what is due as soon as there is room for it, until nothing is left, but no longer than this.

        ``start_due`` starts it, and returns whether there may be more. What has become due by then is the next call's.
        """
        end = asyncio.get_running_loop().time() + seconds
        while await start_due() and (left := end - asyncio.get_running_loop().time()) > 0:
            await self.some_room(left)

    async def finish(self, within: float | None = None) -> None:
        """Wait until all work has ended. Cancel what still runs after ``within`` seconds."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _guard(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except StoreAway:
            pass  # the store has logged that; a later tick finds this work again
        except Exception:
            log.exception("background work failed")
