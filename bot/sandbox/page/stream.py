"""The live picture: all there is to see at first, then every change, as server-sent events.

``world`` is everything but the messages, sent whole whenever any of it has changed; ``messages`` all of them, once;
then ``message`` is a new or an edited one, and ``deleted``, ``action``, ``pressed`` and ``answered`` tell what happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec

from bot.sandbox.page.controls import Controls
from bot.sandbox.page.snapshot import Json, bot_json, chat_json, message_json, person_json
from bot.sandbox.telegram import (
    ActionShown,
    ButtonPressed,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    PressAnswered,
)

LOOK = 0.25
"""Seconds between two looks at what tells nobody of its changes: the provider's books, faults, the clock."""


async def events(controls: Controls, run: str) -> AsyncIterator[bytes]:
    """The stream for one page; ``run`` tells this process from an earlier one on the same address."""
    demo = controls.demo
    with demo.sandbox.telegram.subscribe() as changes:
        seen = world(controls, run)
        yield _event("world", seen)
        yield _event("messages", [message_json(message) for chat in demo.chats for message in chat.messages])
        while True:
            change: Event | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    change = await anext(changes)
            now = world(controls, run)
            if now != seen:  # first, so that no message comes before its chat
                seen = now
                yield _event("world", seen)
            told = None if change is None else happening(change)
            if told is not None:
                yield _event(*told)


def world(controls: Controls, run: str) -> Json:
    """Everything but the messages. ``ahead`` is the time put forward, in milliseconds."""
    demo = controls.demo
    sandbox = demo.sandbox
    return {
        "run": run,
        "ahead": round(sandbox.clock.ahead.total_seconds() * 1000),
        "zone": sandbox.provider.zone.key,
        "token": demo.account.token,
        "bot": bot_json(demo),
        "people": [person_json(demo, person) for person in demo.people],
        "chats": [chat_json(demo, chat) for chat in demo.chats],
        "faults": controls.faults(),
        "payers": sorted(controls.payers()),
    } | controls.books()


def happening(change: Event) -> tuple[str, Any] | None:
    """The name and the content of the event that tells of a change; None where nobody sees it."""
    match change:
        case MessageSent(message=message) | MessageEdited(message=message):
            return "message", message_json(message)
        case MessageDeleted(chat=chat, message=message):
            return "deleted", {"chat": chat.id, "id": message.id}
        case ActionShown(chat=chat, action=action):
            return "action", {"chat": chat.id, "action": action}
        case ButtonPressed(chat=chat, press=press):
            about = {"person": press.user.id, "chat": chat.id, "message": press.message.id, "data": press.data}
            return "pressed", {"press": press.id} | about
        case PressAnswered(press=press) if press.answer is not None:
            answer = press.answer
            said = {"text": answer.text, "alert": answer.show_alert, "url": answer.url}
            return "answered", {"press": press.id, "person": press.user.id} | said
        case _:
            return None


def _event(name: str, content: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(content))
