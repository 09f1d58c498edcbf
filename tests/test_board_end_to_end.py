"""The pinned message as people see it: up to date, deleted, switched off, without the right to pin, after a move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says, until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def menu(sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path) -> AsyncIterator[Message]:
    """The settings in a linked chat of the running bot, at ten in the morning."""
    account.shows_credit, account.credit = True, Decimal("5.02")
    settings = sandbox.settings(tmp_path, suspend_after=0, delete_after=6)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield await ask(chat, ada, "/settings", "Settings")


async def switched_on(chat: Chat, person: Person, menu: Message) -> Message:
    """Switch it on. Return it once it is pinned."""
    await person.press(menu, "📌 Pin a message").answered()
    board = await chat.wait_for(says("Last check:"), after=menu)
    await until(lambda: chat.pinned[-1:] == [board])
    return board


async def test_it_is_pinned_silently_and_edited_in_place_as_things_change(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, menu: Message
) -> None:
    board = await switched_on(chat, ada, menu)
    assert board.silent
    assert board.text.startswith("📌 Nothing to pay")
    assert [m.silent for m in chat.messages if "pinned_message" in m.service] == [True]
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    await chat.wait_for(lambda m: m is board and f"Next: invoice {invoice.id}, €7.95" in m.text)
    assert "the server will be suspended on the evening of" in board.text
    assert "Credit €5.02. €2.93 short." in board.text
    account.credit = Decimal(100)
    sandbox.provider.pay(account, invoice)
    await chat.wait_for(lambda m: m is board and "Nothing to pay" in m.text)
    assert chat.pinned == [board]


async def test_one_that_was_deleted_is_made_anew_and_one_that_was_unpinned_is_left_so(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, menu: Message
) -> None:
    first = await switched_on(chat, ada, menu)
    ada.delete(first)
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    second = await chat.wait_for(lambda m: "Last check:" in m.text and m is not first, after=first)
    await until(lambda: chat.pinned == [second])
    chat.pinned.clear()
    sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=30)
    await chat.wait_for(lambda m: m is second and "2 open invoices" in m.text)
    assert chat.pinned == []


async def test_it_goes_when_it_is_switched_off_and_when_the_chat_is_unlinked(
    sandbox: Sandbox, ada: Person, chat: Chat, menu: Message
) -> None:
    first = await switched_on(chat, ada, menu)
    await ada.press(menu, "📌 Pin nothing").answered()
    await until(lambda: first not in chat.messages)
    second = await switched_on(chat, ada, menu)
    assert second is not first
    sandbox.clock.put_forward(3 * DAY)
    ada.press(await ask(chat, ada, "/unlink", "Remove the link?"), "🗑 Remove the link")
    await until(lambda: second.text == "📌 This message is no longer kept up to date.")
    assert chat.pinned == []


async def test_it_survives_a_restart_as_the_same_message(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    settings = sandbox.settings(tmp_path)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        board = await switched_on(chat, ada, await ask(chat, ada, "/settings", "Settings"))
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    sandbox.clock.put_forward(HOUR)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await chat.wait_for(lambda m: m is board and "1 open invoice" in m.text)
    assert chat.pinned == [board]


async def test_in_a_group_without_the_right_it_says_so_and_in_its_supergroup_there_is_a_new_one(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, menu: Message
) -> None:
    group = ada.create_group("Family")
    ada.set_bot_status(group, "member")
    group.pinning_restricted = True
    invitation = await ask(group, ada, "/link", "continue in our private chat")
    started = ada.follow(invitation, invitation.buttons[0].text)
    await chat.wait_for(says("You are linking the group"), after=started)
    await ask(chat, ada, TOKEN, "is linked")
    own = await ask(group, ada, "/settings", "Settings")
    await ada.press(own, "📌 Pin a message").answered()
    board = await group.wait_for(says("Last check:", "I'm not allowed to pin messages here."), after=own)
    assert group.pinned == []
    assert board.silent
    supergroup = ada.upgrade(group)
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    moved = await supergroup.wait_for(says("Last check:", "1 open invoice"))
    await until(lambda: supergroup.pinned == [moved])
