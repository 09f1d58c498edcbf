"""PDFs over real HTTP: with their caption, uploaded once, and again when the invoice or Telegram asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask


@pytest.fixture
async def invoice(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[SandboxInvoice]:
    made = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield made


async def pdf(chat: Chat, ada: Person, invoice: SandboxInvoice) -> Message:
    sent = ada.send(chat, f"/pdf {invoice.id}")
    return await chat.wait_for(lambda m: m.document is not None, after=sent)


def uploads(sandbox: Sandbox) -> list[bool]:
    """Return for each document whether it was uploaded, or sent again by its id."""
    return [bool(call.uploads) for call in sandbox.telegram.calls_of("sendDocument")]


def downloads(sandbox: Sandbox) -> int:
    return sum(request.path.endswith("/download") for request in sandbox.provider.requests)


async def test_a_pdf_says_what_it_is_and_leads_to_details_and_payment(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    message = await pdf(chat, ada, invoice)
    assert f"Invoice {invoice.id} · Open" in message.text
    assert "€12.34" in message.text
    assert "(in 10 days)" in message.text
    ada.press(message, "🔎 Details")
    details = await chat.wait_for(lambda m: "Left to pay" in m.text, after=message)
    ada.press(message, "💳 Pay €12.34 with credit")
    await chat.wait_for(lambda m: "Pay €12.34" in m.text, after=details)


async def test_it_goes_again_without_a_download_until_the_invoice_changes(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    first, second = await pdf(chat, ada, invoice), await pdf(chat, ada, invoice)
    assert first.document is not None
    assert second.document is first.document
    assert (uploads(sandbox), downloads(sandbox)) == ([True, False], 1)
    invoice.status, invoice.paid_at = "Paid", sandbox.clock()
    third = await pdf(chat, ada, invoice)
    assert "· Paid" in third.text
    assert third.document is not first.document
    assert (uploads(sandbox), downloads(sandbox)) == ([True, False, True], 2)


async def test_a_file_that_telegram_does_not_know_any_more_is_uploaded_once(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    await pdf(chat, ada, invoice)
    sandbox.telegram.state.files.clear()  # as for a bot with another token
    await pdf(chat, ada, invoice)
    assert (uploads(sandbox), downloads(sandbox)) == ([True, False, True], 2)
    await pdf(chat, ada, invoice)
    assert (uploads(sandbox), downloads(sandbox)) == ([True, False, True, False], 2)


async def test_it_comes_though_its_invoice_cannot_be_read(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    sandbox.provider.faults.switch_on(Fault.HTML_INSTEAD, on=Call.INVOICE)
    message = await pdf(chat, ada, invoice)
    assert f"Invoice {invoice.id}" in message.text
    assert "I can't tell at the moment whether it is paid." in message.text


async def test_unlinking_forgets_what_was_sent(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    await pdf(chat, ada, invoice)
    question = await ask(chat, ada, "/unlink", "Remove the link?")
    await ada.press(question, question.buttons[0].text).answered()
    await ask(chat, ada, f"/link {TOKEN}", "linked")
    await pdf(chat, ada, invoice)
    assert uploads(sandbox) == [True, True]


async def test_a_chat_that_wants_it_gets_files_that_cannot_be_forwarded(
    ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    assert not (await pdf(chat, ada, invoice)).protected
    menu = await ask(chat, ada, "/settings", "Settings")
    await ada.press(menu, "🔒 Protect files").answered()
    again = await pdf(chat, ada, invoice)
    assert again.protected
    archive = ada.send(chat, "/archive hosting")
    assert (await chat.wait_for(lambda m: m.document is not None, after=archive)).protected
    own_data = ada.send(chat, "/export")
    assert not (await chat.wait_for(lambda m: m.document is not None, after=own_data)).protected
