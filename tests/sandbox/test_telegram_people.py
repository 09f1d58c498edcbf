"""Presses and other actions of people, through python-telegram-bot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, MaybeInaccessibleMessage, Update
from telegram.error import BadRequest

from bot.sandbox.clock import SandboxClock
from bot.sandbox.telegram import Answer, Chat, Message, Person, SandboxTelegram
from bot.sandbox.telegram.models import ChatKind


async def send_button(bot: Bot, chat: Chat, data: str = "pay:1") -> Message:
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("Pay", callback_data=data)]])
    sent = await bot.send_message(chat.id, "Invoice", reply_markup=markup)
    found = chat.message(sent.message_id)
    assert found is not None
    return found


async def presses_of(bot: Bot) -> list[CallbackQuery]:
    return [update.callback_query for update in await bot.get_updates() if update.callback_query]


# --- Presses --------------------------------------------------------------------------------------------------------


async def test_a_press_carries_person_message_and_data(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await send_button(bot, chat)
    press = ada.press(message, "Pay")
    (query,) = await presses_of(bot)
    assert (query.id, query.from_user.id, query.data) == (press.id, ada.id, "pay:1")
    assert isinstance(query.message, MaybeInaccessibleMessage)
    assert (query.message.message_id, query.message.chat.id) == (message.id, chat.id)
    await query.answer("Paying …")
    assert await press.answered() == Answer("Paying …")


async def test_a_press_delivered_twice_comes_with_two_update_ids(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await send_button(bot, chat)
    ada.press_twice_delivered(message, "pay:1")
    updates = await bot.get_updates()
    assert len({update.update_id for update in updates}) == 2
    queries = [update.callback_query for update in updates if update.callback_query]
    assert len({query.id for query in queries}) == 2
    assert {(query.data, query.from_user.id, query.message and query.message.message_id) for query in queries} == {
        ("pay:1", ada.id, message.id)
    }


async def test_a_press_is_answered_once_and_not_for_ever(
    bot: Bot, ada: Person, chat: Chat, clock: SandboxClock
) -> None:
    message = await send_button(bot, chat)
    ada.press(message, "Pay")
    (query,) = await presses_of(bot)
    await query.answer()
    too_old = "Query is too old and response timeout expired or query id is invalid"
    with pytest.raises(BadRequest, match=f"(?i){too_old}"):
        await query.answer()
    late = ada.press(message, "Pay")
    clock.put_forward(timedelta(minutes=20))
    with pytest.raises(BadRequest, match=f"(?i){too_old}"):
        await bot.answer_callback_query(late.id)
    assert late.answer is None


async def test_an_answer_of_200_characters_is_taken_and_one_more_refused(bot: Bot, ada: Person, chat: Chat) -> None:
    press = ada.press(await send_button(bot, chat), "Pay")
    with pytest.raises(BadRequest, match="Message_too_long"):
        await bot.answer_callback_query(press.id, "x" * 201)
    await bot.answer_callback_query(press.id, "x" * 200)
    assert await press.answered() == Answer("x" * 200)


async def test_a_press_on_a_deleted_message_comes_with_an_inaccessible_one(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await send_button(bot, chat)
    await bot.delete_message(chat.id, message.id)
    ada.press(message, "Pay")
    (query,) = await presses_of(bot)
    assert query.message is not None
    assert query.message.is_accessible is False


async def test_forged_data_arrives_as_any_other(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.forge(await send_button(bot, chat), "pay:4711")
    assert [query.data for query in await presses_of(bot)] == ["pay:4711"]


async def test_a_button_that_is_not_there_cannot_be_pressed(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await send_button(bot, chat)
    with pytest.raises(LookupError, match="Pay"):
        ada.press(message, "Cancel")


# --- People ---------------------------------------------------------------------------------------------------------


async def test_an_edit_by_a_person_is_an_update(bot: Bot, ada: Person, chat: Chat) -> None:
    message = ada.send(chat, "/pay 1")
    ada.edit(message, "/pay 2")
    edited = (await bot.get_updates())[-1].edited_message
    assert edited is not None
    assert (edited.message_id, edited.text, edited.entities[0].length) == (message.id, "/pay 2", 4)


async def test_a_file_by_a_person_is_an_update(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.send_file(chat, "note.txt", b"hello", "see here")
    received = (await bot.get_updates())[-1].message
    assert received is not None
    assert received.document is not None
    assert (received.document.file_name, received.caption) == ("note.txt", "see here")


async def test_blocking_and_unblocking_are_updates_and_nothing_is_sent_between_them(
    bot: Bot, ada: Person, chat: Chat
) -> None:
    ada.block()
    with pytest.raises(PermissionError):
        ada.send(chat, "anyone?")
    ada.unblock()
    changed = [update.my_chat_member for update in await bot.get_updates(allowed_updates=Update.ALL_TYPES)]
    statuses = [(c.old_chat_member.status, c.new_chat_member.status) for c in changed if c]
    assert statuses == [("member", "kicked"), ("kicked", "member")]


async def test_in_a_group_the_bot_sees_only_what_is_meant_for_it(
    bot: Bot, ada: Person, telegram: SandboxTelegram
) -> None:
    group = ada.create_group("Team", supergroup=True)
    ada.set_bot_status(group, "member")
    sent = await bot.send_message(group.id, "hello")
    question = group.message(sent.message_id)
    ada.send(group, "lunch?")
    ada.send(group, "/pay@another_bot")
    ada.send(group, "/pay@sandbox_invoice_bot 1")
    ada.send(group, "/help")
    ada.send(group, "thanks", reply_to=question)
    seen = [update.message for update in await bot.get_updates() if update.message]
    assert [message.text for message in seen] == ["/pay@sandbox_invoice_bot 1", "/help", "thanks"]
    assert (seen[-1].message_thread_id, seen[-1].is_topic_message) == (sent.message_id, None)
    ada.set_bot_status(group, "administrator")
    ada.send(group, "lunch now")
    latest = (await bot.get_updates())[-1].message
    assert latest is not None
    assert latest.text == "lunch now"


async def test_a_message_in_a_topic_names_it(bot: Bot, ada: Person) -> None:
    forum = ada.create_group("Team", forum=True)
    ada.set_bot_status(forum, "member")
    topic = forum.add_topic("Invoices")
    ada.send(forum, "/invoices", topic=topic)
    ada.send(forum, "/invoices")
    seen = [update.message for update in await bot.get_updates() if update.message]
    assert [(m.is_topic_message, m.message_thread_id) for m in seen] == [(True, topic), (None, None)]


async def test_an_upgrade_is_an_update_in_both_chats(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Team")
    ada.set_bot_status(group, "member")
    new = ada.upgrade(group)
    told = [update.message for update in await bot.get_updates() if update.message]
    assert [(m.chat.id, m.migrate_to_chat_id, m.migrate_from_chat_id) for m in told] == [
        (group.id, new.id, None),
        (new.id, None, group.id),
    ]
    with pytest.raises(PermissionError):
        ada.send(group, "anyone?")


async def test_an_upgrade_can_be_told_in_any_order_twice_or_never(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Team")
    ada.set_bot_status(group, "member")
    with pytest.raises(LookupError):
        ada.say_upgraded(group, "group")
    new = ada.upgrade(group, ())
    assert [update for update in await bot.get_updates() if update.message] == []
    orders: list[ChatKind] = ["supergroup", "group", "group"]
    for where in orders:
        ada.say_upgraded(group, where)
    told = [update.message.chat.id for update in await bot.get_updates() if update.message]
    assert told == [new.id, group.id, group.id]


async def test_a_button_of_a_former_group_still_works_and_names_the_old_id(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Team")
    ada.set_bot_status(group, "member")
    message = await send_button(bot, group)
    ada.upgrade(group)
    ada.press(message, "pay:1")
    (press,) = [update.callback_query for update in await bot.get_updates() if update.callback_query]
    assert press.message is not None
    assert press.message.chat.id == group.id


async def test_a_wait_that_times_out_lists_the_messages_there(ada: Person, chat: Chat) -> None:
    first = ada.send(chat, "hello")
    with pytest.raises(TimeoutError, match="hello"):
        await chat.wait_for(lambda message: message.text == "bye", timeout=0.01)
    assert await chat.wait_for(lambda message: message.text == "hello") is first
    with pytest.raises(TimeoutError):
        await chat.wait_for(lambda message: message.text == "hello", timeout=0.01, after=first)


async def test_only_administrators_open_topics_and_only_in_supergroups(
    bot: Bot, ada: Person, telegram: SandboxTelegram
) -> None:
    ben = telegram.add_user("Ben")
    group = ada.create_group("Team", members=[ben])
    ada.set_bot_status(group, "member")
    with pytest.raises(PermissionError, match="supergroup"):
        ada.open_topic(group, "Invoices")
    new = ada.upgrade(group)
    with pytest.raises(PermissionError, match="administrator"):
        ben.open_topic(new, "Invoices")
    topic = ada.open_topic(new, "Invoices")
    sent = await bot.send_message(new.id, "here", message_thread_id=topic)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic, True)
    assert [found.name for found in new.topics.values()] == ["General", "Invoices"]


# --- Ways into the private chat, and writing in the name of a group -------------------------------------------------


async def test_a_deep_link_starts_the_bot_in_private(bot: Bot, ada: Person, telegram: SandboxTelegram) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    urls = {"In": f"https://t.me/{telegram.bot.username}?start=abc-_1", "Out": "https://t.me/another_bot?start=abc"}
    markup = InlineKeyboardMarkup([[InlineKeyboardButton(label, url=url)] for label, url in urls.items()])
    sent = await bot.send_message(group.id, "Go on", reply_markup=markup)
    message = group.message(sent.message_id)
    assert message is not None
    assert ada.follow(message, "In").chat is telegram.private_chat(ada)
    with pytest.raises(LookupError, match="another_bot"):
        ada.follow(message, "Out")
    received = [update.message for update in await bot.get_updates() if update.message]
    assert [(m.chat.type, m.text) for m in received] == [("private", "/start abc-_1")]


async def test_an_anonymous_administrator_writes_as_the_group(bot: Bot, ada: Person, telegram: SandboxTelegram) -> None:
    bob = telegram.add_user("Bob")
    group = ada.create_group("Friends", members=[bob], supergroup=True)
    ada.set_bot_status(group, "administrator")
    ada.send_anonymously(group, "hello")
    (message,) = [update.message for update in await bot.get_updates() if update.message]
    assert message.from_user is not None
    assert message.sender_chat is not None
    assert (message.from_user.is_bot, message.sender_chat.id) == (True, group.id)
    with pytest.raises(PermissionError):
        bob.send_anonymously(group, "hello")


async def test_a_message_in_a_topic_that_is_no_reply_replies_to_the_topics_beginning(bot: Bot, ada: Person) -> None:
    forum = ada.create_group("Club", forum=True)
    ada.set_bot_status(forum, "administrator")
    topic = forum.add_topic("Bills")
    first = ada.send(forum, "hello", topic=topic)
    ada.send(forum, "again", topic=topic, reply_to=first)
    ada.send(forum, "in General")
    replied = [update.message.reply_to_message for update in await bot.get_updates() if update.message]
    assert [message and message.forum_topic_created is not None for message in replied] == [True, False, None]
