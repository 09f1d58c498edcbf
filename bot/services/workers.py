"""Background tasks, so that one slow piece of work holds up nothing but itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.errors import StoreAway

log = structlog.get_logger()


class Workers:
    """Runs coroutines; one that fails is logged and stops nobody else.

    Nothing has to wait here: it is a tick, looking for work, that begins no more than are ``free`` of ``limit``.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many more a tick may begin now."""
        return max(0, self._limit - len(self._tasks))

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work`` in the background."""
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, within: float | None = None) -> None:
        """Wait until all that runs has ended; after ``within`` seconds what still runs is cancelled."""
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
            pass  # the store has logged that; whatever this was, it is found and done again later
        except Exception:
            log.exception("background work failed")
