"""A group that the bot has joined is greeted once, with the button that links it."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link, said

HELLO = "Hello! I'll post new"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.handlers.greeting.GREET_AFTER", 0.2)


@pytest.fixture
def group(ada: Person, invoice_bot: object) -> Chat:
    return ada.create_group("Friends")


async def greetings(telegram: SandboxTelegram, ada: Person, group: Chat) -> int:
    """Return how many greetings there are once the bot has had time for one."""
    await ask(ada, telegram.private_chat(ada), "/help", "What I can do")  # what came before was handled
    await asyncio.sleep(0.5)
    return sum(HELLO in text for text in said(group))


async def test_one_press_in_the_greeting_leads_on_to_the_private_chat(ada: Person, group: Chat) -> None:
    ada.set_bot_status(group, "member")
    hello = await group.wait_for(from_bot(HELLO, "not linked to an account yet"))
    assert [button.text for button in hello.buttons] == ["🔗 Link this group"]
    ada.press(hello, "🔗 Link this group")
    invitation = await group.wait_for(from_bot("Ada"), after=hello)
    assert (invitation.buttons[0].url or "").startswith("https://t.me/")


async def test_who_adds_the_bot_is_greeted_in_their_language(telegram: SandboxTelegram, group: Chat) -> None:
    eva = telegram.add_user("Eva", language_code="de")
    other = eva.create_group("Freunde")
    eva.set_bot_status(other, "member")
    await other.wait_for(from_bot("Hallo! Ich melde hier"))


async def test_a_change_of_rights_is_no_joining(telegram: SandboxTelegram, ada: Person, group: Chat) -> None:
    ada.set_bot_status(group, "member")
    await group.wait_for(from_bot(HELLO))
    for status in ("administrator", "restricted", "member"):
        ada.set_bot_status(group, status)
    assert await greetings(telegram, ada, group) == 1


async def test_each_joining_has_its_greeting(telegram: SandboxTelegram, ada: Person, group: Chat) -> None:
    ada.set_bot_status(group, "member")
    first = await group.wait_for(from_bot(HELLO))
    ada.set_bot_status(group, "left")
    ada.set_bot_status(group, "member")
    await group.wait_for(from_bot(HELLO), after=first)


async def test_nobody_is_greeted_in_a_group_that_became_a_supergroup(
    telegram: SandboxTelegram, ada: Person, group: Chat
) -> None:
    ada.set_bot_status(group, "member")
    await group.wait_for(from_bot(HELLO))
    new = ada.upgrade(group, says_so=["supergroup"])
    new.members.pop(telegram.state.bot.id)
    ada.set_bot_status(new, "member")  # Telegram says of the new chat that the bot has come into it
    assert await greetings(telegram, ada, new) == 0


async def test_a_group_that_is_linked_by_then_needs_no_greeting(
    telegram: SandboxTelegram, ada: Person, chat: Chat, group: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.handlers.greeting.GREET_AFTER", 3.0)
    await link(ada, chat)
    ada.set_bot_status(group, "member")
    invitation = await ask(ada, group, "/link", "private chat")
    opened = ada.follow(invitation, invitation.buttons[0].text)
    joining = await chat.wait_for(from_bot("Friends"), after=opened)
    ada.press(joining, joining.buttons[0].text)
    await group.wait_for(from_bot("This chat is linked"), after=invitation)
    await asyncio.sleep(3)
    assert await greetings(telegram, ada, group) == 0


async def test_in_a_private_chat_unblocking_is_no_joining(telegram: SandboxTelegram, ada: Person, group: Chat) -> None:
    private = telegram.private_chat(ada)
    ada.block()
    ada.unblock()
    assert await greetings(telegram, ada, private) == 0
