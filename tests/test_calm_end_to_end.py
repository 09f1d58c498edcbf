"""How few messages a person gets, and that none of the last days is among those that don't come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, checked, says, until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def greeting(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[Message]:
    """The running bot, at ten in the morning, with a provider that suspends and deletes."""
    settings = sandbox.settings(tmp_path, suspend_after=0, delete_after=6)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        yield await ask(chat, ada, f"/link {TOKEN}", "linked")


async def test_a_newer_alert_takes_the_place_of_the_older_one_of_the_same_invoice(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=4)
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    sandbox.clock.put_forward(DAY)
    due = await chat.wait_for(says(f"Invoice {invoice.id} is due in 3 days"), after=new)
    assert not due.silent
    await until(lambda: new not in chat.messages)
    sandbox.clock.put_forward(3 * DAY)
    last = await chat.wait_for(says(f"Invoice {invoice.id} is due today", "suspended tonight"), after=due)
    assert not last.silent
    await until(lambda: due.text == f"↓ Invoice {invoice.id}: see further below.")
    assert due.buttons == []
    account.credit = Decimal(100)
    sandbox.provider.pay(account, invoice)
    await chat.wait_for(says(f"Invoice {invoice.id} is paid"), after=last)
    assert last.text.endswith("✅ Paid")
    assert due.text.startswith("↓")


async def test_what_the_credit_covers_is_a_silent_line_until_the_last_day_which_rings(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    account.shows_credit, account.credit = True, Decimal(100)
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=4)
    new = await chat.wait_for(says("New invoice", str(invoice.id), "Credit €100.00: enough."), after=greeting)
    assert new.silent
    sandbox.clock.put_forward(DAY)
    await chat.wait_for(lambda m: m.id == new.id and m.text.endswith("💶 Due in 3 days: the credit covers it."))
    sandbox.clock.put_forward(2 * DAY)
    await chat.wait_for(lambda m: m.id == new.id and m.text.endswith("💶 Due tomorrow: the credit covers it."))
    assert chat.messages[-1] is new
    sandbox.clock.put_forward(DAY)
    last = await chat.wait_for(says(f"Invoice {invoice.id} is due today", "suspended tonight"), after=new)
    assert not last.silent


async def test_of_several_in_one_message_the_one_that_is_told_anew_becomes_a_line(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.DOWN)
    first, second = (sandbox.provider.create_invoice(account, Decimal(n), due_in_days=20) for n in (1, 2))
    sandbox.provider.faults.switch_off()
    both = await chat.wait_for(says("2 updates on your invoices"), after=greeting)
    first.net += 2
    await chat.wait_for(says("has changed", str(first.id)), after=both)
    await chat.wait_for(lambda m: m.id == both.id and f"↓ Invoice {first.id}: see further below" in m.text)
    assert f"New invoice {second.id}" in both.text
    assert [button.data for button in both.buttons if button.data][:2] == [f"show:{second.id}", f"pdf:{second.id}"]


async def test_who_wants_only_the_last_days_hears_of_these_audibly_and_of_nothing_else(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    menu = await ask(chat, ada, "/settings", "Settings")
    await ada.press(menu, "🧘 How much").answered()
    await ada.press(menu, "only the last days").answered()
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=3)
    seen = await checked(chat, lambda: ada.send(chat, "/check"), "1 open invoice")
    sandbox.clock.put_forward(3 * DAY)
    morning = await chat.wait_for(says(f"Invoice {invoice.id}", "will be suspended tonight"), after=seen)
    sandbox.clock.put_forward(8 * HOUR)
    evening = await chat.wait_for(says(f"Invoice {invoice.id}", "will be suspended tonight"), after=morning)
    assert not morning.silent
    assert not evening.silent
    told = [m for m in chat.messages if m.sender.is_bot and seen.id < m.id < evening.id and m is not morning]
    assert told == []
