"""Talking to the real bot in the sandbox, between its provider and its Telegram."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.telegram import Chat, Message, Person

TOKEN = "sandbox-token-of-ada-0123456789"
TICK = 0.05


def says(*parts: str) -> Callable[[Message], bool]:
    return lambda message: all(part in message.text for part in parts)


async def ask(chat: Chat, person: Person, text: str, *parts: str) -> Message:
    """Send a message and wait for the bot's answer to it."""
    sent = person.send(chat, text)
    return await chat.wait_for(lambda m: m.sender is not person.user and all(p in m.text for p in parts), after=sent)
