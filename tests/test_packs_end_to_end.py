"""Packs over real HTTP: a period by button and typed, the ZIP opened, what is missing, cancelling."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice, XmlForm
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask


def bill(sandbox: Sandbox, account: Account, day: date, amount: str, kind: str = "Hosting") -> SandboxInvoice:
    invoice = sandbox.provider.create_invoice(account, Decimal(amount), kind=kind, paid=True)
    invoice.issued = day
    return invoice


@pytest.fixture
async def billed(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[list[SandboxInvoice]]:
    """Three invoices in the third quarter of 2025, and one in the fourth."""
    days = (date(2025, 7, 1), date(2025, 8, 20), date(2025, 9, 30), date(2025, 10, 1))
    kinds = ("Hosting", "Domain", "Hosting", "Hosting")
    made = [bill(sandbox, account, day, f"{n}.50", kind) for n, (day, kind) in enumerate(zip(days, kinds, strict=True))]
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield made


def opened(message: Message) -> zipfile.ZipFile:
    assert message.document is not None
    archive = zipfile.ZipFile(io.BytesIO(message.document.content))
    assert archive.testzip() is None
    return archive


async def pack(chat: Chat, ada: Person, text: str) -> Message:
    sent = ada.send(chat, text)
    return await chat.wait_for(lambda m: m.document is not None and m.document.name.endswith(".zip"), after=sent)


def pdfs(message: Message) -> list[str]:
    return [name for name in opened(message).namelist() if name.endswith(".pdf")]


async def test_a_typed_quarter_comes_as_one_zip_under_speaking_names(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    message = await pack(chat, ada, "/archive Q3 2025")
    assert message.document is not None
    assert message.document.name == "Invoices 2025-Q3.zip"
    assert "Q3 2025 · 3 invoices · €4.50" in message.text.replace("\N{NO-BREAK SPACE}", " ")
    names = pdfs(message)
    assert [name.split(" - ")[:2] for name in names] == [[str(i.issued), str(i.id)] for i in billed[:3]]
    assert names[2].endswith("2.50 EUR.pdf")
    assert all(opened(message).read(name).startswith(b"%PDF-") for name in names)
    tables = [name for name in opened(message).namelist() if name not in names]
    assert [name.rpartition(".")[2] for name in tables] == ["xlsx", "csv", "csv"]
    beside = await chat.wait_for(lambda m: m.document is not None and m.document.name == "Invoices 2025-Q3.xlsx")
    assert beside.document is not None
    assert zipfile.is_zipfile(io.BytesIO(beside.document.content))
    done = await chat.wait_for(lambda m: "✅" in m.text and "3 of 3" in m.text)
    assert not done.buttons


async def test_the_sum_below_a_pack_is_that_of_its_table_where_an_invoice_collects_others(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    """One that is collected may lie in another period, be no longer there, or be only a part of the payment."""
    for invoice, collected in ((billed[0], 1), (billed[2], billed[1].id)):
        invoice.items = [replace(item, type="Invoice", relid=collected) for item in invoice.items]
    message = await pack(chat, ada, "/archive Q3 2025")
    assert "3 invoices · €2.00" in message.text.replace("\N{NO-BREAK SPACE}", " ")
    [table] = [name for name in opened(message).namelist() if name.endswith("Invoices.csv")]
    rows = [*csv.DictReader(io.StringIO(opened(message).read(table).decode("utf-8-sig")))]
    assert sum(Decimal(row["Gross (EUR)"]) for row in rows) == Decimal("2.00")


async def test_what_was_cancelled_is_said_beside_the_sum(ada: Person, chat: Chat, billed: list[SandboxInvoice]) -> None:
    billed[2].status, billed[2].paid_at = "Cancelled", None
    message = await pack(chat, ada, "/archive Q3 2025")
    text = message.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "3 invoices · €4.50\nof that cancelled or refunded: €2.50" in text


async def test_an_e_invoice_without_a_pdf_keeps_its_ending(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    billed[1].xml = XmlForm.XRECHNUNG_UBL
    message = await pack(chat, ada, "/archive Q3 2025")
    assert len(pdfs(message)) == 2
    [xml] = [name for name in opened(message).namelist() if name.endswith(".xml")]
    assert opened(message).read(xml).startswith(b"<?xml")


async def test_a_type_narrows_it_and_a_month_has_its_button(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    assert len(pdfs(await pack(chat, ada, "/archive 2025 domain"))) == 1
    assert len(pdfs(await pack(chat, ada, "/archive 07.2025-08.2025"))) == 2
    menu = await ask(chat, ada, "/archive", "Which period?")
    ada.press(menu, "✏️ Another period")
    asked = await chat.wait_for(lambda m: "For example" in m.text, after=menu)
    wrong = ada.send(chat, "whenever")
    await chat.wait_for(lambda m: "I can't read a period" in m.text, after=wrong)
    assert len(pdfs(await pack(chat, ada, "October 2025"))) == 1
    assert asked.id < wrong.id


async def test_what_the_provider_cannot_give_is_listed_in_the_zip_and_said(
    sandbox: Sandbox, ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    sandbox.provider.faults.switch_on(Fault.HTML_AS_FILE, Call.PDF)
    message = await pack(chat, ada, "/archive 2025")
    listed = opened(message).namelist()[-1]
    assert (listed, pdfs(message)) == ("Missing documents.txt", [])
    text = opened(message).read(listed).decode("utf-8-sig")
    assert [str(i.id) in text for i in billed] == [True] * 4
    assert "Not in it" in message.text


async def test_the_table_comes_alone_if_that_is_wanted(ada: Person, chat: Chat, billed: list[SandboxInvoice]) -> None:
    menu = await ask(chat, ada, "/archive", "Which period?")
    await ada.press(menu, "☐ Only the table").answered()
    assert "A table" in menu.text
    ada.press(menu, "Everything")
    await chat.wait_for(lambda m: "the table has arrived" in m.text)
    sent = [m.document.name for m in chat.messages if m.document is not None]
    assert sent[0] == "Invoices.xlsx"
    assert [name.rpartition(".")[2] for name in sent] == ["xlsx", "csv", "csv"]


async def test_a_period_without_invoices_is_said_in_a_line(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    await ask(chat, ada, "/archive 1999", "1999: there are no invoices.")
    assert all(message.document is None for message in chat.messages)


async def test_cancelled_it_sends_nothing_more(
    sandbox: Sandbox, ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.PDF)
    progress = await ask(chat, ada, "/archive Q3 2025", "putting it together")
    ada.press(progress, "✖️ Cancel")
    sandbox.provider.faults.switch_off()
    await chat.wait_for(lambda m: "cancelled. Nothing was sent." in m.text)
    assert all(message.document is None for message in chat.messages)


async def test_all_documents_come_out_of_the_providers_own_archive_under_speaking_names(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    message = await pack(chat, ada, "/archive all")
    names = pdfs(message)
    assert len(names) == len(account.invoices)
    assert {f" - {i.id} - " for i in billed} <= {f" - {name.split(' - ')[1]} - " for name in names}
    asked = [request.path for request in sandbox.provider.requests if "download" in request.path]
    assert len(asked) == 1
    assert asked[0].endswith("archive")


async def test_where_the_archive_can_not_be_used_documents_come_one_by_one(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    sandbox.provider.faults.switch_on(Fault.HTML_AS_FILE, Call.ARCHIVE)
    assert len(pdfs(await pack(chat, ada, "/archive all"))) == len(account.invoices)


async def test_an_invoice_that_is_xml_alone_keeps_its_ending(
    ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    billed[0].xml = XmlForm.XRECHNUNG_CII
    message = await pack(chat, ada, "/archive July 2025")
    [name] = [name for name in opened(message).namelist() if name.endswith(".xml")]
    assert name.endswith(" EUR.xml")


async def test_each_month_it_comes_by_itself_once_and_an_empty_month_is_said_in_a_line(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, billed: list[SandboxInvoice]
) -> None:
    today = sandbox.provider.today
    billed[0].issued = today
    menu = await ask(chat, ada, "/settings", "Settings")
    await ada.press(menu, "🗂 Documents as a ZIP").answered()
    await ada.press(menu, "Monthly").answered()
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    sandbox.clock.put_forward(timedelta(days=(next_month - today).days))
    message = await chat.wait_for(lambda m: m.document is not None and m.document.name.endswith(".zip"), after=menu)
    assert f"- {billed[0].id} -" in " ".join(pdfs(message))
    in_two = (next_month + timedelta(days=32)).replace(day=1)
    sandbox.clock.put_forward(timedelta(days=(in_two - next_month).days))
    await chat.wait_for(lambda m: "there are no invoices" in m.text, after=message)
    assert sum(m.document is not None and m.document.name.endswith(".zip") for m in chat.messages) == 1
