"""What can be done with a message of several alerts and with the weekly overview, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, checked, says

Three = list[SandboxInvoice]


@pytest.fixture
async def greeting(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[Message]:
    account.credit = Decimal("100.00")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield await ask(chat, ada, f"/link {TOKEN}", "linked")


@pytest.fixture
def three(sandbox: Sandbox, account: Account, greeting: Message) -> Three:
    """Three new invoices, found by one check: the provider is away while they come into being."""
    sandbox.provider.faults.switch_on(Fault.DOWN)
    made = [sandbox.provider.create_invoice(account, Decimal(n), due_in_days=20 + n) for n in (1, 2, 3)]
    sandbox.provider.faults.switch_off()
    return made


@pytest.fixture
async def several(chat: Chat, greeting: Message, three: Three) -> Message:
    return await chat.wait_for(says("3 updates on your invoices"), after=greeting)


async def test_each_line_has_its_date_and_its_details_in_the_same_order(
    ada: Person, chat: Chat, several: Message, three: Three
) -> None:
    assert [button.text for button in several.buttons][:3] == [f"🔎 {invoice.id}" for invoice in three]
    assert [several.text.count(f"(in {20 + n} days)") for n in (1, 2, 3)] == [1, 1, 1]
    ada.press(several, f"🔎 {three[1].id}")
    await chat.wait_for(says(f"Invoice {three[1].id}", "Left to pay"), after=several)


async def test_all_are_paid_after_one_question_that_leaves_out_what_was_paid_meanwhile(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, several: Message, three: Three
) -> None:
    ada.press(several, "💳 Pay these 3: €6.00")
    question = await chat.wait_for(says("Pay", "€6.00", "€1.00", "€2.00", "€3.00"), after=several)
    await ada.press(question, "✖️ Cancel").answered()
    pay_these = several.button("💳 Pay these 3: €6.00").data
    assert pay_these is not None
    sandbox.provider.pay(account, three[0])
    ada.press(several, pay_these)
    await chat.wait_for(says(f"Invoice {three[0].id} can't be paid here any more"), after=question)
    again = await chat.wait_for(says("€5.00", "€2.00", "€3.00"), after=question)
    ada.press(again, "✅ Pay €5.00")
    await chat.wait_for(lambda m: m.id == again.id and "2 invoices paid" in m.text)
    assert [sandbox.provider.executed(Call.PAY, invoice.id) for invoice in three[1:]] == [1, 1]


async def test_all_of_their_pdfs_come_each_with_what_it_is(
    ada: Person, chat: Chat, several: Message, three: Three
) -> None:
    ada.press(several, "📄 All PDFs (3)")
    last = await chat.wait_for(lambda m: m.document is not None and str(three[2].id) in m.text, after=several)
    sent = [m for m in chat.messages if m.document is not None and several.id < m.id <= last.id]
    assert [f"Invoice {invoice.id} · Open" in m.text for m, invoice in zip(sent, three, strict=True)] == [True] * 3
    await chat.wait_for(says("3 PDFs have arrived"), after=last)
    assert "3 updates on your invoices" in several.text  # the alert stays


async def test_the_weekly_overview_leads_to_each_invoice_and_pays_and_sends_all(
    sandbox: Sandbox, ada: Person, chat: Chat, several: Message, three: Three
) -> None:
    menu = await ask(chat, ada, "/settings", "Settings")
    await ada.press(menu, "🗓 Send the overview").answered()
    await checked(chat, lambda: ada.send(chat, "/check"), "3 open invoices")
    sandbox.clock.put_forward(timedelta(days=7))
    week = await chat.wait_for(says("Your week", "3 open invoices"), after=menu)
    labels = [button.text for button in week.buttons]
    assert labels[:5] == [*(f"🔎 {invoice.id}" for invoice in three), "💳 Pay these 3: €6.00", "📄 All PDFs (3)"]
    ada.press(week, "💳 Pay these 3: €6.00")
    await chat.wait_for(says("Pay", "€6.00"), after=week)


async def test_what_a_button_of_several_names_is_checked(ada: Person, chat: Chat, several: Message) -> None:
    for forged in ("payall", "payall:", "payall:ä"):
        assert "Which invoice?" in (await ada.forge(several, forged).answered()).text
    ada.forge(several, "pdfs:1..2")
    await chat.wait_for(says("Which invoice?"), after=several)
