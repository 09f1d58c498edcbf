"""/unlink, its question, and the one link that it concerns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.sandbox.telegram import Chat, Person
from bot.store.store import Store
from tests.chat.conversation import ask, link
from tests.chat.fakes import Time

pytestmark = pytest.mark.usefixtures("invoice_bot")


async def linked(store: Store, chat: Chat) -> bool:
    return (await store.chat(chat.id)).link is not None


async def test_unlinking_asks_and_then_forgets(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    assert await linked(store, chat)
    await ada.press(question, "🗑 Remove the link").answered()
    assert "The link is gone" in question.text
    assert question.buttons == []
    assert not await linked(store, chat)


async def test_unlinking_can_be_thought_better_of(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    await ada.press(question, "Leave it as it is").answered()
    assert question.text == "Everything stays as it is."
    assert await linked(store, chat)


async def test_an_old_question_can_not_remove_a_later_link(ada: Person, chat: Chat, store: Store, time: Time) -> None:
    await link(ada, chat)
    old = await ask(ada, chat, "/unlink", "Remove the link?")
    time.forward(timedelta(days=1))
    await link(ada, chat)
    answer = await ada.press(old, "🗑 Remove the link").answered()
    assert (answer.text, answer.show_alert) == ("This button no longer works. Please use the command again.", True)
    assert old.buttons == []
    assert await linked(store, chat)
    new = await ask(ada, chat, "/unlink", "Remove the link?")
    await ada.press(new, "🗑 Remove the link").answered()
    assert not await linked(store, chat)


@pytest.mark.parametrize("data", ["unlink", "unlink:yes", "unlink:yes:", "unlink:yes:1", "unlink:maybe"])
async def test_a_made_up_answer_removes_nothing(ada: Person, chat: Chat, store: Store, data: str) -> None:
    await link(ada, chat)
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    answer = await ada.forge(question, data).answered()
    assert "no longer works" in answer.text
    assert await linked(store, chat)


async def test_unlinking_twice_is_no_harm(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    first, second = ada.press_twice_delivered(question, "🗑 Remove the link")
    await first.answered()
    await second.answered()
    assert "The link is gone" in question.text
    await ask(ada, chat, "/unlink", "not linked")
