"""What can happen in the sandbox's Telegram."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.event_bus import Event
from bot.sandbox.telegram.models import Chat, Message
from bot.sandbox.telegram.presses import Press


@dataclass(frozen=True, slots=True)
class MessageSent(Event):
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited(Event):
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted(Event):
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class ActionShown(Event):
    """The bot shows for some seconds that it is doing something, such as ``upload_document``."""

    chat: Chat
    action: str
    topic_id: int | None


@dataclass(frozen=True, slots=True)
class ButtonPressed(Event):
    chat: Chat
    press: Press


@dataclass(frozen=True, slots=True)
class PressAnswered(Event):
    """The button's spinner ends, with a toast or an alert if ``press.answer`` has a text."""

    chat: Chat
    press: Press


@dataclass(frozen=True, slots=True)
class MembershipChanged(Event):
    """The bot was blocked, unblocked, added, removed, promoted, …, or the group was upgraded."""

    chat: Chat


@dataclass(frozen=True, slots=True)
class CommandsChanged(Event):
    pass


@dataclass(frozen=True, slots=True)
class UpdatesConfirmed(Event):
    """Some updates left the queue."""


@dataclass(frozen=True, slots=True)
class CallMade(Event):
    """The bot called the API."""

    call: Call


@dataclass(frozen=True, slots=True)
class CallAnswered(Event):
    """The call came to its end: an answer, a refusal, or a fault that keeps it from both."""

    call: Call
