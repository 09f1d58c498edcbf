"""Requests to act as a person in the chat app, as forms in JSON. The stream shows their effect.

An action that Telegram's apps don't offer raises :class:`PermissionError` or :class:`LookupError`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from bot.sandbox.page.controls import Controls
from bot.sandbox.telegram import Chat, Message


class Write(Struct):
    """Write to a chat. In a private chat, the first message starts the bot."""

    person: int
    chat: int
    text: Annotated[str, Meta(min_length=1, max_length=4096)]
    reply: int | None = None
    topic: int | None = None

    def do(self, controls: Controls) -> None:
        chat = controls.demo.chat(self.chat)
        reply = None if self.reply is None else message_in(chat, self.reply)
        controls.demo.person(self.person).send(chat, self.text, topic=self.topic, reply_to=reply)


class Press(Struct):
    """Press the button with this callback data."""

    person: int
    chat: int
    message: int
    data: str

    def do(self, controls: Controls) -> None:
        message = message_in(controls.demo.chat(self.chat), self.message)
        controls.note_press(self.person)
        controls.demo.person(self.person).press(message, self.data)


class Block(Struct):
    """Block or unblock the bot."""

    person: int
    blocked: bool

    def do(self, controls: Controls) -> None:
        person = controls.demo.person(self.person)
        if self.blocked:
            person.block()
        else:
            person.unblock()


class Administer(Struct):
    """Change the bot's membership in a group, or the group itself, as its administrator."""

    person: int
    chat: int
    action: Literal["add", "promote", "remove", "upgrade", "topic"]

    def do(self, controls: Controls) -> None:
        person, chat = controls.demo.person(self.person), controls.demo.chat(self.chat)
        match self.action:
            case "add":
                person.set_bot_status(chat, "member")
            case "promote":
                person.set_bot_status(chat, "administrator")
            case "remove":
                person.set_bot_status(chat, "kicked")
            case "upgrade":
                person.upgrade(chat)
            case "topic":
                person.open_topic(chat, f"Invoices {max(len(chat.topics), 1)}")


def message_in(chat: Chat, message_id: int) -> Message:
    """Return a message. Raise :class:`LookupError` if the chat has none with this id."""
    message = chat.message(message_id)
    if message is None:
        raise LookupError(f"no message {message_id} in {chat}")
    return message
