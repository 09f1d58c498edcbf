"""Slow work for a chat, such as a download, in the background: one job of a kind at a time, and no job twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.services.workers import Workers

MAX_JOBS_PER_CHAT = 5
"""How many jobs of a chat may wait or run."""

CUT_OFF_TIMEOUT = 1.0
"""Seconds to tell a chat that the bot's stop has cut its job off."""

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """What somebody asked for. Equal jobs are the same job."""

    chat_id: int
    kind: Hashable
    words: tuple[str, ...] = ()


class BackgroundJobs:
    """Runs up to ``at_once`` jobs over all chats. A chat's jobs of one kind run one after the other."""

    def __init__(self, at_once: int) -> None:
        self._workers = Workers(at_once)
        self._slots = asyncio.Semaphore(at_once)
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[BackgroundJob] = set()

    def has(self, job: BackgroundJob) -> bool:
        """Return whether this job waits or runs."""
        return job in self._under_way

    def is_full(self, chat_id: int) -> bool:
        """Return whether a chat has as many jobs as it may have."""
        return sum(job.chat_id == chat_id for job in self._under_way) >= MAX_JOBS_PER_CHAT

    def start(self, job: BackgroundJob, work: Step, cut_off: Step) -> asyncio.Future[None]:
        """Run ``work`` in the background, after earlier jobs of its kind. If :meth:`finish` ends it, run ``cut_off``.

        Return a future that is done when the job ends, however it ends. It is cancelled if the job was cut off.
        """
        self._under_way.add(job)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._workers.start(self._run(job, work, cut_off, ended))
        return ended

    async def finish(self, within: float | None = None) -> None:
        """Wait until all jobs have ended. After ``within`` seconds, cut off those that still run."""
        await self._workers.finish(within)

    async def _run(self, job: BackgroundJob, work: Step, cut_off: Step, ended: asyncio.Future[None]) -> None:
        try:
            async with self._turns.setdefault((job.chat_id, job.kind), asyncio.Lock()), self._slots:
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
