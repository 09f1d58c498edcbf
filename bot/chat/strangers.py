"""Which chats are not linked, asked before their updates are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

import structlog

from bot.chat.incoming import Incoming
from bot.ports import ChatStore

log = structlog.get_logger()

STORE_TIMEOUT = 1.0
"""Seconds."""

StrangersAmong = Callable[[Iterable[Incoming]], Awaitable[Collection[int]]]
"""Returns the ids of the chats of these updates that are not linked."""


async def nobody(_: Iterable[Incoming]) -> Collection[int]:
    """Count nobody as a stranger."""
    return ()


def strangers_in(chats: ChatStore) -> StrangersAmong:
    """Return a function that asks the store. If it does not answer soon, nobody counts as a stranger."""

    async def strangers_among(updates: Iterable[Incoming]) -> Collection[int]:
        asked = {update.chat_id for update in updates if update.chat_id is not None}
        if not asked:
            return asked
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                return asked - await chats.linked_among(asked)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the store, updates are taken
            log.debug("nobody knows which chats are linked", reason=type(error).__name__)
            return ()

    return strangers_among
