"""Telegram counts what arrives within a second. Whatever the way there does to calls, it is never too much."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import Phase, example, given, settings, strategies as st

from bot.chat.arrivals import COUNTED_FOR, LONGEST_WAY, Arrivals
from bot.chat.rate_limiter import ALLOWED, GLOBAL_LIMIT, SharedRateLimiter
from bot.store.tinydb.memory import TokenBuckets
from bot.turns import Turn, taking_turn
from tests.simulation.virtual_loop import VirtualLoop

WORKERS = 25
ALERTS = 300


class Buckets:
    """A store of token buckets in memory."""

    def __init__(self) -> None:
        self.take_from_bucket = TokenBuckets().take


class Way:
    """The way to Telegram and back: at least ``fixed`` seconds each, and up to ``more``. Now and then it stalls.

    While it stalls nothing arrives; then all of it does at once.
    """

    def __init__(self, random: Random, fixed: float, more: float, stall_every: float, stall: float) -> None:
        self._random = random
        self._fixed, self._more = fixed, more
        self._stall_every, self._stall = stall_every, stall
        self.arrived: list[float] = []

    async def call(self) -> bool:
        await self._there()
        self.arrived.append(asyncio.get_running_loop().time())
        await self._there()
        return True

    async def _there(self) -> None:
        await asyncio.sleep(self._fixed + self._random.uniform(0, self._more))
        since = asyncio.get_running_loop().time() % self._stall_every
        if since < self._stall:
            await asyncio.sleep(self._stall - since)


def deliver(way: Way, late: float, random: Random, answers_every: float) -> None:
    """Send alerts as fast as the limits allow, and an answer now and then. Each sleep ends a moment late."""
    loop = VirtualLoop(datetime(2026, 3, 1, tzinfo=UTC))
    loop.on_idle(lambda timer: timer or 0.0)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds + random.uniform(0, late))

    async def everything() -> None:
        limits = SharedRateLimiter(Buckets(), loop.clock, sleep)
        chats = iter(range(1, ALERTS + 1))

        async def send(turn: Turn, chat: int) -> None:
            with taking_turn(turn):
                await limits.process_request(way.call, (), {}, "sendMessage", {"chat_id": chat}, None)

        async def worker() -> None:
            for chat in chats:
                await send(Turn.ALERT, chat)

        async def answer() -> None:
            for chat in range(10_000, 20_000):
                await asyncio.sleep(answers_every)
                await send(Turn.CUSTOMER, chat)

        answering = asyncio.create_task(answer())
        await asyncio.gather(*(worker() for _ in range(WORKERS)))
        answering.cancel()

    with closing(loop):
        loop.run_until_complete(everything())


def in_a_second_at_most(arrived: list[float]) -> int:
    arrived, second = sorted(arrived), 1 - 1e-5  # the clock counts in microseconds
    return max(sum(at <= other < at + second for other in arrived[i : i + 2 * ALLOWED]) for i, at in enumerate(arrived))


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    seed=st.integers(0, 999),
    fixed=st.floats(0, 0.2),
    more=st.floats(0, 0.2),
    stall=st.sampled_from([0.0, 0.05, 0.3, 0.5]),
    late=st.floats(0, 0.05),
    answers_every=st.sampled_from([0.05, 0.5, 5.0]),
)
@example(seed=1, fixed=0.02, more=0.01, stall=0.3, late=0.001, answers_every=0.5)
def test_no_second_at_telegram_sees_more_than_it_allows(
    seed: int, fixed: float, more: float, stall: float, late: float, answers_every: float
) -> None:
    random = Random(seed)
    way = Way(random, fixed, more, 3.7, stall)
    deliver(way, late, random, answers_every)
    assert in_a_second_at_most(way.arrived) <= ALLOWED


@pytest.mark.parametrize("fixed", [0.0, 0.03, 0.15])
def test_on_an_even_way_of_any_length_almost_all_that_telegram_allows_is_used(fixed: float) -> None:
    random = Random(1)
    way = Way(random, fixed, 0.004, 1000, 0)
    deliver(way, 0.002, random, 1.0)
    settled = sorted(way.arrived)[150:]  # what the way is like is known by then
    assert (len(settled) - 1) / (settled[-1] - settled[0]) >= 0.95 * ALLOWED


async def test_a_call_that_is_never_answered_holds_its_place_for_a_while_only() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    arrivals = Arrivals(1, Buckets(), lambda: now)
    with arrivals.under_way():
        assert await arrivals.take_from_bucket("telegram", now, 1, 5) > 0
        now += LONGEST_WAY + COUNTED_FOR
        assert await arrivals.take_from_bucket("telegram", now, GLOBAL_LIMIT.rate, 5) == 0


async def test_a_clock_that_is_put_back_holds_up_nothing() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    arrivals = Arrivals(1, Buckets(), lambda: now)
    with arrivals.under_way():
        now -= 100 * COUNTED_FOR
        assert await arrivals.take_from_bucket("telegram", now, 1, 5) == 0
