"""The account's credit as a person sees it, with a token that may read it, and with one that may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says, until

DAY = timedelta(days=1)


@pytest.fixture
async def greeting(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[Message]:
    account.shows_credit, account.credit = True, Decimal("5.02")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield await ask(chat, ada, f"/link {TOKEN}", "linked")


def asked_for_credit(sandbox: Sandbox) -> int:
    return sum(request.path.endswith("/client") for request in sandbox.provider.requests)


async def test_list_status_question_and_alert_say_what_is_there_and_what_is_missing(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    first = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    alone = await chat.wait_for(says(f"New invoice {first.id}", "Credit €5.02: enough."), after=greeting)
    second = sandbox.provider.create_invoice(account, Decimal("2.95"), due_in_days=12)
    await chat.wait_for(
        says(f"New invoice {second.id}", "Credit €5.02. €2.93 short for this and what is due before it."), after=alone
    )
    await ask(chat, ada, "/invoices", f"Credit €5.02. €2.93 short. Enough for {first.id}.")
    await ask(chat, ada, "/status", f"Credit €5.02. €2.93 short. Enough for {first.id}.")
    await ask(chat, ada, f"/pay {first.id}", "Credit €5.02: enough.")
    account.credit = Decimal("1.00")
    sandbox.clock.put_forward(timedelta(minutes=2))
    await ask(chat, ada, f"/pay {second.id}", "Credit €1.00. €1.95 short.")


async def test_who_waits_for_credit_is_told_audibly_within_minutes_and_pays_with_a_fresh_confirmation(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
    new = await chat.wait_for(says(f"New invoice {invoice.id}"), after=greeting)
    question = await ask(chat, ada, f"/pay {invoice.id}", "Credit €5.02. €2.93 short.")
    assert "every minute" in (await ada.press(question, "🔔 Tell me when it's there").answered()).text
    await ask(chat, ada, "/settings", "Settings")
    account.credit = Decimal("10.00")
    sandbox.clock.put_forward(timedelta(minutes=1))
    there = await chat.wait_for(says(f"The credit for invoice {invoice.id} is there", "Credit €10.00"), after=new)
    assert not there.silent
    assert invoice.is_open
    ada.press(there, "💳 Pay €7.95 with credit")
    asked = await chat.wait_for(says("Pay €7.95"), after=there)
    ada.press(asked, "✅ Pay €7.95")
    await chat.wait_for(lambda message: message.id == asked.id and "is paid" in message.text)


@pytest.mark.parametrize("fault", [Fault.PERMISSION_MISSING, Fault.HTML_INSTEAD])
async def test_who_waits_for_credit_is_told_although_it_could_not_be_read_once(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, fault: Fault
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
    new = await chat.wait_for(says(f"New invoice {invoice.id}"), after=greeting)
    question = await ask(chat, ada, f"/pay {invoice.id}", "Credit €5.02. €2.93 short.")
    assert "every minute" in (await ada.press(question, "🔔 Tell me when it's there").answered()).text
    sandbox.provider.faults.switch_on(fault, Call.CLIENT)
    asked = asked_for_credit(sandbox)
    sandbox.clock.put_forward(timedelta(minutes=1))
    await until(lambda: asked_for_credit(sandbox) > asked)
    sandbox.provider.faults.switch_off(fault)
    account.credit = Decimal("10.00")
    sandbox.clock.put_forward(timedelta(minutes=1))
    await chat.wait_for(says(f"The credit for invoice {invoice.id} is there", "Credit €10.00"), after=new)


async def test_a_broken_answer_does_not_hide_for_a_day_what_can_be_read(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    await ask(chat, ada, "/status", "Credit: €5.02")
    sandbox.provider.faults.switch_on(Fault.HTML_INSTEAD, Call.CLIENT)
    sandbox.clock.put_forward(timedelta(minutes=2))
    await ask(chat, ada, "/status", "Credit")
    sandbox.provider.faults.switch_off(Fault.HTML_INSTEAD)
    account.credit = Decimal("6.00")
    sandbox.clock.put_forward(timedelta(minutes=2))
    await ask(chat, ada, "/status", "Credit: €6.00")


async def test_a_refusal_for_lack_of_credit_offers_to_tell_when_it_is_there(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    account.credit = Decimal(0)
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
    await chat.wait_for(says(f"New invoice {invoice.id}", "Credit €0.00. €7.95 short."), after=greeting)
    question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €7.95")
    ada.press(question, "✅ Pay €7.95")
    refused = await chat.wait_for(lambda m: m.id == question.id and "not enough credit" in m.text)
    assert "🔔 Tell me when it's there" in [button.text for button in refused.buttons]


async def test_personal_data_of_the_account_are_neither_kept_nor_shown(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, tmp_path: Path
) -> None:
    await ask(chat, ada, "/status", "Credit: €5.02")
    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert stored
    assert not any(b"Lovelace" in content for content in stored)
    assert not any("Lovelace" in message.text for message in chat.messages if message.sender.is_bot)


async def test_a_token_without_the_permission_meets_no_error_and_is_asked_again_after_a_day(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    await ask(chat, ada, "/status", "Credit")
    account.shows_credit = False
    sandbox.clock.put_forward(timedelta(minutes=2))
    listed = await ask(chat, ada, "/invoices", "Your invoices")
    assert "Credit" not in listed.text
    asked = asked_for_credit(sandbox)
    account.shows_credit = True
    assert "Credit" not in (await ask(chat, ada, "/status", "Linked since")).text
    assert asked_for_credit(sandbox) == asked
    sandbox.clock.put_forward(DAY)
    await ask(chat, ada, "/status", "Credit: €5.02")


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.HTML_INSTEAD, Fault.EMPTY, Fault.CUT_JSON, Fault.WRONG_TYPE])
async def test_whatever_the_call_answers_the_list_is_as_before(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault, Call.CLIENT)
    sandbox.clock.put_forward(timedelta(minutes=2))
    await ask(chat, ada, "/invoices", "Your invoices")


async def test_another_currency_is_shown_as_it_is_and_compared_with_nothing(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    account.currency = "CHF"
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
    told = await chat.wait_for(says(f"New invoice {invoice.id}", "Credit: CHF"), after=greeting)
    assert "short" not in told.text
