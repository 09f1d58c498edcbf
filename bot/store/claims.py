"""Claims whose caller may be gone by the time they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.store.backend import Backend, Transaction, Work

T = TypeVar("T")


class Claims:
    """Claims work in transactions."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._begun: set[asyncio.Future[Any]] = set()

    async def settled(self) -> None:
        """Wait until what was begun has ended."""
        await asyncio.gather(*self._begun, return_exceptions=True)

    async def take(self, claim: Work[list[T]], give_back: Callable[[T], Awaitable[object]]) -> list[T]:
        """Claim something. If the caller is cancelled, give it back: nobody will work on it."""
        cancelled = False

        async def unless_cancelled(t: Transaction) -> list[T]:
            return [] if cancelled else await claim(t)

        async def undo() -> None:
            await asyncio.gather(*map(give_back, await claimed))

        claimed = self._begin(self._backend.run(unless_cancelled))
        try:
            return await asyncio.shield(claimed)
        except asyncio.CancelledError:
            cancelled = True
            self._begin(undo())
            raise

    def _begin(self, work: Awaitable[T]) -> asyncio.Future[T]:
        """Begin work that :meth:`settled` waits for. Its caller may be gone when it ends."""
        future = asyncio.ensure_future(work)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return future
