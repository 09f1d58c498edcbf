"""Slow work for a chat, such as a download: in the background, one piece of a kind at a time, and none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.services.workers import Workers

MAX_JOBS_PER_CHAT = 5
"""How many errands of a chat may wait or run."""

CUT_OFF_TIMEOUT = 1.0
"""Seconds that a chat is given to hear that a stop has cut its errand off."""

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """What somebody wants: two that are equal are the same."""

    chat_id: int
    kind: Hashable
    words: tuple[str, ...] = ()


class BackgroundJobs:
    """Runs ``at_once`` errands over all chats; a chat's errands of one kind are run one after the other."""

    def __init__(self, at_once: int) -> None:
        self._workers = Workers(at_once)
        self._room = asyncio.Semaphore(at_once)
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[BackgroundJob] = set()

    def has(self, job: BackgroundJob) -> bool:
        """Whether this very errand waits or runs."""
        return job in self._under_way

    def is_full(self, chat_id: int) -> bool:
        """Whether a chat has as many errands as it may have."""
        return sum(job.chat_id == chat_id for job in self._under_way) >= MAX_JOBS_PER_CHAT

    def start(self, job: BackgroundJob, work: Step, cut_off: Step) -> asyncio.Future[None]:
        """Run ``work`` in the background, after what there is of its kind; ``cut_off`` where :meth:`finish` ends it.

        Gives its end, however it ends; cancelled where it was cut off.
        """
        self._under_way.add(job)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._workers.start(self._run(job, work, cut_off, ended))
        return ended

    async def finish(self, within: float | None = None) -> None:
        """Wait until all have ended; after ``within`` seconds cut off those that have not."""
        await self._workers.finish(within)

    async def _run(self, job: BackgroundJob, work: Step, cut_off: Step, ended: asyncio.Future[None]) -> None:
        try:
            async with self._turns.setdefault((job.chat_id, job.kind), asyncio.Lock()), self._room:
                await work()
        except asyncio.CancelledError:
            ended.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(CUT_OFF_TIMEOUT):
                    await cut_off()
            raise
        finally:
            self._under_way.discard(job)
            if not ended.done():
                ended.set_result(None)
