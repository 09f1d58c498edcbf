"""Every way in which Telegram refuses a message, over real HTTP, and what that means for the message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.chat import sending
from bot.chat.request import UNKNOWN_PAUSE
from bot.chat.telegram_errors import messenger_error
from bot.domain.chats import Place
from bot.errors import (
    ChatClosed,
    ChatGone,
    ChatMigrated,
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
    TextRefused,
)
from bot.factories import build_telegram
from bot.sandbox.server import serve
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.settings import Settings
from tests.chat.messages import HELLO, OTHER, failure

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
    ],
)
async def test_the_permanent_refusals_word_for_word(bot: Bot, telegram: SandboxTelegram, chat: Chat, text: str) -> None:
    telegram.faults.refuse(ApiError(403 if text.startswith("Forbidden") else 400, text))
    assert isinstance(await failure(bot, chat), ChatGone)


# --- The chat is not found --------------------------------------------------------------------------------------------


async def test_a_chat_that_telegram_does_not_find_is_asked_for_and_not_given_up(
    bot: Bot, telegram: SandboxTelegram
) -> None:
    with pytest.raises(ChatNotFound):
        await sending.send(bot, Place(999), HELLO)
    assert [call.chat_id for call in telegram.calls_of("getChat")] == [999]


async def test_a_chat_that_is_found_once_it_is_asked_for_gets_its_message(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: chat not found"), method="sendMessage")
    await sending.send(bot, Place(chat.id), HELLO)
    assert [message.text for message in chat.messages] == ["Hello"]


async def test_an_outage_while_a_chat_is_asked_for_leaves_it_not_found(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: chat not found"), method="sendMessage")
    telegram.faults.cut(delivered=False, method="getChat")
    assert isinstance(await failure(bot, chat), ChatNotFound)


# --- The chat is closed, or the text is refused -----------------------------------------------------------------------

CLOSED = [
    ApiError(403, "Forbidden: something new"),
    ApiError(403, "Forbidden: bot can't initiate conversation with a user"),
    ApiError(403, "Forbidden: bot can't send messages to bots"),
    ApiError(400, "Bad Request: not enough rights to send text messages to the chat"),
    ApiError(400, "Bad Request: have no write access to the chat"),
    ApiError(400, "Bad Request: need administrator rights in the channel chat"),
    ApiError(400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
    ApiError(400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"),
    ApiError(400, "Bad Request: CHAT_RESTRICTED"),
    ApiError(400, "Bad Request: USER_BANNED_IN_CHANNEL"),
    ApiError(400, "Bad Request: TOPIC_CLOSED"),
    ApiError(400, "Bad Request: message thread not found"),
    ApiError(400, "Bad Request: SLOWMODE_WAIT_30"),
    ApiError(400, "Bad Request: ALLOW_PAYMENT_REQUIRED_10"),
]
REFUSED_TEXTS = [
    ApiError(400, "Bad Request: can't parse entities: Can't find end tag corresponding to start tag b"),
    ApiError(400, "Bad Request: can't parse reply keyboard markup JSON object"),
    ApiError(400, "Bad Request: message is too long"),
    ApiError(400, "Bad Request: MESSAGE_TOO_LONG"),
    ApiError(400, "Bad Request: message text is empty"),
    ApiError(400, "Bad Request: text must be non-empty"),
    ApiError(400, "Bad Request: strings must be encoded in UTF-8"),
    ApiError(400, "Bad Request: ENTITY_BOUNDS_INVALID"),
    ApiError(400, "Bad Request: BUTTON_DATA_INVALID"),
    ApiError(400, "Bad Request: inline keyboard button text must be non-empty"),
    ApiError(400, "Bad Request: reply markup is too long"),
]
UNKNOWN = [ApiError(400, "Bad Request: something new"), ApiError(406, "Not Acceptable: odd"), ApiError(451, "No")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *((error, ChatClosed) for error in CLOSED),
        *((error, TextRefused) for error in REFUSED_TEXTS),
        *((error, SendRefused) for error in UNKNOWN),
    ],
    ids=lambda value: getattr(value, "description", ""),
)
async def test_a_refusal_is_about_the_chat_or_about_the_text_or_nobody_knows(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, error: ApiError, kind: type[SendRefused]
) -> None:
    telegram.faults.refuse(error)
    assert type(await failure(bot, chat)) is kind


@pytest.mark.parametrize("closed", [False, True])
async def test_a_group_that_is_closed_or_has_muted_the_bot_is_closed(bot: Bot, ada: Person, *, closed: bool) -> None:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "member" if closed else "restricted")
    group.closed = closed
    assert isinstance(await failure(bot, group), ChatClosed)


async def test_a_reply_into_a_closed_topic_comes_in_the_chat_itself(bot: Bot, ada: Person) -> None:
    forum = ada.create_group("Friends", forum=True)
    ada.set_bot_status(forum, "member")
    topic = ada.open_topic(forum, "Invoices")
    there = await sending.send(bot, Place(forum.id, topic), HELLO)
    forum.topics[topic].closed = True
    await sending.send(bot, Place(forum.id, topic), OTHER, reply_to=there)
    await sending.send(bot, Place(forum.id), OTHER, reply_to=there)
    assert [(m.text, m.topic_id, m.reply_to) for m in forum.messages[-2:]] == [("Other", None, None)] * 2


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


@pytest.mark.parametrize("said", ["as usual", "in words", "in the header"])
async def test_a_flood_limit_tells_its_wait_in_one_of_three_places(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, said: Any
) -> None:
    telegram.faults.flood(37, said=said)
    error = await failure(bot, chat)
    assert isinstance(error, FloodLimited)
    assert error.retry_after == 37


@pytest.mark.parametrize(
    ("body", "pause"),
    [
        ({"ok": False, "error_code": 429, "description": "Too Many Requests"}, UNKNOWN_PAUSE),
        (
            {"ok": False, "error_code": 429, "description": "Retry after x", "parameters": {"retry_after": 0}},
            UNKNOWN_PAUSE,
        ),
        ({"ok": False, "error_code": 429, "parameters": {"retry_after": 10**6}}, 86400),
    ],
    ids=["none", "no number", "too long"],
)
async def test_an_odd_flood_limit_is_one_all_the_same(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, body: object, pause: float
) -> None:
    telegram.faults.answer(JSONResponse(body, 429))
    error = await failure(bot, chat)
    assert isinstance(error, FloodLimited)
    assert error.retry_after == pause


async def test_a_flood_limit_of_something_in_between_is_believed_for_a_minute(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    telegram.faults.page(429)
    assert isinstance(await failure(bot, chat), FloodLimited)
    telegram.faults.answer(HTMLResponse("Slow down", 429, {"Retry-After": "86400"}))
    error = await failure(bot, chat)
    assert isinstance(error, FloodLimited)
    assert error.retry_after == 60


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


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 407, 409, 418, 451, 503])
@pytest.mark.parametrize("delivered", [False, True])
async def test_a_page_that_is_not_telegrams_is_an_outage_whatever_its_status(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, status: int, *, delivered: bool
) -> None:
    telegram.faults.page(status, delivered=delivered)
    assert isinstance(await failure(bot, chat), TelegramDown)
    assert len(chat.messages) == delivered


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"true", b"{}", b'{"ok":true}', b'{"ok":"true","result":{}}', b'{"error":"blocked"}',
        b'{"ok":true,"result":{}}', b'{"ok":true,"result":true}', b'{"ok":true,"result":[1]}',
        b'{"ok":false,"description":["odd"]}', b'{"ok":false,"parameters":[]}', b"[" * 100_000,
    ],
    ids=lambda body: body[:40].decode(),
)  # fmt: skip
async def test_json_of_another_form_is_no_word_of_telegrams_either(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, body: bytes, status: int
) -> None:
    telegram.faults.answer(Response(body, status))
    assert isinstance(await failure(bot, chat), TelegramDown)


async def test_a_refusal_counts_by_its_own_code(bot: Bot, telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    telegram.faults.answer(
        JSONResponse({"ok": False, "error_code": 403, "description": "Forbidden: user is deactivated"})
    )
    assert isinstance(await failure(bot, chat), ChatGone)


async def test_a_413_of_a_message_is_no_outage(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    telegram.faults.page(413)
    assert type(await failure(bot, chat)) is SendRefused


async def test_telegram_is_asked_for_before_a_message_that_should_not_stay_uncertain(
    bot: Bot, telegram: SandboxTelegram
) -> None:
    await sending.make_sure_of_telegram(bot)
    telegram.faults.page(200, method="getMe")
    with pytest.raises(NotSent):
        await sending.make_sure_of_telegram(bot)


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
    bot = build_telegram(replace(settings, telegram_api_url=address)).bot
    await bot.request.initialize()
    try:
        with pytest.raises(MessengerError) as caught:
            await sending.send(bot, Place(1), HELLO)
    finally:
        await bot.request.shutdown()
    return caught.value


@pytest.mark.parametrize("cause", [httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError])
def test_what_never_left_is_told_from_what_may_have(cause: type[httpx.TransportError]) -> None:
    assert type(messenger_error(caused(TimedOut(), cause("")))) is NotSent
    assert type(messenger_error(caused(NetworkError("httpx"), cause("")))) is NotSent


@pytest.mark.parametrize("cause", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_what_broke_after_the_request_left_may_have_been_delivered(cause: type[httpx.TransportError]) -> None:
    assert type(messenger_error(caused(TimedOut(), cause("")))) is DeliveryUncertain


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
    request._read_timeout = 0.1
    telegram.faults.silence(delivered=delivered)
    assert isinstance(await failure(bot, chat), DeliveryUncertain)
    assert len(chat.messages) == delivered
