"""What is answered once or not at all: albums, captions, edits, and commands that others only quote."""

from __future__ import annotations

import pytest

from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, link, plain
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")

PICTURES = [f"{number}.jpg" for number in range(10)]


async def said_after(person: Person, chat: Chat, sent: Message) -> list[str]:
    """Return what the bot has said since then. The answer to a later /help marks the end."""
    end = await ask(person, chat, "/help", "/unlink")
    return [plain(m) for m in chat.messages if m.sender.is_bot and sent.id < m.id < end.id]


# --- Albums ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("captions", [(), ("Is this one paid?",), ("", "", "Is this one paid?"), ["Look at it"] * 10])
async def test_an_album_of_ten_pictures_gets_one_hint(ada: Person, chat: Chat, captions: list[str]) -> None:
    await link(ada, chat)
    sent = ada.send_album(chat, PICTURES, captions)
    assert len(await said_after(ada, chat, sent[0])) == 1


async def test_each_album_and_each_single_picture_gets_one(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    first = ada.send_album(chat, PICTURES[:3])[0]
    ada.send_album(chat, PICTURES[:3])
    ada.send_file(chat, "single.jpg", b"a picture")
    assert len(await said_after(ada, chat, first)) == 3


async def test_an_album_in_a_chat_without_a_link_and_one_while_a_token_is_awaited_get_one_answer_too(
    ada: Person, chat: Chat
) -> None:
    first = ada.send_album(chat, PICTURES)[0]
    assert len(await said_after(ada, chat, first)) == 1
    asked = await ask(ada, chat, "/link", "API token")
    ada.send_album(chat, PICTURES)
    assert len(await said_after(ada, chat, asked)) == 1


async def test_a_token_below_any_picture_of_an_album_is_deleted(ada: Person, chat: Chat) -> None:
    sent = ada.send_album(chat, PICTURES[:3], ["", TOKEN])
    await said_after(ada, chat, sent[0])
    assert sent[1] not in chat.messages
    assert sent[2] in chat.messages


# --- Captions, edits and replies ------------------------------------------------------------------------------------


async def test_a_command_in_a_caption_is_not_carried_out(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    for caption in ("/invoice 1", "/pay 1", "/check"):
        sent = ada.send_file(chat, "picture.jpg", b"a picture", caption)
        (hint,) = await said_after(ada, chat, sent)
        assert "/help" in hint


async def test_a_command_that_is_edited_is_carried_out_once(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    sent = ada.send(chat, "/invoice 1")
    assert len(await said_after(ada, chat, sent)) == 1
    ada.edit(sent, "/invoice 2")
    later = ada.send(chat, "hello")
    assert len(await said_after(ada, chat, later)) == 1
    ada.edit(later, "/pay 1")
    assert len(await said_after(ada, chat, chat.messages[-1])) == 0


async def test_a_command_in_the_message_that_somebody_replies_to_is_not_carried_out_again(
    ada: Person, telegram: SandboxTelegram
) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    group = ada.create_group("Friends", members=[bob])
    ada.set_bot_status(group, "administrator")
    asked = ada.send(group, "/status")
    assert len(await said_after(ada, group, asked)) == 1
    reply = bob.send(group, "what does it say?", reply_to=asked)
    assert await said_after(ada, group, reply) == []
    again = bob.send(group, "/status", reply_to=asked)
    assert len(await said_after(ada, group, again)) == 1
