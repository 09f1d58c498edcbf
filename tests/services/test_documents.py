"""An invoice's PDF: with what it is, downloaded once, sent again as the messenger has it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.einvoices import Check, EInvoice
from bot.domain.invoices import Invoice
from bot.errors import (
    ChatClosed,
    DeliveryUncertain,
    EInvoiceMissing,
    EInvoiceUnread,
    NotFound,
    NotLinked,
    ProviderDown,
    SendRefused,
    TextRefused,
)
from bot.ports import Document, InvoiceDocument
from bot.services.documents import Documents
from tests.services.world import OPEN, World


class Post:
    """Takes documents and keeps them under ids. ``refusals`` are raised in turn."""

    def __init__(self) -> None:
        self.taken: list[InvoiceDocument] = []
        self.refusals: list[Exception] = []

    async def __call__(self, document: InvoiceDocument) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(document)
        return f"file {len(self.taken)}"

    @property
    def files(self) -> list[str]:
        """Return what was sent: a kept file by its id, an uploaded one by its name."""
        return [d.file if isinstance(d.file, str) else d.file.name for d in self.taken]


@pytest.fixture
def post() -> Post:
    return Post()


async def send(world: World, post: Post, read: Invoice | None = None) -> None:
    await Documents(world.reads, world.store).send(await world.chat(), 7, post, read)


async def test_a_document_comes_with_its_invoice_which_was_read_once(paying: World, post: Post) -> None:
    await send(paying, post)
    assert [(d.invoice_id, d.invoice, d.known) for d in post.taken] == [(7, OPEN, None)]
    assert (paying.provider.calls_of("invoice"), paying.provider.calls_of("pdf")) == ([7], [7])


async def test_an_invoice_that_was_just_read_is_not_read_again(paying: World, post: Post) -> None:
    await send(paying, post, OPEN)
    await send(paying, post, OPEN)
    assert paying.provider.calls_of("invoice") == []
    assert post.files == ["invoice-7.pdf", "file 1"]


async def test_a_document_that_was_sent_goes_again_without_a_download(paying: World, post: Post) -> None:
    await send(paying, post)
    await paying.restart()
    await send(paying, post)
    assert post.files == ["invoice-7.pdf", "file 1"]
    assert paying.provider.calls_of("pdf") == [7]


async def test_a_changed_invoice_is_downloaded_anew(paying: World, post: Post) -> None:
    await send(paying, post)
    paying.account.put(replace(OPEN, credit=Decimal(4)))
    await send(paying, post)
    await send(paying, post)
    assert post.files == ["invoice-7.pdf", "invoice-7.pdf", "file 2"]


async def test_a_refused_file_is_uploaded_once_and_then_known_under_its_new_id(paying: World, post: Post) -> None:
    await send(paying, post)
    post.refusals = [SendRefused("Bad Request: wrong file identifier/HTTP URL specified")]
    await send(paying, post)
    await send(paying, post)
    assert post.files == ["invoice-7.pdf", "invoice-7.pdf", "file 2"]


async def test_a_refused_file_whose_upload_is_refused_too_ends_there(paying: World, post: Post) -> None:
    await send(paying, post)
    post.refusals = [SendRefused("Bad Request: wrong file"), SendRefused("Bad Request: something")]
    with pytest.raises(SendRefused):
        await send(paying, post)
    assert paying.provider.calls_of("pdf") == [7, 7]
    assert post.files == ["invoice-7.pdf"]


@pytest.mark.parametrize("error", [ChatClosed("no rights"), TextRefused("can't parse"), DeliveryUncertain()])
async def test_what_is_not_about_the_file_leads_to_no_upload(paying: World, post: Post, error: Exception) -> None:
    await send(paying, post)
    post.refusals = [error]
    with pytest.raises(type(error)):
        await send(paying, post)
    assert paying.provider.calls_of("pdf") == [7]


async def test_a_document_comes_with_what_is_known_if_only_its_invoice_cannot_be_read(
    paying: World, post: Post
) -> None:
    paying.provider.errors["invoice"] = ProviderDown()
    await send(paying, post)
    await send(paying, post)
    assert [(d.invoice, d.known and d.known.title) for d in post.taken] == [(None, "Web space 7")] * 2
    assert post.files == ["invoice-7.pdf"] * 2  # nobody knows whether it is still the same


async def test_what_is_wrong_with_the_pdf_is_raised(paying: World, post: Post) -> None:
    paying.provider.errors["pdf"] = NotFound()
    with pytest.raises(NotFound):
        await send(paying, post)
    assert post.taken == []


async def test_a_chat_that_is_not_linked_gets_none(world: World, post: Post) -> None:
    with pytest.raises(NotLinked):
        await send(world, post)


async def test_another_account_gets_none_of_the_older_ones(paying: World, post: Post) -> None:
    await send(paying, post)
    paying.provider.account("another-token-123").put(OPEN)
    await paying.link(token="another-token-123")
    await send(paying, post)
    assert post.files == ["invoice-7.pdf"] * 2


class Reader:
    """Finds e-invoices, or raises."""

    def __init__(self, found: EInvoice | Exception | None) -> None:
        self.found = found

    async def read(self, document: Document) -> EInvoice | None:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def xml(self, document: Document) -> bytes | None:
        return b"<xml/>" if await self.read(document) else None


EINVOICE = EInvoice("ZUGFeRD (EN 16931)", Check.VALID, "7", Decimal("10.00"), None)


async def test_what_is_known_of_an_e_invoice_goes_again_with_the_file(paying: World, post: Post) -> None:
    documents = Documents(paying.reads, paying.store, Reader(EINVOICE))
    await documents.send(await paying.chat(), 7, post)
    await paying.restart()
    await Documents(paying.reads, paying.store, Reader(None)).send(await paying.chat(), 7, post)
    assert post.files == ["invoice-7.pdf", "file 1"]
    assert [document.einvoice for document in post.taken] == [EINVOICE, EINVOICE]


async def test_a_document_that_cannot_be_searched_comes_and_is_searched_again_next_time(
    paying: World, post: Post
) -> None:
    reader = Reader(EInvoiceUnread())
    documents = Documents(paying.reads, paying.store, reader)
    await documents.send(await paying.chat(), 7, post)
    reader.found = EINVOICE
    await documents.send(await paying.chat(), 7, post)
    assert post.files == ["invoice-7.pdf", "invoice-7.pdf"]
    assert [document.einvoice for document in post.taken] == [None, EINVOICE]


async def test_the_xml_is_a_file_of_its_own_or_missing(paying: World) -> None:
    reader = Reader(EINVOICE)
    documents = Documents(paying.reads, paying.store, reader)
    async with documents.xml(await paying.chat(), 7) as document:
        assert (document.name, document.size, document.content.read()) == ("invoice-7.xml", 6, b"<xml/>")
    reader.found = None
    with pytest.raises(EInvoiceMissing):
        async with documents.xml(await paying.chat(), 7):
            pass
