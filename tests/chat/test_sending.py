"""Every way in which Telegram says no, over real HTTP, and what it means for the message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from markupsafe import Markup
from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.application import build_telegram
from bot.chat import sending
from bot.chat.screens import Button, Screen
from bot.domain.chats import Place
from bot.errors import (
    BotError,
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    DocumentTooLarge,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
)
from bot.ports import Document
from bot.sandbox.server import serve
from bot.sandbox.telegram import ActionShown, ApiError, Chat, Message, Person, SandboxTelegram
from bot.settings import Settings

HELLO = Screen(Markup("<b>Hello</b>"), [[Button("Press", "press:1")]])
OTHER = Screen(Markup("<i>Other</i>"))


@pytest.fixture
async def bot(settings: Settings) -> AsyncIterator[Bot]:
    """The bot of the application, with its own transport."""
    telegram = build_telegram(settings)
    async with telegram.bot as bot:
        yield bot


def place(chat: Chat, topic: int | None = None) -> Place:
    return Place(chat.id, topic)


async def sent(bot: Bot, chat: Chat) -> Message:
    message = await sending.send(bot, place(chat), HELLO)
    found = chat.message(message.message_id)
    assert found is not None
    return found


async def failure(bot: Bot, chat: Chat) -> MessengerError:
    with pytest.raises(MessengerError) as caught:
        await sending.send(bot, place(chat), HELLO)
    return caught.value


# --- It works -------------------------------------------------------------------------------------------------------


async def test_a_screen_is_sent_as_html_with_its_buttons(bot: Bot, chat: Chat) -> None:
    message = await sent(bot, chat)
    assert message.text == "Hello"
    assert [entity.type for entity in message.entities] == ["bold"]
    assert [(button.text, button.data) for button in message.buttons] == [("Press", "press:1")]
    assert not message.silent


async def test_a_message_can_arrive_without_a_sound(bot: Bot, chat: Chat) -> None:
    await sending.send(bot, place(chat), HELLO, silent=True)
    assert chat.messages[-1].silent


async def test_no_preview_of_addresses_is_shown(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    message = await sent(bot, chat)
    await sending.edit(bot, place(chat), message.id, OTHER)
    calls = [*telegram.calls_of("sendMessage"), *telegram.calls_of("editMessageText")]
    assert [call.parameters["link_preview_options"] for call in calls] == ['{"is_disabled": true}'] * 2


async def test_an_edit_replaces_text_and_buttons(bot: Bot, chat: Chat) -> None:
    message = await sent(bot, chat)
    assert await sending.edit(bot, place(chat), message.id, OTHER)
    assert (message.text, message.buttons) == ("Other", [])


# --- The chat is gone -----------------------------------------------------------------------------------------------


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
    assert not refused.permanent


async def test_a_group_that_became_a_supergroup_tells_its_new_id(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    new = ada.upgrade(group)
    error = await failure(bot, group)
    assert isinstance(error, ChatMigrated)
    assert error.new_chat_id == new.id


# --- Later ----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*retry_after.*timedelta")
@pytest.mark.parametrize("as_timedelta", ["false", "true"])
async def test_a_flood_limit_tells_how_long_to_wait(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, monkeypatch: pytest.MonkeyPatch, as_timedelta: str
) -> None:
    # python-telegram-bot will give a timedelta in future, and does so now on request.
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
    """What becomes of a message to a Bot API at that address."""
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
    assert type(sending.translate(caused(TimedOut(), cause("")))) is NotSent
    assert type(sending.translate(caused(NetworkError("httpx"), cause("")))) is NotSent


@pytest.mark.parametrize("cause", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_what_broke_after_the_request_left_may_have_been_delivered(cause: type[httpx.TransportError]) -> None:
    assert type(sending.translate(caused(TimedOut(), cause("")))) is DeliveryUncertain


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


# --- Topics ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def forum(ada: Person) -> Chat:
    forum = ada.create_group("Forum", forum=True)
    ada.set_bot_status(forum, "member")
    return forum


async def test_a_message_goes_to_its_topic(bot: Bot, forum: Chat) -> None:
    topic = forum.add_topic("Invoices")
    await sending.send(bot, place(forum, topic), HELLO)
    assert [message.topic_id for message in forum.messages] == [topic]


async def test_where_the_topic_is_gone_the_chat_itself_gets_it_once(
    bot: Bot, telegram: SandboxTelegram, forum: Chat
) -> None:
    topic = forum.add_topic("Invoices")
    forum.topics[topic].deleted = True
    await sending.send(bot, place(forum, topic), HELLO)
    assert [message.topic_id for message in forum.messages] == [None]
    assert len(telegram.calls_of("sendMessage")) == 2


async def test_a_document_whose_topic_is_gone_arrives_whole(bot: Bot, forum: Chat) -> None:
    topic = forum.add_topic("Invoices")
    forum.topics[topic].deleted = True
    await sending.send_document(bot, place(forum, topic), document(b"%PDF-1.7 all of it"))
    (message,) = forum.messages
    assert message.document is not None
    assert message.document.content == b"%PDF-1.7 all of it"


# --- Edits ----------------------------------------------------------------------------------------------------------


async def test_an_edit_that_changes_nothing_is_harmless(bot: Bot, chat: Chat) -> None:
    message = await sent(bot, chat)
    assert await sending.edit(bot, place(chat), message.id, HELLO)
    assert message.edited_at is None


async def test_a_message_that_was_deleted_is_out_of_reach(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await sent(bot, chat)
    ada.delete(message)
    assert not await sending.edit(bot, place(chat), message.id, OTHER)


async def test_a_message_of_somebody_else_is_out_of_reach(bot: Bot, ada: Person, chat: Chat) -> None:
    theirs = ada.send(chat, "hello")
    assert not await sending.edit(bot, place(chat), theirs.id, OTHER)
    assert theirs.text == "hello"


@pytest.mark.parametrize("text", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
async def test_the_ways_of_being_out_of_reach_word_for_word(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, text: str
) -> None:
    message = await sent(bot, chat)
    telegram.faults.refuse(ApiError(400, f"Bad Request: {text}"))
    assert not await sending.edit(bot, place(chat), message.id, OTHER)


async def test_an_edit_fails_as_a_message_does(bot: Bot, telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    message = await sent(bot, chat)
    telegram.faults.server_error()
    with pytest.raises(TelegramDown):
        await sending.edit(bot, place(chat), message.id, OTHER)
    telegram.faults.refuse(ApiError(400, "Bad Request: something new"))
    with pytest.raises(SendRefused):
        await sending.edit(bot, place(chat), message.id, OTHER)
    ada.block()
    with pytest.raises(ChatGone):
        await sending.edit(bot, place(chat), message.id, OTHER)


# --- Documents ------------------------------------------------------------------------------------------------------


def document(content: bytes, name: str = "Rechnung-1.pdf") -> Document:
    return Document(name, BytesIO(content), len(content))


@pytest.mark.parametrize("name", ["Rechnung-1.pdf", "Überweisung & „Rechnung“ (1).pdf"])
async def test_a_document_arrives_under_its_name(bot: Bot, chat: Chat, name: str) -> None:
    await sending.send_document(bot, place(chat), document(b"%PDF-1.7 ...", name), caption="Rechnung")
    (message,) = chat.messages
    assert message.document is not None
    assert (message.document.name, message.document.mime_type) == (name, "application/pdf")
    assert (message.document.content, message.text) == (b"%PDF-1.7 ...", "Rechnung")


async def test_a_document_that_is_too_large_for_telegram_is_told_as_such(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    # 413 comes from the server in front of the Bot API, most often as a page in HTML.
    telegram.faults.server_error(413, method="sendDocument")
    with pytest.raises(DocumentTooLarge) as caught:
        await sending.send_document(bot, place(chat), document(b"%PDF-1.7 large"))
    assert caught.value.arguments == {"limit_mb": 50}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ApiError(403, "Forbidden: bot was blocked by the user"), ChatGone),
        (ApiError(400, "Bad Request: odd"), SendRefused),
    ],
    ids=["gone", "unknown"],
)
async def test_a_document_fails_as_a_message_does(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, error: ApiError, expected: type[BotError]
) -> None:
    telegram.faults.refuse(error)
    with pytest.raises(expected):
        await sending.send_document(bot, place(chat), document(b"%PDF-"))


# --- Chat actions ---------------------------------------------------------------------------------------------------


async def test_an_action_is_shown_again_until_the_work_is_done(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ACTION_LASTS", 0.01)
    with telegram.subscribe() as changes:
        async with sending.showing_action(bot, place(chat), ChatAction.UPLOAD_DOCUMENT), asyncio.timeout(10):
            shown = [change async for change in first(changes, 3)]
    assert [(change.chat.id, change.action) for change in shown] == [(chat.id, "upload_document")] * 3
    made = len(telegram.calls_of("sendChatAction"))
    await sent(bot, chat)
    assert len(telegram.calls_of("sendChatAction")) == made


async def test_an_action_that_fails_stops_nothing(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    telegram.faults.server_error(method="sendChatAction")
    async with sending.showing_action(bot, place(chat), ChatAction.UPLOAD_DOCUMENT):
        await telegram.wait_until(lambda: telegram.calls_of("sendChatAction") or None)
        await sent(bot, chat)
    assert len(chat.messages) == 1


async def first(changes: AsyncIterator[Any], count: int) -> AsyncIterator[ActionShown]:
    """The first chat actions of a stream of changes."""
    async for change in changes:
        if isinstance(change, ActionShown):
            yield change
            count -= 1
            if not count:
                return
