"""/payments shows the journal. /export sends all that is stored."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link, plain
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice(1), invoice(2, credit=Decimal(1)))
    await link(ada, chat)
    return chat


async def paid(ada: Person, chat: Chat, number: int) -> None:
    question = await ask(ada, chat, f"/pay {number}", f"invoice {number}")
    ada.press(question, question.buttons[0].text)
    await chat.wait_for(lambda m: m is question and "is paid" in m.text)


def document(message: Message) -> dict[str, object]:
    assert message.document is not None
    content: dict[str, object] = json.loads(message.document.content)
    return content


# --- The journal ----------------------------------------------------------------------------------------------------


async def test_an_empty_journal_says_so_and_an_unlinked_chat_has_none(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/payments", "This chat is not linked")
    await link(ada, chat)
    await ask(ada, chat, "/payments", "Nothing has been paid in this chat yet.")


async def test_the_journal_tells_what_was_asked_by_whom_when_and_how_it_ended(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    await paid(ada, linked, 1)
    question = await ask(ada, linked, "/removecredit 2", "Take back €1.00 of credit")
    await ada.press(question, "✖️ Cancel").answered()
    await ask(ada, linked, "/pay 2", "Pay €6.95")
    shown = await ask(ada, linked, "/payments", "Payments in this chat")
    entries = sorted(plain(shown).split("\n\n")[1:])
    moment = "22 Nov 2026, 10:30"
    assert entries == sorted(
        [
            f"✅ €7.95 for invoice 1\n{moment} · Ada · done",
            f"✖️ €1.00 of credit back from invoice 2\n{moment} · Ada · cancelled",
            f"❔ €6.95 for invoice 2\n{moment} · Ada · not answered",
        ]
    )
    assert shown.buttons == []


async def test_a_long_journal_has_pages(ada: Person, linked: Chat) -> None:
    for _ in range(9):
        await ask(ada, linked, "/pay 1", "Pay €7.95")
    shown = await ask(ada, linked, "/payments", "Payments in this chat")
    assert plain(shown).count("invoice 1") == 8
    await ada.press(shown, "▶").answered()
    assert (plain(shown).count("invoice 1"), shown.buttons[1].text) == (1, "2 / 2")
    for data in ("journal:99", "journal:x", "journal"):
        await ada.forge(shown, data).answered()
    assert "Payments in this chat" in shown.text


async def test_the_journal_goes_with_the_link(ada: Person, linked: Chat) -> None:
    await paid(ada, linked, 1)
    unlinking = await ask(ada, linked, "/unlink", "Remove the link?")
    await ada.press(unlinking, "🗑 Remove the link").answered()
    await link(ada, linked)
    await ask(ada, linked, "/payments", "Nothing has been paid in this chat yet.")


# --- The export -----------------------------------------------------------------------------------------------------


async def test_all_that_is_stored_is_sent_as_json_without_the_token(ada: Person, linked: Chat) -> None:
    await paid(ada, linked, 1)
    sent = ada.send(linked, "/export")
    message = await linked.wait_for(lambda m: m.document is not None, after=sent)
    assert message.document is not None
    assert message.document.name == f"invoice-bot-{linked.id}.json"
    text = message.document.content.decode()
    content = document(message)
    assert content["id"] == linked.id
    assert set(content) >= {"chat", "link", "known", "alerts", "payments"}
    assert "token" not in str(content["link"])
    assert TOKEN not in text
    assert '"outcome": "done"' in text
    assert '"user_name": "Ada"' in text


async def test_a_chat_that_was_never_linked_has_an_export_too(ada: Person, chat: Chat) -> None:
    sent = ada.send(chat, "/export")
    message = await chat.wait_for(lambda m: m.document is not None, after=sent)
    assert (document(message)["link"], document(message)["payments"]) == (None, [])


@pytest.fixture
async def group(ada: Person, chat: Chat, linked: Chat, telegram: SandboxTelegram) -> Chat:
    group = ada.create_group("Friends", members=[telegram.add_user("Bob")], supergroup=True)
    ada.set_bot_status(group, "member")
    invitation = await ask(ada, group, "/link", "continue in our private chat")
    started = ada.follow(invitation, "🔗 Continue in private")
    prompt = await chat.wait_for(from_bot("You are linking"), after=started)
    ada.press(prompt, "🔗 Use the account of this chat")
    await group.wait_for(from_bot("This chat is linked"))
    return group


async def test_a_groups_data_come_to_its_owner_in_private(ada: Person, chat: Chat, group: Chat) -> None:
    before = chat.messages[-1]
    await ask(ada, group, "/export", "I've sent you the data of this group in our private chat")
    message = await chat.wait_for(lambda m: m.document is not None, after=before)
    assert document(message)["id"] == group.id
    assert not any(m.document for m in group.messages)


async def test_nobody_else_gets_a_groups_data(group: Chat, telegram: SandboxTelegram) -> None:
    bob = next(m.user for m in group.members.values() if m.user.first_name == "Bob")
    person = Person(telegram.state, bob)
    await ask(person, group, "/export", "Only Ada, who linked this group, can do this.")


async def test_if_the_owner_cannot_be_written_to_the_group_says_so_and_does_not_rest(ada: Person, group: Chat) -> None:
    ada.block()
    await ask(ada, group, "/export", "I could not send you the data of this group.")
    await ask(ada, group, "/status", "Linked since")


async def test_an_error_of_telegram_is_not_taken_for_an_owner_who_must_write_first(
    ada: Person, group: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: something else"), method="sendDocument")
    await ask(ada, group, "/export", "I could not send the file.")
