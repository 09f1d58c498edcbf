"""Answers are retried during flood limits and without a connection. Alerts are left to the alert sender."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from telegram import Bot, CallbackQuery, Chat as LibraryChat, Message, User

from bot.chat import sending
from bot.chat.context import Context
from bot.chat.texts import load_translations
from bot.domain.chats import Chat as StoredChat
from bot.errors import DeliveryUncertain, FloodLimited, NotSent
from bot.ports import Document
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings
from tests.chat.conversation import ask
from tests.chat.fakes import TOKEN
from tests.chat.messages import HELLO, OTHER, place
from tests.chat.waits import Waits


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def context(bot: Bot, chat: Chat, ada: Person, settings: Settings, waits: Waits) -> Context:
    t = load_translations(settings.currency, settings.zone)["en"]
    return Context(bot, StoredChat(chat.id), place(chat), ada.user.id, True, lambda _: t, [], None, sleep=waits)


async def test_an_answer_waits_as_long_as_a_flood_limit_asks(
    context: Context, telegram: SandboxTelegram, chat: Chat, waits: Waits
) -> None:
    telegram.faults.flood(7, times=2)
    await context.reply(HELLO)
    assert [message.text for message in chat.messages] == ["Hello"]
    assert waits == [7, 7]


@pytest.mark.parametrize(("seconds", "waited"), [(5, [5, 5, 5]), (31, [])])
async def test_an_answer_waits_neither_too_often_nor_too_long(
    context: Context, telegram: SandboxTelegram, waits: Waits, seconds: int, waited: list[float]
) -> None:
    telegram.faults.flood(seconds, times=None)
    with pytest.raises(FloodLimited):
        await context.reply(HELLO)
    assert waits == waited


async def test_a_file_that_meets_a_flood_limit_arrives_whole_and_once(
    context: Context, telegram: SandboxTelegram, chat: Chat, waits: Waits
) -> None:
    telegram.faults.flood(3, method="sendDocument")
    await context.send_document(Document("Rechnung-1.pdf", BytesIO(b"%PDF-1.7 all"), 12))
    (message,) = chat.messages
    assert message.document is not None
    assert message.document.content == b"%PDF-1.7 all"
    assert waits == [3]


async def pressed(context: Context, chat: Chat, ada: Person) -> Any:
    """Turn the context into that of a press of the button below a message of the bot."""
    message = chat.message(await sending.send(context.bot, place(chat), HELLO))
    assert message is not None
    shown = Message(message.id, datetime.now(UTC), LibraryChat(chat.id, "private"))
    shown.set_bot(context.bot)
    press = ada.press(message, "Press")
    context.message = shown
    context.query = CallbackQuery(press.id, User(ada.user.id, "Ada", False), "0", shown)
    context.query.set_bot(context.bot)
    return press


async def test_a_screen_and_the_end_of_the_spinner_wait_too(
    context: Context, telegram: SandboxTelegram, chat: Chat, ada: Person, waits: Waits
) -> None:
    press = await pressed(context, chat, ada)
    telegram.faults.flood(2, method="editMessageText")
    telegram.faults.flood(4, method="answerCallbackQuery")
    await context.show(OTHER)
    assert await context.answer_press()
    await press.answered()
    assert [message.text for message in chat.messages] == ["Other"]
    assert waits == [2, 4]


async def test_what_found_no_connection_is_tried_once_more(waits: Waits) -> None:
    assert await sending.retry_unsent(failing(NotSent()), waits) == "sent"
    with pytest.raises(NotSent):
        await sending.retry_unsent(failing(NotSent(), NotSent()), waits)
    assert waits == [sending.RETRY_WAIT] * 2


async def test_what_may_have_arrived_is_not_repeated(waits: Waits) -> None:
    with pytest.raises(DeliveryUncertain):
        await sending.retry_unsent(failing(DeliveryUncertain()), waits)
    assert waits == []


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("method", ["answerCallbackQuery", "editMessageText"])
async def test_a_press_is_answered_although_a_connection_broke(
    context: Context, telegram: SandboxTelegram, chat: Chat, ada: Person, waits: Waits, method: str, delivered: bool
) -> None:
    press = await pressed(context, chat, ada)
    telegram.faults.cut(delivered=delivered, method=method)
    await context.show(OTHER)
    await context.answer_press()
    await press.answered()
    assert [message.text for message in chat.messages] == ["Other"]
    assert waits == [sending.RETRY_WAIT]


async def test_an_edit_whose_outcome_stays_unknown_is_tried_twice(waits: Waits) -> None:
    with pytest.raises(DeliveryUncertain):
        await sending.retry_unsent(failing(DeliveryUncertain(), DeliveryUncertain()), waits, idempotent=True)
    assert waits == [sending.RETRY_WAIT]


def failing(*errors: Exception) -> Callable[[], Any]:
    """Return a call that fails with these errors, one after the other, and then works."""
    left = list(errors)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "sent"

    return attempt


@pytest.mark.usefixtures("invoice_bot")
async def test_a_flood_limit_takes_no_answer_from_a_person(ada: Person, chat: Chat, telegram: SandboxTelegram) -> None:
    telegram.faults.flood(1, method="sendMessage")  # the shortest there is
    await ask(ada, chat, f"/link {TOKEN}", "✅")


@pytest.mark.usefixtures("invoice_bot")
async def test_a_press_whose_screen_can_not_be_shown_still_ends_its_spinner(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    languages = await ask(ada, chat, "/language", "language")
    telegram.faults.flood(600, method="editMessageText")
    await ada.press(languages, "Deutsch").answered()
