"""Edits, deletions, unreachable chats and members, through python-telegram-bot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
)
from telegram.constants import ChatAction, ChatMemberStatus, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden

from bot.sandbox.clock import SandboxClock
from bot.sandbox.telegram import Chat, Person, SandboxTelegram


def keyboard(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("Pay", callback_data=data)]])


# --- Editing and deleting -------------------------------------------------------------------------------------------


async def test_an_edit_replaces_text_and_keyboard(bot: Bot, chat: Chat, clock: SandboxClock) -> None:
    sent = await bot.send_message(chat.id, "Pay?", reply_markup=keyboard("pay"))
    clock.put_forward(timedelta(minutes=1))
    edited = await sent.edit_text("<b>Paid</b>", parse_mode=ParseMode.HTML)
    message = chat.messages[-1]
    assert (message.id, message.text, message.keyboard) == (sent.message_id, "Paid", ())
    assert isinstance(edited, Message)
    assert edited.edit_date is not None
    assert edited.edit_date - edited.date >= timedelta(minutes=1)


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "same", reply_markup=keyboard("a"))
    with pytest.raises(BadRequest, match="Message is not modified: specified new message content and reply markup are"):
        await sent.edit_text("same", reply_markup=keyboard("a"))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_reply_markup(keyboard("a"))
    await sent.edit_reply_markup(keyboard("b"))
    assert chat.messages[-1].buttons[0].data == "b"


async def test_edits_out_of_reach_are_refused(bot: Bot, ada: Person, chat: Chat) -> None:
    theirs = ada.send(chat, "mine")
    with pytest.raises(BadRequest, match=r"^Message can't be edited$"):
        await bot.edit_message_text("no", chat.id, theirs.id)
    with pytest.raises(BadRequest, match=r"^Message to edit not found$"):
        await bot.edit_message_text("no", chat.id, 999)
    with pytest.raises(BadRequest, match="Message_too_long"):
        await (await bot.send_message(chat.id, "short")).edit_text("x" * 4097)


async def test_a_caption_is_edited_as_such(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_document(chat.id, b"x", caption="old")
    await sent.edit_caption("new")
    assert chat.messages[-1].text == "new"
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await sent.edit_text("newer")


async def test_in_private_the_bot_deletes_both_sides_messages(bot: Bot, ada: Person, chat: Chat) -> None:
    theirs = ada.send(chat, "/link secret")
    own = await bot.send_message(chat.id, "done")
    await bot.delete_message(chat.id, theirs.id)
    await own.delete()
    assert chat.messages == []
    with pytest.raises(BadRequest, match=r"^Message to delete not found$"):
        await own.delete()


async def test_after_48_hours_a_message_stays(bot: Bot, chat: Chat, clock: SandboxClock) -> None:
    sent = await bot.send_message(chat.id, "old")
    clock.put_forward(timedelta(hours=48, seconds=1))
    with pytest.raises(BadRequest, match=r"^Message can't be deleted for everyone$"):
        await sent.delete()


async def test_in_groups_others_messages_are_deleted_by_administrators_only(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Team", supergroup=True)
    ada.set_bot_status(group, "member")
    theirs = ada.send(group, "hello")
    with pytest.raises(BadRequest, match=r"^Message can't be deleted$"):
        await bot.delete_message(group.id, theirs.id)
    ada.set_bot_status(group, "administrator")
    await bot.delete_message(group.id, theirs.id)
    assert theirs.deleted


# --- Chats that can't be written to ---------------------------------------------------------------------------------


async def test_an_unknown_chat_is_not_found(bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"^Chat not found$"):
        await bot.send_message(424242, "hello?")


async def test_a_person_who_never_started_the_bot_is_out_of_reach(bot: Bot, telegram: SandboxTelegram) -> None:
    bob = telegram.add_user("Bob")
    chat = telegram.private_chat(bob, started=False)
    with pytest.raises(Forbidden, match="Forbidden: bot can't initiate conversation with a user"):
        await bot.send_message(chat.id, "hello?")
    bob.send(chat, "/start")
    await bot.send_message(chat.id, "hello!")
    assert chat.messages[-1].text == "hello!"


async def test_a_blocked_bot_and_a_deleted_account_are_forbidden(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.block()
    with pytest.raises(Forbidden, match=r"^Forbidden: bot was blocked by the user$"):
        await bot.send_message(chat.id, "hello?")
    ada.unblock()
    await bot.send_message(chat.id, "hello!")
    ada.user.deactivated = True
    with pytest.raises(Forbidden, match=r"^Forbidden: user is deactivated$"):
        await bot.send_chat_action(chat.id, ChatAction.TYPING)


@pytest.mark.parametrize("supergroup", [False, True])
async def test_groups_without_the_bot_are_forbidden(bot: Bot, ada: Person, *, supergroup: bool) -> None:
    group = ada.create_group("Team", supergroup=supergroup)
    kind = "supergroup" if supergroup else "group"
    with pytest.raises(Forbidden, match=rf"^Forbidden: bot is not a member of the {kind} chat$"):
        await bot.send_message(group.id, "hello?")
    ada.set_bot_status(group, "member")
    await bot.send_message(group.id, "hello!")
    ada.set_bot_status(group, "kicked")
    with pytest.raises(Forbidden, match=rf"^Forbidden: bot was kicked from the {kind} chat$"):
        await bot.send_message(group.id, "hello?")
    group.deleted = True
    with pytest.raises(Forbidden, match=r"^Forbidden: the group chat was deleted$"):
        await bot.send_message(group.id, "hello?")


async def test_an_upgraded_group_names_its_new_id(bot: Bot, ada: Person) -> None:
    group = ada.create_group("Team")
    ada.set_bot_status(group, "member")
    new = ada.upgrade(group)
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(group.id, "hello?")
    assert caught.value.new_chat_id == new.id
    assert str(new.id).startswith("-100")
    await bot.send_message(new.id, "hello!")
    assert new.messages[-1].text == "hello!"


async def test_topics_take_messages_until_they_close(bot: Bot, ada: Person) -> None:
    forum = ada.create_group("Team", forum=True)
    ada.set_bot_status(forum, "member")
    topic = forum.add_topic("Invoices")
    sent = await bot.send_message(forum.id, "in the topic", message_thread_id=topic)
    assert (sent.is_topic_message, sent.message_thread_id) == (True, topic)
    assert (await bot.send_message(forum.id, "in General")).is_topic_message is None
    for thread in (1, 999):
        with pytest.raises(BadRequest, match=r"^Message thread not found$"):
            await bot.send_message(forum.id, "no", message_thread_id=thread)
    forum.topics[topic].closed = True
    with pytest.raises(BadRequest, match=r"^Topic_closed$"):
        await bot.send_message(forum.id, "no", message_thread_id=topic)
    forum.topics[topic].deleted = True
    with pytest.raises(BadRequest, match=r"^Message thread not found$"):
        await bot.send_message(forum.id, "no", message_thread_id=topic)


# --- Members --------------------------------------------------------------------------------------------------------


async def test_chats_and_members_can_be_asked_for(bot: Bot, ada: Person, chat: Chat, telegram: SandboxTelegram) -> None:
    bob, eve = telegram.add_user("Bob"), telegram.add_user("Eve")
    group = ada.create_group("Team", administrators=[bob], members=[eve])
    ada.set_bot_status(group, "member")
    assert (await bot.get_chat(group.id)).title == "Team"
    assert (await bot.get_chat(chat.id)).first_name == "Ada"
    assert (await bot.get_chat_member(group.id, ada.id)).status == ChatMemberStatus.OWNER
    assert (await bot.get_chat_member(group.id, bob.id)).status == ChatMemberStatus.ADMINISTRATOR
    assert (await bot.get_chat_member(group.id, eve.id)).status == ChatMemberStatus.MEMBER
    stranger = telegram.add_user("Mallory")
    assert (await bot.get_chat_member(group.id, stranger.id)).status == ChatMemberStatus.LEFT
    assert {member.user.id for member in await bot.get_chat_administrators(group.id)} == {ada.id, bob.id}
