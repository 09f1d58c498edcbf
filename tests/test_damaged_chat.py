"""A chat of which nothing can be read: it rests, the others go on, and /unlink works there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.domain.chat_keys import key_of
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

OTHER_TOKEN = "sandbox-token-of-bob-0123456789"
UNREADABLE = "What I have stored about this chat can't be read"


@pytest.fixture
def bob(sandbox: Sandbox) -> Person:
    return sandbox.telegram.add_user("Bob", language_code="en")


@pytest.fixture
def theirs(sandbox: Sandbox) -> Account:
    """Bob's account."""
    return sandbox.provider.add_account(OTHER_TOKEN)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def spoil_token(path: Path) -> None:
    document = json.loads(path.read_text())
    document["link"]["1"]["sealed_token"] = document["link"]["1"]["sealed_token"][:-8] + "AAAAAAA="
    path.write_text(json.dumps(document))


@pytest.fixture(params=[cut_off, spoil_token])
def damage(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    found: Callable[[Path], None] = request.param
    return found


@pytest.fixture
async def damaged(
    sandbox: Sandbox,
    account: Account,
    theirs: Account,
    ada: Person,
    bob: Person,
    chat: Chat,
    tmp_path: Path,
    damage: Callable[[Path], None],
) -> AsyncIterator[Chat]:
    """Ada's chat, whose file was damaged before the bot was started again, and Bob's beside it."""
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        await ask(sandbox.telegram.private_chat(bob), bob, f"/link {OTHER_TOKEN}", "linked")
    damage(tmp_path / "chats" / f"{chat.id}.json")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield chat


async def test_its_person_hears_so_and_can_begin_anew(damaged: Chat, ada: Person, account: Account) -> None:
    for text in ("/status", "/start", "hello", "/pay 1"):
        await ask(damaged, ada, text, UNREADABLE, "/unlink")
    question = await ask(damaged, ada, "/unlink", "Should I forget all of it?")
    await ada.press(question, "Leave it as it is").answered()
    await ask(damaged, ada, "/status", UNREADABLE)
    question = await ask(damaged, ada, "/unlink", "Should I forget all of it?")
    await ada.press(question, "🗑 Remove the link").answered()
    assert "The link is gone" in question.text
    await ask(damaged, ada, f"/link {TOKEN}", "linked")


async def test_others_are_reminded_as_ever(damaged: Chat, sandbox: Sandbox, bob: Person, theirs: Account) -> None:
    invoice = sandbox.provider.create_invoice(theirs, Decimal("7.95"), due_in_days=20)
    await sandbox.telegram.private_chat(bob).wait_for(says("New invoice", str(invoice.id)))
    assert not [m for m in damaged.messages if "New invoice" in m.text]


async def test_a_token_that_is_sent_there_is_deleted_and_leads_nowhere(damaged: Chat, ada: Person) -> None:
    sent: Message = ada.send(damaged, f"/link {TOKEN}")
    await damaged.wait_for(says(UNREADABLE), after=sent)
    assert sent not in damaged.messages
    assert TOKEN not in "".join(m.text for m in damaged.messages)


@pytest.mark.parametrize("slot", [0, 1])
async def test_one_of_several_accounts_leaves_the_others_alone_and_is_spoken_of(
    sandbox: Sandbox,
    account: Account,
    theirs: Account,
    ada: Person,
    chat: Chat,
    tmp_path: Path,
    damage: Callable[[Path], None],
    slot: int,
) -> None:
    third = sandbox.provider.add_account("token-of-a-third-account-3")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        ada.press(await ask(chat, ada, f"/link {OTHER_TOKEN}", "or replace"), "👥 Add it as another account")
        await chat.wait_for(says("Account 2", "linked"))
    damage(tmp_path / "chats" / f"{key_of(chat.id, slot)}.json")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        for text in ("/accounts", "/status"):
            await ask(chat, ada, text, "1 other account of this chat can't be read")
        ada.press(await ask(chat, ada, "/language", "Which language"), "• Same as Telegram •")
        healthy = theirs if slot == 0 else account
        invoice = sandbox.provider.create_invoice(healthy, Decimal("7.95"), due_in_days=20)
        await chat.wait_for(says("New invoice", str(invoice.id)))
        ada.press(await ask(chat, ada, f"/link {third.token}", "or replace"), "👥 Add it as another account")
        await chat.wait_for(says("Account 3", "linked"))
