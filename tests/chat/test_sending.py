"""Messages, edits, documents and chat actions, sent over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from telegram import Bot
from telegram.constants import ChatAction

from bot.chat import sending
from bot.errors import (
    BotError,
    ChatGone,
    DocumentTooLarge,
    SendRefused,
    TelegramDown,
)
from bot.ports import Document
from bot.sandbox.telegram import ActionShown, ApiError, Chat, Person, SandboxTelegram
from tests.chat.messages import HELLO, OTHER, place, sent

# --- It works ---------------------------------------------------------------------------------------------------------


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


# --- Topics -----------------------------------------------------------------------------------------------------------


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


# --- Edits ------------------------------------------------------------------------------------------------------------


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


# --- Documents --------------------------------------------------------------------------------------------------------


def document(content: bytes, name: str = "Rechnung-1.pdf") -> Document:
    return Document(name, BytesIO(content), len(content))


@pytest.mark.parametrize("name", ["Rechnung-1.pdf", "Überweisung & „Rechnung“ (1).pdf"])
async def test_a_document_arrives_under_its_name(bot: Bot, chat: Chat, name: str) -> None:
    await sending.send_document(bot, place(chat), document(b"%PDF-1.7 ...", name))
    (message,) = chat.messages
    assert message.document is not None
    assert (message.document.name, message.document.mime_type) == (name, "application/pdf")
    assert (message.document.content, message.text) == (b"%PDF-1.7 ...", "")


async def test_a_document_that_is_too_large_for_telegram_is_told_as_such(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    # The server in front of the Bot API sends 413, usually as a page in HTML.
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


# --- Chat actions -----------------------------------------------------------------------------------------------------


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


async def test_an_action_can_be_shown_only_of_what_takes_longer(
    bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    async with sending.showing_action(bot, place(chat), ChatAction.TYPING, after=60):
        await sent(bot, chat)
    assert telegram.calls_of("sendChatAction") == []
    async with sending.showing_action(bot, place(chat), ChatAction.TYPING, after=0.01):
        await telegram.wait_until(lambda: telegram.calls_of("sendChatAction") or None)


async def test_an_action_that_fails_stops_nothing(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    telegram.faults.server_error(method="sendChatAction")
    async with sending.showing_action(bot, place(chat), ChatAction.UPLOAD_DOCUMENT):
        await telegram.wait_until(lambda: telegram.calls_of("sendChatAction") or None)
        await sent(bot, chat)
    assert len(chat.messages) == 1


async def first(changes: AsyncIterator[Any], count: int) -> AsyncIterator[ActionShown]:
    """Return the first chat actions in a stream of changes."""
    async for change in changes:
        if isinstance(change, ActionShown):
            yield change
            count -= 1
            if not count:
                return
