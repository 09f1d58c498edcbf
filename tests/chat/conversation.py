"""Talking to the bot as a person does, and waiting for what it says."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.telegram import Chat, Message, Person
from tests.chat.fakes import TOKEN


def from_bot(*parts: str) -> Callable[[Message], bool]:
    """Whether a message is the bot's and holds all these words."""
    return lambda message: message.sender.is_bot and all(part in plain(message) for part in parts)


def plain(message: Message) -> str:
    """Return the text with ordinary spaces, for sums in German."""
    return message.text.replace("\N{NO-BREAK SPACE}", " ")


async def ask(person: Person, chat: Chat, text: str, *parts: str, topic: int | None = None) -> Message:
    """Say something and wait for the bot's answer that holds these words."""
    sent = person.send(chat, text, topic=topic)
    return await chat.wait_for(from_bot(*parts), after=sent)


async def answers(person: Person, chat: Chat, text: str) -> list[str]:
    """Say something and return all of the bot's answers to it. The answer to a later /help marks their end."""
    sent = person.send(chat, text)
    end = await ask(person, chat, "/help", "/unlink")
    return [plain(m) for m in chat.messages if m.sender.is_bot and sent.id < m.id < end.id]


async def link(person: Person, chat: Chat) -> Message:
    """Link the chat and return the greeting."""
    return await ask(person, chat, f"/link {TOKEN}", "✅")


def said(chat: Chat) -> list[str]:
    """Return all of the bot's messages that are still there."""
    return [plain(message) for message in chat.messages if message.sender.is_bot]
