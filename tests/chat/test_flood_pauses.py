"""After a 429: the chat waits, or everybody does, and nobody sends into the pause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from telegram.error import RetryAfter

from bot.chat.flood_pauses import MEANS_EVERYBODY, EverybodyWaits
from bot.chat.rate_limiter import SharedRateLimiter
from bot.chat.request import pause_of
from bot.chat.telegram_errors import messenger_error
from bot.errors import FloodLimited
from bot.store.tinydb.memory import TokenBuckets
from tests.simulation.virtual_loop import VirtualLoop

PAUSE = 10


class Telegram:
    """Refuses the chats in ``full`` (None: all of them), and notes who asked."""

    def __init__(self) -> None:
        self.full: set[int] | None = set()
        self.asked: list[int] = []

    async def take(self, chat: int) -> bool:
        self.asked.append(chat)
        if self.full is None or chat in self.full:
            raise RetryAfter(timedelta(seconds=PAUSE))
        return True


class Talk:
    """A limiter in front of that Telegram, on a loop that travels in time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.telegram = Telegram()
        self._loop = loop
        self._buckets = TokenBuckets()
        self._limits = SharedRateLimiter(self, loop.clock)

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        return await self._buckets.take(name, now, rate, burst, capacity)

    def send(self, chat: int, endpoint: str = "sendMessage") -> RetryAfter | None:
        """Send to a chat. Return the refusal, Telegram's or the limiter's."""

        async def send() -> RetryAfter | None:
            try:
                await self._limits.process_request(self.telegram.take, (chat,), {}, endpoint, {"chat_id": chat}, None)
            except RetryAfter as refused:
                return refused
            return None

        return self._loop.run_until_complete(send())

    def pass_time(self, seconds: float) -> None:
        self._loop.run_until_complete(asyncio.sleep(seconds))


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # as build_telegram sets it
    loop = VirtualLoop(datetime(2026, 3, 1, tzinfo=UTC))
    loop.on_idle(lambda timer: timer or 0.0)
    with closing(loop):
        yield Talk(loop)


def test_nothing_is_sent_to_a_chat_during_its_pause(talk: Talk) -> None:
    talk.telegram.full = {1}
    assert talk.send(1)
    talk.telegram.full = set()
    talk.pass_time(PAUSE - 1)
    refused = talk.send(1)
    assert refused is not None
    assert pause_of(refused) == pytest.approx(1, abs=0.1)
    assert talk.telegram.asked == [1]
    talk.pass_time(1.1)
    assert talk.send(1) is None


def test_one_chats_pause_is_nobody_elses(talk: Talk) -> None:
    talk.telegram.full = {1, 2}
    for _ in range(3):
        for chat in (1, 2):
            assert not isinstance(talk.send(chat), EverybodyWaits)
        assert talk.send(3) is None
        talk.pass_time(PAUSE)


def test_many_chats_refused_now_and_then_pause_nobody_else(talk: Talk) -> None:
    talk.telegram.full = set(range(100, 200))
    for chat in range(100, 200):
        assert talk.send(chat)
        assert talk.send(chat - 100 or 1000) is None


def test_chats_whose_pause_is_over_do_not_count_any_more(talk: Talk) -> None:
    talk.telegram.full = set(range(100, 100 + 2 * MEANS_EVERYBODY))
    for chat in sorted(talk.telegram.full):
        assert talk.send(chat)
        talk.pass_time(PAUSE + 1)
    assert talk.send(1) is None


def test_if_several_chats_are_refused_in_a_row_everybody_waits_and_nobody_asks(talk: Talk) -> None:
    talk.telegram.full = None
    for chat in range(1, MEANS_EVERYBODY + 1):
        assert talk.send(chat)
    asked = len(talk.telegram.asked)
    refused = talk.send(50)
    assert isinstance(refused, EverybodyWaits)
    error = messenger_error(refused)
    assert isinstance(error, FloodLimited)
    assert error.everywhere
    assert 0 < error.retry_after <= PAUSE
    assert isinstance(talk.send(51, "editMessageText"), EverybodyWaits)
    assert len(talk.telegram.asked) == asked
    talk.telegram.full = set()
    talk.pass_time(PAUSE)
    assert talk.send(50) is None


def test_after_the_pause_of_all_one_more_refusal_is_one_chats_again(talk: Talk) -> None:
    talk.telegram.full = None
    for chat in range(1, MEANS_EVERYBODY + 1):
        talk.send(chat)
    talk.pass_time(PAUSE + 1)
    talk.telegram.full = {9}
    assert talk.send(9)
    assert talk.send(10) is None


def test_what_telegram_does_not_count_is_asked_even_then(talk: Talk) -> None:
    talk.telegram.full = None
    for chat in range(1, MEANS_EVERYBODY + 1):
        talk.send(chat)
    talk.telegram.full = set()
    assert talk.send(50, "answerCallbackQuery") is None
