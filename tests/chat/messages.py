"""Shared by the tests of sending: two screens, and what happens to a message."""

from __future__ import annotations

import pytest
from markupsafe import Markup
from telegram import Bot

from bot.chat import sending
from bot.chat.screens import Button, Screen
from bot.domain.chats import Place
from bot.errors import MessengerError
from bot.sandbox.telegram import Chat, Message

HELLO = Screen(Markup("<b>Hello</b>"), [[Button("Press", "press:1")]])
OTHER = Screen(Markup("<i>Other</i>"))


def place(chat: Chat, topic: int | None = None) -> Place:
    return Place(chat.id, topic)


async def sent(bot: Bot, chat: Chat) -> Message:
    """Send a message and return it as the chat shows it."""
    found = chat.message(await sending.send(bot, place(chat), HELLO))
    assert found is not None
    return found


async def failure(bot: Bot, chat: Chat) -> MessengerError:
    """Send a message that must fail, and return its error."""
    with pytest.raises(MessengerError) as caught:
        await sending.send(bot, place(chat), HELLO)
    return caught.value
