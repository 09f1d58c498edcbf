"""Every way in which Telegram refuses a message, over real HTTP, and what that means for the message."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.chat import sending
from bot.domain.chats import Place
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
)
from bot.factories import build_telegram
from bot.sandbox.server import serve
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.settings import Settings
from tests.chat.messages import HELLO, failure

# --- The chat is gone -------------------------------------------------------------------------------------------------


async def test_a_user_who_blocked_the_bot_is_gone(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.block()
    error = await failure(bot, chat)
    assert isinstance(error, ChatGone)
    assert "blocked by the user" in error.reason


async def test_a_deleted_account_is_gone(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.user.deactivated = True
    assert isinstance(await failure(bot, chat), ChatGone)


@pytest.mark.parametrize("supergroup", [False, True])
@pytest.mark.parametrize("status", ["kicked", "left"])
async def test_a_group_without_the_bot_is_gone(bot: Bot, ada: Person, status: Any, *, supergroup: bool) -> None:
    group = ada.create_group("Friends", supergroup=supergroup)
    ada.set_bot_status(group, "member")
    ada.set_bot_status(group, status)
    assert isinstance(await failure(bot, group), ChatGone)


async def test_a_deleted_group_is_gone(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    group.deleted = True
    assert isinstance(await failure(bot, group), ChatGone)


async def test_a_chat_that_telegram_does_not_know_is_gone(bot: Bot) -> None:
    with pytest.raises(ChatGone):
        await sending.send(bot, Place(999), HELLO)


@pytest.mark.parametrize(
    "text",
    [
        "Forbidden: bot was blocked by the user",
        "Forbidden: user is deactivated",
        "Forbidden: bot was kicked from the group chat",
        "Forbidden: bot was kicked from the supergroup chat",
        "Forbidden: bot was kicked from the channel chat",
        "Forbidden: bot is not a member of the supergroup chat",
        "Forbidden: bot is not a member of the channel chat",
        "Forbidden: the group chat was deleted",
        "Bad Request: chat not found",
    ],
)
async def test_the_permanent_refusals_word_for_word(bot: Bot, telegram: SandboxTelegram, chat: Chat, text: str) -> None:
    telegram.faults.refuse(ApiError(403 if text.startswith("Forbidden") else 400, text))
    assert isinstance(await failure(bot, chat), ChatGone)


@pytest.mark.parametrize(
    "error",
    [
        ApiError(403, "Forbidden: something new"),
        ApiError(403, "Forbidden: bot can't initiate conversation with a user"),
        ApiError(400, "Bad Request: not enough rights to send text messages to the chat"),
        ApiError(400, "Bad Request: message thread not found"),
    ],
    ids=lambda error: error.description,
)
async def test_an_unknown_refusal_does_not_give_a_chat_up(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, error: ApiError
) -> None:
    telegram.faults.refuse(error)
    refused = await failure(bot, chat)
    assert isinstance(refused, SendRefused)


async def test_a_group_that_became_a_supergroup_tells_its_new_id(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    new = ada.upgrade(group)
    error = await failure(bot, group)
    assert isinstance(error, ChatMigrated)
    assert error.new_chat_id == new.id


# --- Later ------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*retry_after.*timedelta")
@pytest.mark.parametrize("as_timedelta", ["false", "true"])
async def test_a_flood_limit_tells_how_long_to_wait(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, monkeypatch: pytest.MonkeyPatch, as_timedelta: str
) -> None:
    # python-telegram-bot will use a timedelta in the future, and does so now on request.
    monkeypatch.setenv("PTB_TIMEDELTA", as_timedelta)
    telegram.faults.flood(37)
    error = await failure(bot, chat)
    assert isinstance(error, FloodLimited)
    assert error.retry_after == 37


@pytest.mark.parametrize("status", [500, 502])
async def test_a_server_error_means_that_telegram_is_down(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, status: int
) -> None:
    telegram.faults.refuse(ApiError(status, "Internal Server Error"))
    assert isinstance(await failure(bot, chat), TelegramDown)


@pytest.mark.parametrize("status", [500, 502])
async def test_a_server_error_in_html_is_one_as_well(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, status: int
) -> None:
    telegram.faults.server_error(status)
    assert isinstance(await failure(bot, chat), TelegramDown)


async def test_a_refused_bot_token_surely_sent_nothing_and_is_no_reason_to_give_up(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    telegram.token = "1000000001:AAa-new-token-that-the-bot-does-not-have"
    assert isinstance(await failure(bot, chat), NotSent)
    assert chat.messages == []


async def test_a_404_of_a_proxy_surely_sent_nothing(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    telegram.faults.refuse(ApiError(404, "Not Found"))
    assert isinstance(await failure(bot, chat), NotSent)


async def test_a_refused_connection_surely_sent_nothing(settings: Settings, telegram: SandboxTelegram) -> None:
    async with serve(telegram.app) as url:
        pass
    assert isinstance(await failure_at(url, settings), NotSent)


async def test_a_proxy_that_is_down_surely_sent_nothing(
    settings: Settings, telegram: SandboxTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(telegram.app) as url:
        pass
    monkeypatch.setenv("http_proxy", url)
    assert isinstance(await failure_at("http://telegram.invalid", settings), NotSent)


async def failure_at(address: str, settings: Settings) -> MessengerError:
    """Send a message to a Bot API at that address, and return the error."""
    bot = build_telegram(settings.model_copy(update={"telegram_api_url": address})).bot
    await bot.request.initialize()
    try:
        with pytest.raises(MessengerError) as caught:
            await sending.send(bot, Place(1), HELLO)
    finally:
        await bot.request.shutdown()
    return caught.value


@pytest.mark.parametrize("cause", [httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError])
def test_what_never_left_is_told_from_what_may_have(cause: type[httpx.TransportError]) -> None:
    assert type(sending.messenger_error(caused(TimedOut(), cause("")))) is NotSent
    assert type(sending.messenger_error(caused(NetworkError("httpx"), cause("")))) is NotSent


@pytest.mark.parametrize("cause", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_what_broke_after_the_request_left_may_have_been_delivered(cause: type[httpx.TransportError]) -> None:
    assert type(sending.messenger_error(caused(TimedOut(), cause("")))) is DeliveryUncertain


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("delivered", [False, True])
async def test_a_connection_that_broke_leaves_it_open_whether_it_arrived(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, *, delivered: bool
) -> None:
    telegram.faults.cut(delivered=delivered)
    assert isinstance(await failure(bot, chat), DeliveryUncertain)
    assert len(chat.messages) == delivered


@pytest.mark.parametrize("delivered", [False, True])
async def test_a_read_time_out_leaves_it_open_whether_it_arrived(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, *, delivered: bool
) -> None:
    request: Any = bot.request
    request._client.timeout = httpx.Timeout(5, read=0.1)
    telegram.faults.silence(delivered=delivered)
    assert isinstance(await failure(bot, chat), DeliveryUncertain)
    assert len(chat.messages) == delivered
