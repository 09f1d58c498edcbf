"""Rate limits that all replicas share: callers wait in line, and answers go before alerts."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st
from telegram.error import RetryAfter

from bot.chat import rate_limiter
from bot.chat.rate_limiter import (
    ALERT_STANDS_BACK,
    CHAT_LIMIT,
    GLOBAL_LIMIT,
    GROUP_LIMIT,
    MAX_ANSWER_WAIT,
    SharedRateLimiter,
)
from bot.chat.request import pause_of
from bot.errors import StoreAway
from bot.factories import BURSTS_FOR_CHECKS, BURSTS_FOR_PEOPLE, provider_limit
from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.store.tinydb.memory import TokenBuckets
from bot.turns import Turn, taking_turn
from tests.simulation.virtual_loop import VirtualLoop


class World:
    """A store of token buckets, and a clock that sleeping puts forward at once."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.away = False
        self.asked = 0
        self._buckets = TokenBuckets()

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        self.asked += 1
        if self.away:
            raise StoreAway
        return await self._buckets.take(name, now, rate, burst, capacity)

    def limiter(self, limit: RateLimit, name: str = "telegram") -> Limiter:
        return Limiter(name, limit, self, self.clock, self.sleep)


async def test_a_crowd_goes_at_the_rate_and_in_its_order() -> None:
    world, went = World(), list[tuple[int, float]]()
    limiter, began = world.limiter(RateLimit(10, 3)), world.now

    async def go(number: int) -> None:
        await limiter.wait(60)
        went.append((number, (world.now - began).total_seconds()))

    await asyncio.gather(*(go(number) for number in range(13)))
    assert [number for number, _ in went] == list(range(13))
    assert [at for _, at in went[:3]] == [0, 0, 0]
    assert went[-1][1] == pytest.approx(1.0)


async def test_of_a_crowd_only_the_first_asks_the_store() -> None:
    world = World()
    limiter = world.limiter(RateLimit(10, 1))
    await asyncio.gather(*(limiter.wait(60) for _ in range(50)))
    assert world.asked < 2 * 50 + 1


async def test_several_processes_together_keep_one_limit() -> None:
    world = World()
    began, limiters = world.now, [world.limiter(RateLimit(10, 1)) for _ in range(3)]
    for number in range(31):
        await limiters[number % 3].wait(60)
    assert (world.now - began).total_seconds() == pytest.approx(3.0)


async def test_who_would_wait_too_long_is_told_so_and_costs_nothing() -> None:
    world = World()
    limiter = world.limiter(RateLimit(0.1, 1))
    await limiter.wait(1)
    with pytest.raises(WaitTooLong) as busy:
        await limiter.wait(5)
    assert busy.value.seconds == pytest.approx(10)
    world.now += timedelta(seconds=10)
    await limiter.wait(0.1)


async def test_who_stands_in_line_waits_no_longer_than_the_caller_allows() -> None:
    gate, world = asyncio.Event(), World()

    async def hold(_: float) -> None:
        await gate.wait()

    limiter = Limiter("telegram", RateLimit(1, 1), world, world.clock, hold)
    await limiter.wait(1)
    first = asyncio.create_task(limiter.wait(30))
    await asyncio.sleep(0)
    with pytest.raises(WaitTooLong):
        await limiter.wait(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_while_the_store_is_away_everybody_goes() -> None:
    world = World()
    world.away = True
    limiter = world.limiter(RateLimit(0.001, 1))
    for _ in range(5):
        await limiter.wait(0.1)


@pytest.fixture(autouse=True)
def _waits_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # as build_telegram sets it


async def sent() -> bool:
    return True


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Turn)), min_size=40, max_size=120))
async def test_no_second_sees_more_than_thirty_messages(asked: list[tuple[int, Turn]]) -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    at = list[datetime]()

    for number, (chat, turn) in enumerate(asked):
        with taking_turn(turn):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 100 * number + chat}, None)
        at.append(world.now)
    for start in at:
        assert sum(start <= other < start + timedelta(seconds=1) for other in at) <= 30


async def test_no_minute_of_a_group_sees_more_than_twenty() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    at = list[datetime]()
    for _ in range(60):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
        at.append(world.now)
    for start in at:
        assert sum(start <= other < start + timedelta(minutes=1) for other in at) <= 20


async def test_alerts_leave_room_for_answers() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    with taking_turn(Turn.ALERT):
        for chat in range(1, 201):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": chat}, None)
    before = world.now
    await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 1000}, None)
    assert world.now - before < timedelta(seconds=2 / GLOBAL_LIMIT.rate)


async def test_an_alert_to_a_chat_that_was_just_answered_is_to_come_again_once_the_chat_has_room() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    for _ in range(5):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
    with taking_turn(Turn.ALERT):
        with pytest.raises(RetryAfter) as full:
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
        assert pause_of(full.value) == pytest.approx(5.0, abs=0.2)
        await world.sleep(pause_of(full.value))
        assert await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)


async def test_an_alert_waits_for_its_own_chat_in_nobody_elses_way() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    for _ in range(8):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
    before = world.now
    with taking_turn(Turn.ALERT), pytest.raises(RetryAfter):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
    assert world.now == before


async def test_an_alert_does_not_wait_until_an_endless_stream_of_answers_ends() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    alert = asyncio.Event()

    async def answer_without_end() -> None:
        while not alert.is_set():
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)

    for _ in range(CHAT_LIMIT.burst):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
    began, answers = world.now, asyncio.create_task(answer_without_end())
    await asyncio.sleep(0)
    with taking_turn(Turn.ALERT):
        while not alert.is_set():  # as the outbox does
            try:
                await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
                alert.set()
            except RetryAfter as full:
                await world.sleep(pause_of(full))
    await answers
    assert (world.now - began).total_seconds() < ALERT_STANDS_BACK + 5


async def test_the_alerts_of_a_group_with_many_accounts_wait_together_not_one_behind_the_other() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    waiting, began = 8, world.now
    with taking_turn(Turn.ALERT):
        while waiting:
            try:
                await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
                waiting -= 1
            except RetryAfter as full:
                await world.sleep(pause_of(full))
    assert (world.now - began).total_seconds() < 2 * ALERT_STANDS_BACK


@settings(max_examples=50)
@given(st.lists(st.floats(0.5, 120), min_size=5, max_size=20))
async def test_what_a_chat_holds_back_for_its_answers_is_never_held_back_for_long(pauses: list[float]) -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    for pause in pauses:
        await world.sleep(pause)
        for _ in range(CHAT_LIMIT.burst // 2):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
        began = world.now
        with taking_turn(Turn.ALERT):
            while True:
                try:
                    await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": 7}, None)
                    break
                except RetryAfter as full:
                    await world.sleep(pause_of(full))
        assert (world.now - began).total_seconds() <= ALERT_STANDS_BACK + rate_limiter.MAX_ALERT_WAIT_FOR_CHAT


async def test_what_would_take_too_long_is_a_wait_that_telegram_itself_could_have_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limiter, "MAX_ALERT_WAIT", 5.0)
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    for _ in range(GROUP_LIMIT.burst):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
    with taking_turn(Turn.ALERT), pytest.raises(RetryAfter):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
    assert 1 / GROUP_LIMIT.rate < MAX_ANSWER_WAIT


@pytest.mark.parametrize("first", [Turn.CUSTOMER, Turn.ALERT])
def test_whoever_goes_first_is_not_held_up_by_a_crowd_that_can_wait(first: Turn) -> None:
    loop, order = VirtualLoop(datetime(2026, 3, 1, tzinfo=UTC)), list[Turn]()
    loop.on_idle(lambda timer: timer or 0.0)
    limits = SharedRateLimiter(World(), loop.clock)

    async def send(turn: Turn, chat: int) -> None:
        with taking_turn(turn):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": chat}, None)
        order.append(turn)

    async def crowd_and_others() -> None:
        crowd = [asyncio.create_task(send(Turn.OTHER, chat)) for chat in range(200)]
        await asyncio.sleep(1)
        went = len(order)
        await asyncio.gather(*(send(first, 1000 + number) for number in range(20)))
        assert order[went:].count(Turn.OTHER) <= 1
        await asyncio.gather(*crowd)
        assert loop.time() == pytest.approx(220 / GLOBAL_LIMIT.rate, abs=0.3)

    with closing(loop):
        loop.run_until_complete(crowd_and_others())


def test_who_floods_holds_up_neither_a_check_nor_a_customer_at_the_provider() -> None:
    loop, order = VirtualLoop(datetime(2026, 3, 1, tzinfo=UTC)), list[str]()
    loop.on_idle(lambda timer: timer or 0.0)
    store = World()
    people, checks = (
        Limiter("provider", provider_limit(10, bursts), store, loop.clock)
        for bursts in (BURSTS_FOR_PEOPLE, BURSTS_FOR_CHECKS)
    )

    async def ask(limiter: Limiter, name: str, turn: Turn) -> None:
        with taking_turn(turn):
            await limiter.wait(60)
        order.append(name)

    async def everything() -> None:
        flood = [asyncio.create_task(ask(people, "flood", Turn.OTHER)) for _ in range(100)]
        await asyncio.sleep(1)
        went = len(order)
        checked = [ask(checks, "check", Turn.CUSTOMER) for _ in range(10)]
        await asyncio.gather(*checked, ask(people, "customer", Turn.CUSTOMER))
        assert order[went:].count("flood") <= 1
        assert order[went:].index("customer") <= 5  # it waits for nobody, but some checks need not wait either
        await asyncio.gather(*flood)

    with closing(loop):
        loop.run_until_complete(everything())


async def test_a_member_who_floods_a_group_leaves_part_of_its_burst_to_the_others() -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    with taking_turn(Turn.OTHER):
        for _ in range(20):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
    before = world.now
    for _ in range(GROUP_LIMIT.burst // 2):
        await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": -100}, None)
    assert world.now - before < timedelta(seconds=1)


async def test_a_crowd_that_can_wait_still_gets_all_that_the_others_leave() -> None:
    world = World()
    began, limits = world.now, SharedRateLimiter(world, world.clock, world.sleep)
    with taking_turn(Turn.OTHER):
        for chat in range(251):
            await limits.process_request(sent, (), {}, "sendMessage", {"chat_id": chat}, None)
    assert (world.now - began).total_seconds() == pytest.approx(250 / GLOBAL_LIMIT.rate, abs=0.1)


@pytest.mark.parametrize("endpoint", ["sendMessage", "sendDocument", "sendPhoto", "editMessageText"])
async def test_whatever_sends_or_edits_a_message_counts(endpoint: str) -> None:
    world = World()
    began, limits = world.now, SharedRateLimiter(world, world.clock, world.sleep)
    for chat in range(1, 121):
        await limits.process_request(sent, (), {}, endpoint, {"chat_id": chat}, None)
    assert world.now - began > timedelta(seconds=3)


@pytest.mark.parametrize("endpoint", ["getMe", "answerCallbackQuery", "sendChatAction", "deleteMessage"])
async def test_what_telegram_does_not_count_is_not_held_up(endpoint: str) -> None:
    world = World()
    limits = SharedRateLimiter(world, world.clock, world.sleep)
    for _ in range(100):
        assert await limits.process_request(sent, (), {}, endpoint, {"chat_id": 1}, None)
    assert world.asked == 0
