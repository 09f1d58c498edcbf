"""Which chats are not linked: the store knows, and where it does not answer, nobody counts as a stranger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import cast

import pytest

from bot.chat import strangers
from bot.chat.incoming import Incoming
from bot.chat.strangers import strangers_in
from bot.errors import StoreAway
from bot.ports import ChatStore

LINKED = 5
UPDATES = [Incoming({"update_id": n, "message": {"chat": {"id": n}}}) for n in (4, LINKED)]
UPDATES.append(Incoming({"update_id": 6}))


class Chats:
    """A store that may fail, or not answer."""

    def __init__(self, failure: Exception | None = None, *, silent: bool = False) -> None:
        self._failure = failure
        self._silent = silent

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        if self._silent:
            await asyncio.sleep(3600)
        if self._failure:
            raise self._failure
        return {LINKED} & set(chat_ids)


async def strangers_of(chats: Chats, updates: list[Incoming] = UPDATES) -> set[int]:
    return set(await strangers_in(cast("ChatStore", chats))(updates))


async def test_strangers_are_the_chats_that_are_not_linked() -> None:
    assert await strangers_of(Chats()) == {4}


async def test_without_a_chat_the_store_is_not_asked() -> None:
    assert await strangers_of(Chats(StoreAway()), [Incoming({"update_id": 6})]) == set()


@pytest.mark.parametrize("failure", [StoreAway(), OSError("the disk is full")])
async def test_where_the_store_fails_updates_are_taken_as_ever(failure: Exception) -> None:
    assert await strangers_of(Chats(failure)) == set()


async def test_a_store_that_does_not_answer_holds_up_no_update_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "STORE_TIMEOUT", 0.01)
    assert await strangers_of(Chats(silent=True)) == set()
