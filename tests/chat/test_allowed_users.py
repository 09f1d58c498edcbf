"""Which people may talk to the bot, and what happens to messages of all others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.application import InvoiceBot
from bot.domain.chats import Link, Place, Token, Watch
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import NOW

pytestmark = pytest.mark.usefixtures("invoice_bot")


def link_of(chat_id: int) -> Link:
    """A link from a time when its person was still allowed."""
    return Link(
        account="account",
        place=Place(chat_id),
        token=Token(TOKEN),
        linked_by=chat_id,
        linked_at=NOW,
        next_check_at=NOW,
        watch=Watch(NOW),
    )


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_who_is_not_allowed_is_told_so_and_gets_nothing_else(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    for text in ("/start", "/help", f"/link {TOKEN}", "hello", "/frobnicate"):
        answer = await ask(ada, chat, text, "not open to everyone")
        assert answer.text.endswith(f"tell its operator your number: {ada.id}")
    assert provider.languages == []
    assert len(said(chat)) == 5


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_a_press_by_somebody_who_is_not_allowed_is_turned_away_in_a_pop_up(
    invoice_bot: InvoiceBot, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    await invoice_bot.telegram.bot.send_message(chat.id, "Invoice")
    answer = await ada.forge(chat.messages[-1], "language:de").answered()
    assert answer.show_alert
    assert f"your number: {ada.id}" in answer.text


@pytest.mark.parametrize("allowed_users", ["1000001"])
async def test_who_is_allowed_is_served(telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    assert ada.id == 1000001
    await link(ada, chat)
    bob = telegram.add_user("Bob", language_code="de")
    await ask(bob, telegram.private_chat(bob), "/help", "nicht für alle offen", str(bob.id))


@pytest.mark.parametrize("allowed_users", ["1,2"])
@pytest.mark.parametrize("text", [f"/link {TOKEN}", "/link short-one", TOKEN])
async def test_the_token_of_somebody_who_is_turned_away_does_not_stay_in_the_chat(
    ada: Person, chat: Chat, text: str
) -> None:
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("not open to everyone"), after=sent)
    assert sent.deleted


@pytest.mark.parametrize("allowed_users", ["1,2"])
@pytest.mark.parametrize("text", ["/link", "hello", "https://example.org/a-long-address", "/pdf 4711"])
async def test_other_messages_of_somebody_who_is_turned_away_stay(ada: Person, chat: Chat, text: str) -> None:
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("not open to everyone"), after=sent)
    assert not sent.deleted


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_who_is_turned_away_is_told_if_the_token_could_not_be_deleted(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: message can't be deleted"), method="deleteMessage")
    await ask(ada, chat, f"/link {TOKEN}", "I could not delete your message with the token")
    assert "not open to everyone" in said(chat)[0]


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_everybody_may_have_their_own_data_forgotten(ada: Person, chat: Chat, store: Store) -> None:
    await ask(ada, chat, "/unlink", "not linked")
    await store.link(link_of(chat.id), {})
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    await ada.press(question, "🗑 Remove the link").answered()
    assert "The link is gone" in question.text
    assert (await store.chat(chat.id)).link is None


@pytest.mark.parametrize("allowed_users", ["1000001"])
async def test_who_may_not_talk_to_the_bot_can_be_no_payer(
    ada: Person, telegram: SandboxTelegram, store: Store
) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    group = ada.create_group("Family", members=[bob], supergroup=True)
    ada.set_bot_status(group, "member")
    await store.link(replace(link_of(group.id), linked_by=ada.id), {})
    message = bob.send(group, "May I?")
    ada.send(group, "/payers", reply_to=message)
    await group.wait_for(from_bot("Bob can't be allowed to pay", f"to the number {bob.id}."))
    linked = (await store.chat(group.id)).link
    assert linked is not None
    assert linked.payers == ()
