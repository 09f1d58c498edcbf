"""The messenger's port over Telegram: alerts and payments, in the chat's language, where they belong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.application import build_telegram
from bot.chat.messenger import TelegramMessenger
from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Place
from bot.domain.payments import Outcome, Payment, State
from bot.errors import ChatGone, NotSent
from bot.ports import Claim, Delivery
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings
from tests.chat.samples import NOW, PHRASEBOOK, linked_chat, payment

KNOWN = KnownInvoice(4711, True, date(2026, 11, 27), Decimal("7.95"), Decimal("7.95"), "Server")


@pytest.fixture
async def messenger(settings: Settings) -> AsyncIterator[TelegramMessenger]:
    async with build_telegram(settings).bot as bot:
        yield TelegramMessenger(bot, PHRASEBOOK)


def delivery(place: Place, kind: AlertKind, language: str = "en") -> Delivery:
    about_account = kind in {AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING}
    alert = Alert("1", place, "account", kind, NOW - timedelta(hours=1), None if about_account else KNOWN.id)
    chat = replace(linked_chat(), language=language)
    return Delivery(Claim("1", 1), alert, chat, None if about_account else KNOWN, again=False)


@pytest.mark.parametrize(
    ("kind", "silent"),
    [
        (AlertKind.NEW, True),
        (AlertKind.DUE, False),
        (AlertKind.OVERDUE, False),
        (AlertKind.TOKEN_REFUSED, False),
        (AlertKind.PERMISSION_MISSING, False),
    ],
)
async def test_what_has_time_comes_without_a_sound(
    messenger: TelegramMessenger, chat: Chat, kind: AlertKind, *, silent: bool
) -> None:
    await messenger.send_alert(delivery(Place(chat.id), kind), NOW)
    assert [message.silent for message in chat.messages] == [silent]


async def test_a_new_invoice_that_is_due_soon_rings(messenger: TelegramMessenger, chat: Chat) -> None:
    new = delivery(Place(chat.id), AlertKind.NEW)
    await messenger.send_alert(replace(new, alert=replace(new.alert, threshold=1)), NOW)
    assert [message.silent for message in chat.messages] == [False]


async def test_an_alert_speaks_the_chats_language(messenger: TelegramMessenger, chat: Chat) -> None:
    for language in PHRASEBOOK:
        await messenger.send_alert(delivery(Place(chat.id), AlertKind.DUE, language), NOW)
    assert ["is due in 5 days" in chat.messages[0].text, "ist in 5 Tagen fällig" in chat.messages[1].text] == [True] * 2


async def test_an_alert_goes_to_the_topic_of_the_link(messenger: TelegramMessenger, ada: Person) -> None:
    forum = ada.create_group("Forum", forum=True)
    ada.set_bot_status(forum, "member")
    topic = forum.add_topic("Invoices")
    await messenger.send_alert(delivery(Place(forum.id, topic), AlertKind.DUE), NOW)
    assert [message.topic_id for message in forum.messages] == [topic]


async def test_an_alert_to_somebody_who_blocked_the_bot_fails_for_good(
    messenger: TelegramMessenger, ada: Person, chat: Chat
) -> None:
    ada.block()
    with pytest.raises(ChatGone):
        await messenger.send_alert(delivery(Place(chat.id), AlertKind.DUE), NOW)


def confirmed(chat: Chat, message_id: int | None) -> Payment:
    return payment(place=Place(chat.id), message_id=message_id, state=State.CONFIRMED)


async def test_a_payment_is_shown_step_by_step_in_one_message(messenger: TelegramMessenger, chat: Chat) -> None:
    await messenger.show_payment(confirmed(chat, None), linked_chat())
    (message,) = chat.messages
    assert message.text.startswith("⏳ Paying €7.95")
    done = replace(confirmed(chat, message.id), state=State.ENDED, outcome=Outcome.DONE)
    await messenger.show_payment(done, linked_chat())
    assert chat.messages == [message]
    assert message.text.startswith("✅ Invoice 4711 is paid")


async def test_showing_the_same_step_twice_changes_nothing(messenger: TelegramMessenger, chat: Chat) -> None:
    await messenger.show_payment(confirmed(chat, None), linked_chat())
    (message,) = chat.messages
    await messenger.show_payment(confirmed(chat, message.id), linked_chat())
    assert chat.messages == [message]


async def test_a_payment_whose_message_was_deleted_is_shown_in_a_new_one(
    messenger: TelegramMessenger, ada: Person, chat: Chat
) -> None:
    await messenger.show_payment(confirmed(chat, None), linked_chat())
    (message,) = chat.messages
    ada.delete(message)
    done = replace(confirmed(chat, message.id), state=State.ENDED, outcome=Outcome.DONE)
    await messenger.show_payment(done, linked_chat())
    assert [shown.text.splitlines()[0][:23] for shown in chat.messages] == ["✅ Invoice 4711 is paid:"[:23]]


async def test_an_edit_that_fails_is_not_made_up_for_by_a_second_message(
    messenger: TelegramMessenger, telegram: SandboxTelegram, chat: Chat
) -> None:
    await messenger.show_payment(confirmed(chat, None), linked_chat())
    (message,) = chat.messages
    telegram.token = "1000000001:AAa-new-token-that-the-bot-does-not-have"
    with pytest.raises(NotSent):
        await messenger.show_payment(confirmed(chat, message.id), linked_chat())
    assert chat.messages == [message]
