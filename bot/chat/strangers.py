"""Which chats are not linked, asked before their updates are taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable

from bot.chat.incoming import Incoming
from bot.errors import StoreAway
from bot.ports import ChatStore

StrangersAmong = Callable[[Iterable[Incoming]], Awaitable[Collection[int]]]
"""Returns the ids of the chats of these updates that are not linked."""


async def nobody(_: Iterable[Incoming]) -> Collection[int]:
    """Count nobody as a stranger."""
    return ()


def strangers_in(chats: ChatStore) -> StrangersAmong:
    """Return a function that asks the store. While it is away nobody counts as a stranger."""

    async def strangers_among(updates: Iterable[Incoming]) -> Collection[int]:
        asked = {update.chat_id for update in updates if update.chat_id is not None}
        try:
            return asked - await chats.linked_among(asked) if asked else asked
        except StoreAway:
            return ()

    return strangers_among
