"""Slow work for a chat, such as a download: in the background, one piece of a kind at a time, and none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from weakref import WeakValueDictionary

from bot.services.workers import Workers


class Errands:
    """Runs work in ``workers``, as much at once as they have room for. Each is known by its kind and its words.

    Those of one kind are run one after the other, so that nobody starts a flood of downloads.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._room = asyncio.Semaphore(workers.free)
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[tuple[Hashable, ...]] = set()

    def has(self, kind: Hashable, words: Sequence[str]) -> bool:
        """Whether this very errand waits or runs."""
        return (kind, *words) in self._under_way

    def start(self, kind: Hashable, words: Sequence[str], work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` in the background, after what there is of its kind."""
        self._under_way.add((kind, *words))
        self._workers.start(self._run(kind, words, work))

    async def _run(self, kind: Hashable, words: Sequence[str], work: Callable[[], Awaitable[None]]) -> None:
        turn = self._turns.setdefault(kind, asyncio.Lock())
        try:
            async with turn, self._room:
                await work()
        finally:
            self._under_way.discard((kind, *words))
