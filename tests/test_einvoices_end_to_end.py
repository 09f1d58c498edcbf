"""E-invoices over real HTTP: named below the document, offered as a file of their own, compared with the list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.einvoices import xml_of
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice, XmlForm
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask

XML = "📎 XML"
CHECKED = "E-invoice: ZUGFeRD (EN 16931), checked against its schema"


@pytest.fixture
async def invoice(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[SandboxInvoice]:
    made = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)
    made.xml = XmlForm.ZUGFERD
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield made


async def pdf(chat: Chat, ada: Person, invoice: SandboxInvoice) -> Message:
    sent = ada.send(chat, f"/pdf {invoice.id}")
    return await chat.wait_for(lambda m: m.document is not None, after=sent)


def buttons(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


async def test_it_is_named_and_its_xml_comes_as_a_file(
    sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    message = await pdf(chat, ada, invoice)
    assert CHECKED in message.text
    ada.press(message, XML)
    sent = await chat.wait_for(lambda m: m.document is not None, after=message)
    assert sent.document is not None
    assert sent.document.name.endswith(f"{invoice.id}.xml")
    assert sent.document.content == xml_of(invoice, XmlForm.ZUGFERD)


async def test_what_goes_again_still_says_so(ada: Person, chat: Chat, invoice: SandboxInvoice) -> None:
    first, second = await pdf(chat, ada, invoice), await pdf(chat, ada, invoice)
    assert second.document is first.document
    assert second.text == first.text
    assert XML in buttons(second)


async def test_another_total_is_told(sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice) -> None:
    sandbox.provider.faults.switch_on(Fault.OTHER_TOTAL, on=Call.PDF)
    message = await pdf(chat, ada, invoice)
    assert "The e-invoice comes to €92.34; the provider lists €12.34." in message.text


@pytest.mark.parametrize("form", [XmlForm.XRECHNUNG_CII, XmlForm.XRECHNUNG_UBL])
async def test_xml_in_the_place_of_a_pdf_is_sent_as_it_is(
    form: XmlForm, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    invoice.xml = form
    message = await pdf(chat, ada, invoice)
    assert message.document is not None
    assert message.document.name.endswith(".xml")
    assert "E-invoice: XRechnung" in message.text
    assert "checked against its schema" in message.text
    assert XML not in buttons(message)


async def test_half_an_xml_is_no_document(sandbox: Sandbox, ada: Person, chat: Chat, invoice: SandboxInvoice) -> None:
    invoice.xml = XmlForm.XRECHNUNG_UBL
    sandbox.provider.faults.switch_on(Fault.CUT_JSON, on=Call.PDF)
    sent = ada.send(chat, f"/pdf {invoice.id}")
    answer = await chat.wait_for(lambda m: m.sender is not ada.user, after=sent)
    assert answer.document is None


async def test_where_it_is_gone_a_press_says_so(ada: Person, chat: Chat, invoice: SandboxInvoice) -> None:
    message = await pdf(chat, ada, invoice)
    invoice.xml = None
    ada.press(message, XML)
    await chat.wait_for(lambda m: "no longer contains an e-invoice" in m.text, after=message)
