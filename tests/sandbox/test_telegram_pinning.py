"""Pinned messages, through python-telegram-bot."""

from __future__ import annotations

import pytest
from telegram import Bot
from telegram.error import BadRequest

from bot.sandbox.telegram import Chat, Person


async def test_a_pinned_message_is_on_top_and_a_service_message_says_so_once(bot: Bot, chat: Chat) -> None:
    first, second = [await bot.send_message(chat.id, text) for text in ("one", "two")]
    for message in (first, second, first):
        assert await bot.pin_chat_message(chat.id, message.message_id, disable_notification=True)
    assert [message.text for message in chat.pinned] == ["one", "two"]
    said = [message for message in chat.messages if "pinned_message" in message.service]
    assert [message.silent for message in said] == [True, True]
    updates = await bot.get_updates(timeout=1)
    pinned = [u.message.pinned_message for u in updates if u.message and u.message.pinned_message]
    assert [message.message_id for message in pinned] == [first.message_id, second.message_id]


async def test_one_is_unpinned_by_its_id_or_the_latest_and_by_its_deletion(bot: Bot, chat: Chat) -> None:
    one, two, three = [await bot.send_message(chat.id, text) for text in ("one", "two", "three")]
    for message in (one, two, three):
        await bot.pin_chat_message(chat.id, message.message_id)
    await bot.unpin_chat_message(chat.id, message_id=one.message_id)
    await bot.unpin_chat_message(chat.id)
    assert [message.id for message in chat.pinned] == [two.message_id]
    await bot.delete_message(chat.id, two.message_id)
    assert chat.pinned == []
    with pytest.raises(BadRequest, match="essage to unpin not found"):
        await bot.unpin_chat_message(chat.id)
    with pytest.raises(BadRequest, match="essage to pin not found"):
        await bot.pin_chat_message(chat.id, 999)


async def test_a_group_may_let_only_its_administrators_pin(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "member")
    sent = await bot.send_message(group.id, "one")
    group.pinning_restricted = True
    with pytest.raises(BadRequest, match="ot enough rights to manage pinned messages"):
        await bot.pin_chat_message(group.id, sent.message_id)
    ada.set_bot_status(group, "administrator")
    assert await bot.pin_chat_message(group.id, sent.message_id)
