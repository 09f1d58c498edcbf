"""/pdf and /archive: files, and what the bot says if there is none."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import (
    DocumentTooLarge,
    NoSpaceLeft,
    ProviderDown,
)
from bot.ports import InvoiceFilter
from bot.sandbox.telegram import ActionShown, ApiError, Chat, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import PAID_DOMAIN, invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    """Ada's chat, linked to an account with two open invoices, a paid one and the domain of the samples."""
    provider.add(invoice(1), invoice(2), paid(3), PAID_DOMAIN)
    await link(ada, chat)
    return chat


async def test_a_pdf_arrives_under_its_name_while_the_chat_shows_that_it_comes(
    ada: Person, linked: Chat, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    gate = provider.gates["pdf"] = asyncio.Event()
    with telegram.subscribe() as changes:
        ada.send(linked, "/pdf 3")
        async with asyncio.timeout(10):
            shown = await anext(change async for change in changes if isinstance(change, ActionShown))
        assert (shown.action, shown.chat.id) == ("upload_document", linked.id)
    assert linked.messages[-1].document is None
    gate.set()
    message = await linked.wait_for(lambda m: m.document is not None)
    assert message.document is not None
    assert (message.document.name, message.document.content) == ("Rechnung-3.pdf", provider.content)


async def test_of_several_numbers_every_pdf_arrives_in_their_order(ada: Person, linked: Chat) -> None:
    sent = ada.send(linked, "/pdf 3 1O1 999 2 212032")
    await linked.wait_for(lambda m: m.document is not None and m.document.name == "Rechnung-212032.pdf", after=sent)
    came = [m.document.name if m.document else plain(m) for m in linked.messages if m.sender.is_bot and m.id > sent.id]
    assert came == [
        "“1O1” is not an invoice number, so I left it out.",
        "Rechnung-3.pdf",
        "Invoice 999: Your account has no such invoice. /invoices lists all of them.",
        "Rechnung-2.pdf",
        "Rechnung-212032.pdf",
    ]


async def test_the_pdfs_button_sends_it_below(ada: Person, linked: Chat) -> None:
    details = await ask(ada, linked, "/invoice 3", "Invoice 3")
    press = ada.press(details, "📄 PDF")
    message = await linked.wait_for(lambda m: m.document is not None)
    await press.answered()
    assert message.id > details.id
    assert details.text.startswith("🧾 Invoice 3")


async def test_a_pdf_that_is_too_large_is_a_sentence(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.failures["pdf"] = DocumentTooLarge(50)
    await ask(ada, linked, "/pdf 3", "This file is over 50 MB", "from your provider's website")


async def test_a_full_temporary_folder_is_a_sentence(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.failures["pdf"] = NoSpaceLeft()
    await ask(ada, linked, "/pdf 3", "There is no room for this file at the moment.", "in a few minutes")


async def test_one_that_telegram_finds_too_large_is_the_same_sentence(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.server_error(413, method="sendDocument")
    await ask(ada, linked, "/pdf 3", "This file is over 50 MB")


async def test_a_file_that_telegram_refuses_is_not_met_with_silence(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: wrong file"), method="sendDocument")
    await ask(ada, linked, "/pdf 3", "I could not send the file")


async def test_a_file_whose_sending_broke_off_is_not_met_with_silence(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.cut(delivered=False, method="sendDocument")
    await ask(ada, linked, "/pdf 3", "I could not send the file")


async def test_a_file_that_telegram_holds_off_for_long_is_not_met_with_silence(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.flood(600, method="sendDocument")
    await ask(ada, linked, "/pdf 3", "I could not send the file")


async def test_a_file_that_telegram_holds_off_for_a_moment_comes_after_it(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.flood(1, method="sendDocument")  # the shortest there is
    ada.send(linked, "/pdf 3")
    await linked.wait_for(lambda message: message.document is not None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (" hosting", InvoiceFilter(type="Hosting")),
        (" Domain transactions", InvoiceFilter(type="Domain", with_transactions=True)),
    ],
)
async def test_the_archive_takes_the_filters_that_the_provider_has(
    ada: Person, linked: Chat, provider: FakeProvider, words: str, expected: InvoiceFilter
) -> None:
    ada.send(linked, f"/archive{words}")
    message = await linked.wait_for(lambda m: m.document is not None)
    assert message.document is not None
    assert message.document.name == "Rechnungen.zip"
    assert provider.filters[-1] == expected


async def test_the_archive_has_no_other_filters(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/archive paid", "I can't read a period in “paid”.", "Q3 2025")


async def test_a_failure_that_comes_too_late_for_a_pop_up_is_a_message(
    ada: Person, linked: Chat, provider: FakeProvider, time: Time
) -> None:
    details = await ask(ada, linked, "/invoice 3", "Invoice 3")
    gate = provider.gates["pdf"] = asyncio.Event()
    provider.failures["pdf"] = ProviderDown()
    ada.press(details, "📄 PDF")
    await provider.reached()
    time.forward(timedelta(minutes=2))
    gate.set()
    await linked.wait_for(from_bot("can't be reached"), after=details)
