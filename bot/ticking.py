"""Ticks: work that is repeated every second or so, whatever happens to the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from telegram.ext import CallbackContext, JobQueue

from bot.domain.waits import is_ahead
from bot.errors import StoreAway

Queue = JobQueue[Any]


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Comes again after the interval, by the clock as it is then.

    APScheduler's own trigger lists every time that was missed. After a clock was put forward by a year, that is 31
    million, and takes minutes.
    """

    def __init__(self, interval: timedelta) -> None:
        self.interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return now if previous_fire_time is None else now + self.interval


def repeat(queue: Queue, work: Callable[[], Awaitable[None]], every: float) -> None:
    """Call ``work`` every ``every`` seconds. A late call is made as soon as possible; two calls never overlap."""

    async def call(_: CallbackContext[Any, Any, Any, Any]) -> None:
        with suppress(StoreAway):  # the store has logged that; a later tick finds the same work
            await work()

    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    trigger = Every(timedelta(seconds=every))
    queue.run_custom(call, {"trigger": trigger, **options}, name=work.__qualname__)


def catch_up(queue: Queue) -> None:
    """Make the calls now that would come only after a clock that was put back has caught up again."""
    now = datetime.now(UTC)
    for job in queue.scheduler.get_jobs():
        if (
            isinstance(job.trigger, Every)
            and job.next_run_time
            and is_ahead(job.next_run_time, now + job.trigger.interval)
        ):
            job.modify(next_run_time=now)
