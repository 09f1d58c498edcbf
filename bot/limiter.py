"""Rate limits that all replicas share: a token bucket in the store, and a queue of the callers in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.errors import StoreAway
from bot.ports import Clock, Sleep, TokenBucketStore
from bot.turns import Turn, present_turn

log = structlog.get_logger()

NOTICEABLE_WAIT = 0.01
"""Seconds. Anything shorter is only the store's answer."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``rate`` calls a second on average, and up to ``burst`` at once after a pause.

    ``bursts`` are smaller ones of those who go later. They leave the difference to the others.
    """

    rate: float
    burst: int
    bursts: Mapping[Turn, int] = field(default_factory=dict)


@dataclass(eq=False)
class WaitTooLong(Exception):
    """The wait of ``seconds`` would be longer than the caller allows."""

    seconds: float


class Limiter:
    """Lets callers pass at the rate of a token bucket: those of one turn one after the other.

    Of the callers in this process, only the first asks the store, so a crowd costs no more than one. While the store is
    away, everybody passes: the other side has limits of its own and reports them.
    """

    def __init__(
        self, name: str, limit: RateLimit, store: TokenBucketStore, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._name = name
        self._limit = limit
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._lines = defaultdict[Turn, asyncio.Semaphore](partial(asyncio.Semaphore, 1))

    async def wait(self, longest: float) -> None:
        """Return when the caller may pass. Raise :class:`WaitTooLong` if that takes more than ``longest`` seconds."""
        loop, turn = asyncio.get_running_loop(), present_turn()
        began, line = loop.time(), self._lines[turn]
        if not line.locked():  # nobody waits, so there is no time to measure
            await line.acquire()
        else:
            try:
                async with asyncio.timeout(longest):
                    await line.acquire()
            except TimeoutError:
                raise WaitTooLong(longest) from None
        try:
            await self._take(turn, longest - (loop.time() - began))
        finally:
            line.release()
            if (waited := loop.time() - began) > NOTICEABLE_WAIT:
                log.debug("waited for a rate limit", limit=self._name.partition(":")[0], seconds=waited)

    async def _take(self, turn: Turn, longest: float) -> None:
        left, limit = longest, self._limit
        burst = limit.bursts.get(turn, limit.burst)
        while True:
            try:
                seconds = await self._store.take_from_bucket(self._name, self._clock(), limit.rate, burst, limit.burst)
            except StoreAway:
                return
            if not seconds:
                return
            if seconds > left:
                raise WaitTooLong(seconds)
            left -= seconds
            await self._sleep(seconds)
