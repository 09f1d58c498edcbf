"""Stream the state to the page, as server-sent events: first all of it, then every change.

``world`` is everything but the messages. It is sent whole whenever any part of it has changed. ``messages`` are all
messages, sent once. After that, ``message`` is a new or edited one; ``deleted``, ``action``, ``pressed`` and
``answered`` are other events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec

from bot.sandbox.page.controls import Controls
from bot.sandbox.page.snapshot import message_json, world_json
from bot.sandbox.telegram import (
    ActionShown,
    ButtonPressed,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    PressAnswered,
)

POLL_INTERVAL = 0.25
"""Seconds between two comparisons of the state, since the ledger, the faults and the clock publish no events."""


async def events(controls: Controls, run: str) -> AsyncIterator[bytes]:
    """Stream to one page. ``run`` distinguishes this process from earlier ones at the same address."""
    demo = controls.demo
    with demo.sandbox.telegram.subscribe() as subscription:
        sent = world_json(controls, run)
        yield _event("world", sent)
        yield _event("messages", [message_json(message) for chat in demo.chats for message in chat.messages])
        while True:
            event: Event | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_INTERVAL):
                    event = await anext(subscription)
            now = world_json(controls, run)
            if now != sent:  # first, so that no message comes before its chat
                sent = now
                yield _event("world", sent)
            shown = None if event is None else event_json(event)
            if shown is not None:
                yield _event(*shown)


def event_json(event: Event) -> tuple[str, Any] | None:
    """Return the name and content of an event for the page; None if the page does not show it."""
    match event:
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
            content = {"text": answer.text, "alert": answer.show_alert, "url": answer.url}
            return "answered", {"press": press.id, "person": press.user.id} | content
        case _:
            return None


def _event(name: str, content: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(content))
