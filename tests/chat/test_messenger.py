"""The messenger's port over Telegram: alerts and payments, in the right language and the right place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from telegram import Bot

from bot.chat.messenger import TelegramMessenger
from bot.chat.texts import make_texts_for
from bot.domain.alerts import ACCOUNT_SUBJECTS, REMINDER_KINDS, TROUBLE_KINDS, AlertKind
from bot.domain.chats import Loudness, Place, Preferences, Watch
from bot.domain.credit import Credit, CreditWatch
from bot.domain.payments import Outcome, Payment, State
from bot.domain.schedule import CheckPlan
from bot.errors import ChatGone, NotSent
from bot.factories import build_telegram
from bot.ports import Delivery
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from bot.settings import Settings
from tests.chat.deliveries import alert, closed, delivery, known, message
from tests.chat.samples import BERLIN, NOW, TRANSLATIONS, linked_chat, payment

URGENT = REMINDER_KINDS | TROUBLE_KINDS | {AlertKind.NOT_SERVED}
ASKED_FOR = AlertKind.CREDIT_THERE


@pytest.fixture
async def messenger(settings: Settings) -> AsyncIterator[TelegramMessenger]:
    plan = CheckPlan(timedelta(minutes=15), BERLIN)
    async with build_telegram(settings).bot as bot:
        yield TelegramMessenger(bot, make_texts_for(TRANSLATIONS, plan), plan)


@pytest.fixture
async def telegram_bot(settings: Settings) -> AsyncIterator[Bot]:
    async with build_telegram(settings).bot as bot:
        yield bot


def about(place: Place, kind: AlertKind, preferences: Preferences | None = None, **others: Any) -> Delivery:
    """One alert. If its kind concerns an invoice, that is 4711."""
    number = None if kind in ACCOUNT_SUBJECTS else 4711
    invoice = closed() if kind is AlertKind.SETTLED else known()
    chat = replace(linked_chat(), preferences=preferences)
    threshold = 3 if kind in REMINDER_KINDS else None
    return delivery([alert(kind, number, place, **({"threshold": threshold} | others))], [invoice], chat=chat)


async def send(messenger: TelegramMessenger, sent: Delivery) -> int:
    return await messenger.send_alerts(sent, sent.alerts, NOW)


# --- Loud or silent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("loudness", Loudness)
async def test_what_is_due_and_a_refused_token_ring_and_the_rest_is_silent_unless_the_chat_wants_it_otherwise(
    messenger: TelegramMessenger, chat: Chat, kind: AlertKind, loudness: Loudness
) -> None:
    await send(messenger, about(Place(chat.id), kind, Preferences(loudness=loudness)))
    rings = {Loudness.URGENT: kind in URGENT, Loudness.ALL: True, Loudness.NONE: kind is ASKED_FOR}[loudness]
    assert [message.silent for message in chat.messages] == [not rings]


async def test_a_new_invoice_that_is_due_soon_rings(messenger: TelegramMessenger, chat: Chat) -> None:
    await send(messenger, about(Place(chat.id), AlertKind.NEW, threshold=1))
    assert [message.silent for message in chat.messages] == [False]


@pytest.mark.parametrize("loudness", Loudness)
async def test_a_new_invoice_that_is_paid_never_rings(
    messenger: TelegramMessenger, chat: Chat, loudness: Loudness
) -> None:
    loud = replace(linked_chat(), preferences=Preferences(loudness=loudness))
    await send(messenger, delivery([alert(AlertKind.NEW, 4711, Place(chat.id))], [closed()], chat=loud))
    assert [message.silent for message in chat.messages] == [True]


async def test_several_ring_if_one_of_them_does(messenger: TelegramMessenger, chat: Chat) -> None:
    both = [alert(AlertKind.NEW, 1, Place(chat.id)), alert(AlertKind.DUE, 2, Place(chat.id))]
    await send(messenger, delivery(both, [known(1), known(2)]))
    assert [message.silent for message in chat.messages] == [False]


# --- Words and places -----------------------------------------------------------------------------------------------


async def test_an_alert_speaks_the_chats_language(messenger: TelegramMessenger, chat: Chat) -> None:
    for language in TRANSLATIONS:
        spoken = about(Place(chat.id), AlertKind.DUE)
        await send(messenger, replace(spoken, chat=replace(spoken.chat, language=language)))
    assert ["is due in 5 days" in chat.messages[0].text, "ist in 5 Tagen fällig" in chat.messages[1].text] == [True] * 2


async def test_an_alert_speaks_of_times_in_the_chats_zone(messenger: TelegramMessenger, chat: Chat) -> None:
    tokyo = about(Place(chat.id), AlertKind.OUTAGE, Preferences(zone="Asia/Tokyo"))
    await send(messenger, tokyo)
    assert "since 22 Nov 2026, 17:30" in chat.messages[0].text


async def test_the_id_of_the_message_is_given(messenger: TelegramMessenger, chat: Chat) -> None:
    assert await send(messenger, about(Place(chat.id), AlertKind.DUE)) == chat.messages[0].id


@pytest.fixture
def forum(ada: Person) -> Chat:
    forum = ada.create_group("Forum", forum=True)
    ada.set_bot_status(forum, "member")
    return forum


async def test_an_alert_goes_to_the_topic_of_the_link(messenger: TelegramMessenger, forum: Chat) -> None:
    topic = forum.add_topic("Invoices")
    await send(messenger, about(Place(forum.id, topic), AlertKind.DUE))
    assert [message.topic_id for message in forum.messages] == [topic]


@pytest.mark.parametrize("state", ["closed", "deleted"])
async def test_an_alert_to_a_topic_that_is_closed_or_gone_goes_to_the_chat_itself(
    messenger: TelegramMessenger, forum: Chat, state: str
) -> None:
    topic = forum.add_topic("Invoices")
    setattr(forum.topics[topic], state, True)
    await send(messenger, about(Place(forum.id, topic), AlertKind.DUE))
    assert [(m.topic_id, "is due" in m.text) for m in forum.messages] == [(None, True)]


async def test_an_alert_to_somebody_who_blocked_the_bot_fails_for_good(
    messenger: TelegramMessenger, ada: Person, chat: Chat
) -> None:
    ada.block()
    with pytest.raises(ChatGone):
        await send(messenger, about(Place(chat.id), AlertKind.DUE))


# --- Settled --------------------------------------------------------------------------------------------------------


async def test_that_an_invoice_is_settled_is_a_reply_to_the_last_message_about_it(
    messenger: TelegramMessenger, ada: Person, chat: Chat
) -> None:
    place = Place(chat.id)
    ids = [await send(messenger, about(place, kind)) for kind in (AlertKind.NEW, AlertKind.DUE)]
    said = [message((known(), AlertKind.NEW), number=number, place=place) for number in ids]
    settled = replace(about(place, AlertKind.SETTLED), sent=[*said, message((known(8), AlertKind.NEW), number=99)])
    await send(messenger, settled)
    assert chat.messages[-1].reply_to is chat.messages[1]
    ada.delete(chat.messages[1])
    await send(messenger, settled)
    assert chat.messages[-1].text.startswith("✅ Invoice 4711 is paid")
    assert chat.messages[-1].reply_to is None


async def test_several_reply_to_nothing(messenger: TelegramMessenger, chat: Chat) -> None:
    place = Place(chat.id)
    first = await send(messenger, about(place, AlertKind.NEW))
    both = [alert(AlertKind.SETTLED, 4711, place), alert(AlertKind.DUE, 2, place)]
    sent = [message((known(), AlertKind.NEW), number=first, place=place)]
    await send(messenger, delivery(both, [closed(), known(2)], sent=sent))
    assert chat.messages[-1].reply_to is None


async def test_an_earlier_message_is_struck_through_and_loses_its_buttons(
    messenger: TelegramMessenger, chat: Chat
) -> None:
    place = Place(chat.id)
    number = await send(messenger, about(place, AlertKind.DUE))
    earlier = message((known(), AlertKind.DUE), number=number, place=place)
    settled = replace(about(place, AlertKind.SETTLED), sent=[earlier])
    for _ in range(2):  # twice does no harm
        await messenger.resolve(earlier, settled)
    (shown,) = chat.messages
    assert shown.text.endswith("✅ Paid")
    assert {entity.type for entity in shown.entities} >= {"strikethrough"}
    assert shown.buttons == []


async def test_an_earlier_message_that_was_deleted_or_is_not_known_is_let_be(
    messenger: TelegramMessenger, ada: Person, chat: Chat
) -> None:
    place = Place(chat.id)
    number = await send(messenger, about(place, AlertKind.DUE))
    ada.delete(chat.messages[0])
    for gone in (number, None):
        earlier = message((known(), AlertKind.DUE), number=gone, place=place)
        await messenger.resolve(earlier, replace(about(place, AlertKind.SETTLED), sent=[earlier]))
    assert chat.messages == []


@pytest.mark.parametrize("loudness", Loudness)
async def test_what_the_credit_covers_comes_without_a_sound_and_what_it_does_not_cover_rings_as_chosen(
    messenger: TelegramMessenger, chat: Chat, loudness: Loudness
) -> None:
    place, silent = Place(chat.id), []
    for amount in ("6.95", "6.94"):
        credit = CreditWatch(Credit(Decimal(amount)), NOW, read_at=NOW)
        preferences = Preferences(loudness=loudness)
        linked = replace(linked_chat(watch=Watch(NOW), credit=credit), preferences=preferences)
        due = alert(AlertKind.DUE, 4711, place, threshold=3, due=known().due)
        await send(messenger, delivery([due], [known()], chat=linked))
        silent.append(chat.messages[-1].silent)
    assert silent == [True, loudness is Loudness.NONE]


async def test_a_silent_reminder_is_a_line_in_the_earlier_message(messenger: TelegramMessenger, chat: Chat) -> None:
    place = Place(chat.id)
    number = await send(messenger, about(place, AlertKind.NEW))
    (shown,) = chat.messages
    earlier = message((known(), AlertKind.NEW), number=number, place=place)
    due = delivery([alert(AlertKind.DUE, 4711, place, threshold=3)], [known()])
    buttons = [button.data for button in shown.buttons]
    assert await messenger.remind_silently(earlier, due, due.alerts, NOW)
    assert shown.text.endswith("\n💶 Due in 5 days: the credit covers it.")
    assert [button.data for button in shown.buttons] == buttons
    for out_of_reach in (None, 99):
        assert not await messenger.remind_silently(replace(earlier, message_id=out_of_reach), due, due.alerts, NOW)


async def test_the_pinned_message_is_sent_silently_pinned_edited_and_taken_away(
    messenger: TelegramMessenger, chat: Chat, ada: Person
) -> None:
    wanted = delivery(
        [alert(AlertKind.BOARD, place=Place(chat.id))], [known()], chat=replace(linked_chat(), id=chat.id)
    )
    board = await messenger.send_board(wanted, NOW)
    (shown,) = chat.messages
    assert (shown.silent, shown.buttons, chat.pinned) == (True, [], [])
    for _ in range(2):
        assert await messenger.pin_board(board, wanted.chat)
    assert chat.pinned == [shown]
    assert await messenger.edit_board(replace(board, is_pinned=False), wanted, NOW)
    assert shown.text.endswith("here. An administrator can allow it, or pin this message.")
    shown.date -= timedelta(days=3)
    await messenger.remove_board(board, wanted.chat)
    assert (shown.text, chat.pinned) == ("📌 This message is no longer kept up to date.", [])
    ada.delete(shown)
    assert not await messenger.edit_board(board, wanted, NOW)
    assert not await messenger.pin_board(board, wanted.chat)
    await messenger.remove_board(board, wanted.chat)


async def test_an_earlier_message_is_deleted_for_two_days_and_then_becomes_a_line(
    messenger: TelegramMessenger, chat: Chat, ada: Person
) -> None:
    place = Place(chat.id)
    numbers = [await send(messenger, about(place, AlertKind.DUE)) for _ in range(3)]
    young, gone, old = (message((known(), AlertKind.DUE), number=number, place=place) for number in numbers)
    assert await messenger.delete(young)
    assert await messenger.delete(young)
    ada.delete(chat.messages[0])
    assert await messenger.delete(gone)
    chat.messages[0].date -= timedelta(hours=48, seconds=1)
    assert not await messenger.delete(old)
    await messenger.resolve(old.folding({4711}), about(place, AlertKind.DUE))
    (shown,) = chat.messages
    assert (shown.text, shown.buttons) == ("↓ Invoice 4711: see further below.", [])


# --- Payments -------------------------------------------------------------------------------------------------------


def confirmed(chat: Chat, message_id: int | None) -> Payment:
    return payment(place=Place(chat.id), message_id=message_id, state=State.CONFIRMED)


def done(chat: Chat, message_id: int | None) -> Payment:
    return replace(confirmed(chat, message_id), state=State.ENDED, outcome=Outcome.DONE)


async def asked(telegram_bot: Bot, chat: Chat) -> Message:
    """The message whose button was pressed."""
    await telegram_bot.send_message(chat.id, "Pay?")
    return chat.messages[-1]


async def test_a_payment_is_shown_step_by_step_in_one_message(
    messenger: TelegramMessenger, telegram_bot: Bot, chat: Chat
) -> None:
    message = await asked(telegram_bot, chat)
    for _ in range(2):  # twice does no harm
        assert await messenger.show_payments([confirmed(chat, message.id)], linked_chat())
    assert message.text.startswith("⏳ Paying €7.95")
    assert await messenger.show_payments([done(chat, message.id)], linked_chat())
    assert message.text.startswith("✅ Invoice 4711 is paid")
    assert chat.messages == [message]


async def test_where_the_message_was_deleted_no_step_is_shown_and_the_end_is_told_in_full(
    messenger: TelegramMessenger, telegram_bot: Bot, ada: Person, chat: Chat
) -> None:
    message = await asked(telegram_bot, chat)
    ada.delete(message)
    for number in (message.id, None):
        assert not await messenger.show_payments([confirmed(chat, number)], linked_chat())
        assert not await messenger.show_payments([done(chat, number)], linked_chat())
    assert chat.messages == []
    await messenger.tell_end([done(chat, message.id)], linked_chat(), in_full=True)
    (told,) = chat.messages
    assert told.text.startswith("✅ Invoice 4711 is paid")
    assert not told.silent
    assert told.buttons


async def test_a_late_end_is_told_in_a_short_reply_that_rings(
    messenger: TelegramMessenger, telegram_bot: Bot, chat: Chat
) -> None:
    message = await asked(telegram_bot, chat)
    several = replace(done(chat, message.id), batch="b")
    await messenger.tell_end([done(chat, message.id)], linked_chat(), in_full=False)
    await messenger.tell_end([several, replace(several, id="c")], linked_chat(), in_full=False)
    one, both = chat.messages[1:]
    assert one.text.startswith("✅ Invoice 4711 is paid: €7.95")
    assert both.text.startswith("✅ 2 invoices paid")
    for reply in (one, both):
        assert (reply.reply_to, reply.silent, reply.buttons) == (message, False, [])


async def test_an_edit_that_fails_is_not_made_up_for_by_a_second_message(
    messenger: TelegramMessenger, telegram_bot: Bot, telegram: SandboxTelegram, chat: Chat
) -> None:
    message = await asked(telegram_bot, chat)
    telegram.token = "1000000001:AAa-new-token-that-the-bot-does-not-have"
    with pytest.raises(NotSent):
        await messenger.show_payments([confirmed(chat, message.id)], linked_chat())
    assert chat.messages == [message]
