"""Patience with Telegram: how long it is waited for, what is logged of it, and which updates are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs
from telegram import Bot
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.application import build_telegram
from bot.chat.polling import LONGEST_WAIT, connect, persist, poll
from bot.errors import StartError
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings


class Waits(list[float]):
    """Takes the place of sleeping, and keeps how long that would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def failing(*errors: Exception) -> Callable[[], Any]:
    """A call that raises these, one after the other, and then works."""
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "here"

    return call


async def test_what_works_at_once_is_neither_waited_for_nor_logged() -> None:
    waits = Waits()
    with capture_logs() as logged:
        assert await persist(failing(), waits) == "here"
    assert waits == []
    assert logged == []


async def test_an_outage_is_waited_for_longer_each_time_and_logged_twice() -> None:
    waits = Waits()
    with capture_logs() as logged:
        assert await persist(failing(*[NetworkError("gone")] * 2000), waits) == "here"
    assert waits[:6] == [1, 2, 4, 8, 16, LONGEST_WAIT]
    assert set(waits[6:]) == {LONGEST_WAIT}
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        ("Telegram outage began", "warning"),
        ("Telegram outage ended", "info"),
    ]
    assert logged[0]["error"] == "gone"


async def test_a_flood_limit_says_itself_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # as build_telegram sets it
    waits = Waits()
    await persist(failing(RetryAfter(90)), waits)
    assert waits == [90]


@pytest.mark.parametrize(("error", "drawn"), [(Conflict("another one polls"), False), (KeyError("result"), True)])
async def test_only_an_error_that_nobody_knows_is_logged_with_its_traceback(error: Exception, drawn: bool) -> None:
    with capture_logs() as logged:
        await persist(failing(error), Waits())
    assert (logged[0]["exc_info"] is error) is drawn


async def test_a_refused_token_is_no_outage() -> None:
    waits = Waits()
    with pytest.raises(InvalidToken):
        await persist(failing(TelegramError("away"), InvalidToken()), waits)
    assert waits == [1]


async def test_updates_come_in_order_and_once(bot: Bot, telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    updates: asyncio.Queue[Any] = asyncio.Queue()
    telegram.faults.server_error(method="getUpdates")
    polling = asyncio.create_task(poll(bot, updates, Waits()))
    texts = []
    for text in ("one", "two", "three"):
        ada.send(chat, text)
        update = await asyncio.wait_for(updates.get(), 5)
        texts.append(update.message.text)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert texts == ["one", "two", "three"]
    assert updates.empty()


async def test_polling_ends_when_the_token_is_revoked(bot: Bot, telegram: SandboxTelegram) -> None:
    telegram.token = "1000000001:AAanother-token-made-at-BotFather-0"
    with pytest.raises(StartError, match="no longer accepts TELEGRAM_BOT_TOKEN"):
        await asyncio.wait_for(poll(bot, asyncio.Queue(), Waits()), 5)


async def test_asking_who_we_are_fails_at_once_with_a_sentence_and_leaves_nothing_open(
    settings: Settings, telegram: SandboxTelegram
) -> None:
    bot = build_telegram(settings).bot
    telegram.faults.server_error(method="getMe")
    with pytest.raises(StartError, match=r"can't be reached at http://127.*\(HTTP status 502\)"):
        await connect(bot)
    with pytest.raises(NetworkError, match="not initialized"):
        await bot.request.retrieve(settings.telegram_api_url)
    assert await connect(bot) == telegram.bot.username
