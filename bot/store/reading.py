"""Chats that can't be read: they are logged, and hold up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from bot.errors import ChatUnreadable
from bot.store.backend import FoundChat, StoredGlance

log = structlog.get_logger()

T = TypeVar("T")
F = TypeVar("F", bound=FoundChat | StoredGlance)


def readable(event: str, found: Iterable[F], read: Callable[[F], T], said: set[int] | None = None) -> list[T]:
    """Read chats. Log those that can't be read, so that they hold up no other. ``said``: those that were logged."""
    results = []
    for chat in found:
        try:
            results.append(read(chat))
        except Exception as error:  # noqa: BLE001  # it is logged
            note_unreadable(event, chat.id, error, said)
    return results


def note_unreadable(event: str, chat_id: int, error: Exception, said: set[int] | None = None) -> None:
    if not isinstance(error, ChatUnreadable):
        log.error(event, chat=chat_id, exc_info=error)
    elif said is None or chat_id not in said:
        log.error(event, chat=chat_id, reason=error.reason)
    if said is not None:
        said.add(chat_id)
