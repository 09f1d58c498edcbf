"""Talking to the bot as a person does, and waiting for what it says."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.telegram import Chat, Message, Person
from tests.chat.fakes import TOKEN


def from_bot(*parts: str) -> Callable[[Message], bool]:
    """Whether a message is the bot's and holds all these words."""
    return lambda message: message.sender.is_bot and all(part in plain(message) for part in parts)


def plain(message: Message) -> str:
    """The text with ordinary blanks, for sums in German."""
    return message.text.replace("\N{NO-BREAK SPACE}", " ")


async def ask(person: Person, chat: Chat, text: str, *parts: str, topic: int | None = None) -> Message:
    """Say something and wait for the bot's answer that holds these words."""
    sent = person.send(chat, text, topic=topic)
    return await chat.wait_for(from_bot(*parts), after=sent)


async def answers(person: Person, chat: Chat, text: str) -> list[str]:
    """Say something and give all that the bot says to it: what it says to /help afterwards marks the end."""
    sent = person.send(chat, text)
    end = await ask(person, chat, "/help", "/unlink")
    return [plain(m) for m in chat.messages if m.sender.is_bot and sent.id < m.id < end.id]


async def link(person: Person, chat: Chat) -> Message:
    """Link the chat; the answer is the greeting."""
    return await ask(person, chat, f"/link {TOKEN}", "✅")


def said(chat: Chat) -> list[str]:
    """All that the bot has said and is still to be seen."""
    return [plain(message) for message in chat.messages if message.sender.is_bot]
