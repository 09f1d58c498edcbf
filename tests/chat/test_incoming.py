"""An update's chat is known before it is read, and whatever it holds, it can be taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from telegram import Update

from bot.chat.incoming import Incoming
from bot.sandbox.telegram import Chat, Person, SandboxTelegram

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(["message", "my_chat_member", "callback_query", "poll"])


def all_updates(telegram: SandboxTelegram) -> list[dict[str, Any]]:
    return [update for _, _, update in telegram.state.updates._pending]


async def test_the_chat_is_that_of_the_update_that_the_library_reads(
    telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    group = ada.create_group("Flat")
    ada.set_bot_status(group, "administrator")
    ada.send(group, "/status")
    question = ada.send(chat, "/start")
    ada.forge(question, "yes:1")
    ada.block()
    found = [Incoming(content) for content in all_updates(telegram)]
    read = [update.read() for update in found]
    assert [update.chat_id for update in found] == [one.effective_chat and one.effective_chat.id for one in read]
    assert [update.is_said_once for update in found] == [one.my_chat_member is not None for one in read]
    assert {update.chat_id for update in found} == {group.id, chat.id}
    assert {update.person_id for update in found} == {ada.id}
    assert [update.id for update in found] == [one.update_id for one in read]


@given(KINDS, JSON)
def test_an_update_that_cannot_be_read_is_an_empty_one(kind: str, content: object) -> None:
    found = Incoming({"update_id": 7, kind: content})
    assert found.chat_id is None or isinstance(found.chat_id, int)
    assert found.read().update_id == 7


@pytest.mark.parametrize("chat", [None, {}, {"id": None}, {"id": "no number"}, [], 5])
def test_an_update_without_a_readable_chat_belongs_to_none(chat: object) -> None:
    found = Incoming({"update_id": 7, "message": {"chat": chat}})
    assert (found.chat_id, found.person_id) == (None, None)
    assert found.read() == Update(7)


def test_what_has_no_id_is_no_update() -> None:
    with pytest.raises(KeyError):
        Incoming({"message": {}})
