"""The faults of the sandbox's Bot API, through python-telegram-bot."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from telegram import Bot, ChatMemberRestricted, ReplyParameters
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.sandbox.server import serve
from bot.sandbox.telegram import BOT_TOKEN, ApiError, Chat, Person, SandboxTelegram


@pytest.fixture(autouse=True)
def _spans_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the library warns about the old form of ``retry_after``."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def texts(chat: Chat) -> list[str]:
    return [message.text for message in chat.messages]


async def test_a_flood_limit_names_its_wait_and_passes(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    telegram.faults.flood(7, times=2)
    for _ in range(2):
        with pytest.raises(RetryAfter) as caught:
            await bot.send_message(chat.id, "too fast")
        assert caught.value.retry_after == timedelta(seconds=7)
    assert telegram.calls[-1].status == 429
    await bot.send_message(chat.id, "now")
    assert texts(chat) == ["now"]


async def test_a_flood_limit_of_one_chat_leaves_the_others(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    other = telegram.private_chat(telegram.add_user("Bob"))
    telegram.faults.flood(1, times=None, chat=chat)
    await bot.send_message(other.id, "fine")
    for _ in range(3):
        with pytest.raises(RetryAfter):
            await bot.send_message(chat.id, "too fast")
    telegram.faults.clear()
    await bot.send_message(chat.id, "fine too")
    assert (texts(chat), texts(other)) == (["fine too"], ["fine"])


@pytest.mark.parametrize(("delivered", "shown"), [(False, []), (True, ["hello"])])
async def test_a_cut_connection_may_come_before_or_after_delivery(
    bot: Bot, chat: Chat, telegram: SandboxTelegram, *, delivered: bool, shown: list[str]
) -> None:
    telegram.faults.cut(delivered=delivered)
    with pytest.raises(NetworkError) as caught:
        await bot.send_message(chat.id, "hello")
    assert type(caught.value) is NetworkError
    assert texts(chat) == shown
    assert telegram.calls_of("sendMessage")[0].status == 0


@pytest.mark.parametrize(("delivered", "shown"), [(False, []), (True, ["hello"])])
async def test_silence_runs_into_the_read_time_out(
    bot: Bot, chat: Chat, telegram: SandboxTelegram, *, delivered: bool, shown: list[str]
) -> None:
    telegram.faults.silence(delivered=delivered)
    with pytest.raises(TimedOut):
        await bot.send_message(chat.id, "hello", read_timeout=0.05)
    assert texts(chat) == shown


@pytest.mark.parametrize("status", [500, 502])
async def test_a_server_error_is_a_page_and_delivers_nothing(
    bot: Bot, chat: Chat, telegram: SandboxTelegram, status: int
) -> None:
    telegram.faults.server_error(status)
    with pytest.raises(NetworkError, match="html"):
        await bot.send_message(chat.id, "hello")
    assert texts(chat) == []


async def test_a_server_error_may_come_after_delivery(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    telegram.faults.server_error(delivered=True)
    with pytest.raises(NetworkError, match="html"):
        await bot.send_message(chat.id, "hello")
    assert texts(chat) == ["hello"]


@pytest.mark.parametrize(("status", "error"), [(200, TelegramError), (401, InvalidToken), (403, Forbidden)])
async def test_a_foreign_page_has_any_status(
    bot: Bot, chat: Chat, telegram: SandboxTelegram, status: int, error: type[TelegramError]
) -> None:
    telegram.faults.page(status)
    with pytest.raises(error):
        await bot.send_message(chat.id, "hello")
    assert telegram.calls[-1].status == status
    assert texts(chat) == []


@pytest.mark.parametrize("said", ["in words", "in the header"])
async def test_a_flood_limit_may_lack_its_parameters(
    bot: Bot, chat: Chat, telegram: SandboxTelegram, said: Literal["in words", "in the header"]
) -> None:
    telegram.faults.flood(7, said=said)
    with pytest.raises(NetworkError, match="retry after 7" if said == "in words" else "Too Many Requests$"):
        await bot.send_message(chat.id, "too fast")


async def test_a_closed_group_refuses_messages_but_not_edits(bot: Bot, ada: Person, telegram: SandboxTelegram) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    message = await bot.send_message(group.id, "open")
    group.closed = True
    with pytest.raises(BadRequest, match="Not enough rights to send text messages"):
        await bot.send_message(group.id, "closed")
    await bot.edit_message_text("edited", group.id, message.message_id)
    ada.set_bot_status(group, "administrator")
    await bot.send_message(group.id, "above that")
    assert texts(group) == ["edited", "above that"]


async def test_a_restricted_bot_may_not_write_and_is_told(bot: Bot, ada: Person, telegram: SandboxTelegram) -> None:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "restricted")
    (update,) = await bot.get_updates(allowed_updates=["my_chat_member"])
    assert update.my_chat_member is not None
    restricted = update.my_chat_member.new_chat_member
    assert isinstance(restricted, ChatMemberRestricted)
    assert (restricted.is_member, restricted.can_send_messages) == (True, False)
    with pytest.raises(BadRequest, match="Not enough rights"):
        await bot.send_message(group.id, "muted")


async def test_a_reply_leads_into_the_topic_of_what_it_replies_to(bot: Bot, ada: Person) -> None:
    forum = ada.create_group("Friends", forum=True)
    ada.set_bot_status(forum, "member")
    topic = ada.open_topic(forum, "Invoices")
    there = await bot.send_message(forum.id, "there", message_thread_id=topic)
    await bot.send_message(forum.id, "reply", reply_parameters=ReplyParameters(there.message_id))
    assert forum.messages[-1].topic_id == topic
    forum.topics[topic].closed = True
    with pytest.raises(BadRequest, match="Topic_closed"):
        await bot.send_message(forum.id, "reply", reply_parameters=ReplyParameters(there.message_id))


async def test_any_refusal_can_be_simulated(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    telegram.faults.refuse(ApiError(403, "Forbidden: never heard of"), method="sendDocument")
    await bot.send_message(chat.id, "not met")
    with pytest.raises(Forbidden, match="never heard of"):
        await bot.send_document(chat.id, b"x")
    await bot.send_document(chat.id, b"x")
    assert len(chat.messages) == 2


async def test_a_fault_affects_polling_only_by_name(bot: Bot, telegram: SandboxTelegram) -> None:
    telegram.faults.server_error()
    assert await bot.get_updates() == ()
    telegram.faults.refuse(ApiError(400, "Bad Request: not now"), method="getUpdates")
    with pytest.raises(BadRequest):
        await bot.get_updates()


async def test_a_stopped_server_refuses_connections_and_comes_back_as_it_was(
    telegram: SandboxTelegram, chat: Chat
) -> None:
    async with serve(telegram.app) as url:
        port = int(url.rpartition(":")[2])
        bot = Bot(BOT_TOKEN, base_url=f"{url}/bot")
        await bot.initialize()
        await bot.send_message(chat.id, "before")
    with pytest.raises(NetworkError, match="ConnectError"):
        await bot.send_message(chat.id, "meanwhile")
    async with serve(telegram.app, port):
        await bot.send_message(chat.id, "after")
    await bot.shutdown()
    assert texts(chat) == ["before", "after"]
