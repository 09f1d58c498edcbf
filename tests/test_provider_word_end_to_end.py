"""Only the API speaks for the API, and all of it is read: the real bot in the sandbox, whose provider answers oddly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from bot.application import running
from bot.provider import list_reading
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.provider.page_forms import PageForm
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says, until

DAY = timedelta(days=1)


@pytest.fixture
async def bot(sandbox: Sandbox, account: Account, tmp_path: Path) -> AsyncIterator[None]:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield


@pytest.fixture
async def greeting(bot: None, ada: Person, chat: Chat) -> Message:
    """The bot's greeting in a chat that was just linked, at ten in the morning."""
    return await ask(chat, ada, f"/link {TOKEN}", "linked")


def in_message(message: Message, words: str) -> Callable[[Message], bool]:
    """Return whether this message says so by now."""
    return lambda other: other.id == message.id and words in other.text


async def checks(sandbox: Sandbox, number: int = 2) -> None:
    """Wait until the list was asked for so many times more."""
    asked = len(sandbox.provider.requests)
    await until(lambda: sum(r.path.endswith("/invoices") for r in sandbox.provider.requests[asked:]) >= number)


# --- Who speaks ------------------------------------------------------------------------------------------------------


async def test_what_is_not_the_api_s_is_an_outage_and_the_checks_go_on(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    for fault, status, words in (
        (Fault.CHALLENGE, 403, "The provider can't be reached at the moment"),
        (Fault.CHALLENGE, 404, "should check the address"),
        (Fault.GATEWAY_JSON, 401, "The provider can't be reached at the moment"),
    ):
        sandbox.provider.faults.switch_on(fault, status=status)
        await checks(sandbox)
        before = await ask(chat, ada, "/invoices", words)
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=1)
        sandbox.provider.faults.switch_off()
        await chat.wait_for(says("New invoice", str(invoice.id), "tomorrow"), after=before)
    told = [m.text for m in chat.messages if m.id > greeting.id and m.sender is not ada.user]
    assert all("New invoice" in text for text in told if "can't be reached" not in text and "address" not in text)


async def test_a_failure_in_whatever_dress_links_no_chat_and_its_words_are_told(
    sandbox: Sandbox, bot: None, chat: Chat, ada: Person
) -> None:
    for fault in (Fault.FAILURE_AS_SUCCESS, Fault.RESULT_ERROR, Fault.REFUSED_IN_DATA):
        sandbox.provider.faults.switch_on(fault, message="Invalid API key.")
        await ask(chat, ada, f"/link {TOKEN}", "The provider refused: “Invalid API key.”")
        await ask(chat, ada, "/status", "not linked")


async def test_the_provider_s_words_reach_the_person_whatever_the_status(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    for fault, status in product([Fault.REFUSED, Fault.REFUSED_IN_DATA], [400, 402, 403, 404, 409, 422, 423]):
        words = f"Nicht möglich ({fault}, {status})."
        sandbox.provider.faults.switch_on(fault, on=Call.INVOICE, times=1, status=status, message=words)
        await ask(chat, ada, f"/invoice {invoice.id}", f"“{words}”")


async def test_a_token_that_is_refused_with_400_stops_no_check_and_the_words_are_told(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.REFUSED_IN_DATA, on=Call.LIST, message="Invalid API key.")
    await checks(sandbox)
    status = await ask(chat, ada, "/status", "haven't been able to read your invoices", "“Invalid API key.”")
    assert "permission" not in status.text
    sandbox.clock.put_forward(2 * DAY)
    outage = await chat.wait_for(says("haven't been able to read your invoices", "“Invalid API key.”"), after=status)
    sandbox.provider.faults.switch_off()
    await chat.wait_for(says("I've been able to read your invoices again"), after=outage)


async def test_a_payment_that_is_refused_in_any_form_is_told_in_the_provider_s_words(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    for fault in (Fault.REFUSED_IN_DATA, Fault.RESULT_ERROR, Fault.FAILURE_AS_SUCCESS):
        sandbox.provider.faults.switch_on(fault, on=Call.PAY, times=1, message="Not enough credit")
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay")
        ada.press(question, question.buttons[0].text)
        end = await chat.wait_for(in_message(question, "was not paid"))
        assert "The provider refused: “Not enough credit”" in end.text


async def test_a_payment_stopped_by_a_firewall_s_page_is_neither_paid_nor_refused(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    sandbox.provider.faults.switch_on(Fault.CHALLENGE, on=Call.PAY)
    question = await ask(chat, ada, f"/pay {invoice.id}", "Pay")
    ada.press(question, question.buttons[0].text)
    await chat.wait_for(in_message(question, "have no confirmation yet"))


@pytest.mark.odd_calls
async def test_a_list_that_is_not_there_points_at_the_address(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, tmp_path: Path
) -> None:
    settings = sandbox.settings(tmp_path)
    beside = replace(settings, provider_url=f"{settings.provider_url}/beside")
    async with running(beside, clock=sandbox.clock, tick=TICK):
        answer = await ask(chat, ada, f"/link {TOKEN}", "address")
    assert "PROVIDER_URL" in answer.text
    assert "no such invoice" not in answer.text


# --- All of it -------------------------------------------------------------------------------------------------------


async def test_an_invoice_on_a_later_page_is_told(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    for form in (PageForm.PAGINATE, PageForm.WRAPPED, PageForm.FRACTAL):
        sandbox.provider.faults.switch_off()
        sandbox.provider.faults.switch_on(Fault.PAGED, form=form)
        invoice = sandbox.provider.create_invoice(account, Decimal(1), due=sandbox.provider.today)
        invoice.issued -= 30 * DAY  # so that it is on the last page but one
        await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)


async def test_a_list_of_more_pages_than_one_check_reads_is_read_on_by_the_next(
    sandbox: Sandbox, account: Account, bot: None, chat: Chat, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_reading, "MAX_PAGES", 4)
    sandbox.provider.faults.switch_on(Fault.PAGED)
    for _ in range(8):
        sandbox.provider.create_invoice(account, Decimal(1), due_in_days=20)
    linked = await ask(chat, ada, f"/link {TOKEN}", "linked")
    last = sandbox.provider.create_invoice(account, Decimal(1), due=sandbox.provider.today)
    last.issued -= 2000 * DAY  # so that it is on the last page
    await chat.wait_for(says("New invoice", str(last.id), "today"), after=linked)
    await ask(chat, ada, "/invoices", "counts 3 more invoices")


async def test_a_list_that_counts_more_than_it_holds_is_said_not_to_be_all(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    sandbox.provider.create_invoice(account, Decimal(1), due_in_days=20)
    hidden = sandbox.provider.create_invoice(account, Decimal(2), due_in_days=5)
    new = await chat.wait_for(says("New invoice", str(hidden.id)), after=greeting)
    sandbox.provider.faults.switch_on(Fault.COUNTS_MORE)
    del account.invoices[hidden.id]  # asked for singly, it is not there either
    sandbox.provider.create_invoice(account, Decimal(3), due_in_days=20)
    await chat.wait_for(says("1 of your invoices can't be read"), after=new)
    listed = await ask(chat, ada, "/invoices", "counts 1 more invoice")
    sandbox.clock.put_forward(2 * DAY)
    reminder = await chat.wait_for(says(f"{hidden.id} is due in 3 days"), after=listed)
    assert not any("gone" in m.text or "no longer" in m.text for m in chat.messages if m.id > greeting.id)
    assert "€2.00" in reminder.text


async def test_what_could_be_read_of_a_list_is_shown_and_reminders_come_for_the_rest(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    older = sandbox.provider.create_invoice(account, Decimal(2), due_in_days=8)
    new = await chat.wait_for(says("New invoice", str(older.id)), after=greeting)
    for amount in (3, 4, 5):
        sandbox.provider.create_invoice(account, Decimal(amount), due_in_days=20)
    sandbox.provider.faults.switch_on(Fault.LATER_PAGES_BROKEN)
    sandbox.provider.faults.switch_on(Fault.REFUSED, on=Call.INVOICE)
    listed = await ask(chat, ada, "/invoices", "counts 4 more invoices")
    assert "2 open invoices" in listed.text
    await checks(sandbox, 6)
    status = await ask(chat, ada, "/status", "haven't been able to read all of your invoices since")
    sandbox.clock.put_forward(DAY)
    await chat.wait_for(says(f"{older.id} is due in 7 days"), after=new)
    await chat.wait_for(says("I haven't been able to read all of your invoices since"), after=status)
    sandbox.provider.faults.switch_off()
    await chat.wait_for(says("I've been able to read your invoices again"), after=status)


# --- Odd invoices ----------------------------------------------------------------------------------------------------


async def test_an_invoice_in_an_odd_form_is_told_and_paid_like_any_other(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    account.invoices.clear()
    for fault in (Fault.DATES_AS_OBJECTS, Fault.ITEMS_AS_OBJECT, Fault.LONG_NUMBERS, Fault.TOO_DEEP):
        sandbox.provider.faults.switch_off()
        sandbox.provider.faults.switch_on(fault)
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=1)
        await chat.wait_for(says("New invoice", str(invoice.id), "€7.95", "tomorrow"), after=greeting)
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay")
        ada.press(question, question.buttons[0].text)
        await chat.wait_for(in_message(question, "is paid"))


async def test_a_due_date_that_cannot_be_read_is_told_with_its_number(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    first = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=8)
    new = await chat.wait_for(says("New invoice", str(first.id)), after=greeting)
    sandbox.provider.faults.switch_on(Fault.DATES_UNREADABLE)
    told = await chat.wait_for(says(f"The due date of invoice {first.id} can't be read"), after=new)
    second = sandbox.provider.create_invoice(account, Decimal(9))
    await chat.wait_for(says("New invoice", str(second.id), "Its due date can't be read"), after=told)
    await chat.wait_for(says("The due dates of invoices", f"{first.id} and {second.id}", "can't be read"), after=told)
    await ask(chat, ada, "/invoices", "The due dates of invoices", "due date can't be read")
    await ask(chat, ada, f"/invoice {second.id}", "Its due date can't be read")
    sandbox.clock.put_forward(DAY)
    await chat.wait_for(says(f"{first.id} is due in 7 days"), after=told)  # as it was known


async def test_items_that_cannot_be_read_are_said_to_be_missing(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    sandbox.provider.faults.switch_on(Fault.BROKEN_ITEMS, on=Call.INVOICE)
    await ask(chat, ada, f"/invoice {invoice.id}", "Some of its items can't be read")
