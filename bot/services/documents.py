"""Send an invoice's PDF with what it is. What the messenger has already goes again without a download."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

from bot.domain.chats import Chat
from bot.domain.documents import SentDocument, mark_of, sent_as
from bot.domain.einvoices import EInvoice
from bot.domain.invoices import Invoice
from bot.errors import (
    ChatClosed,
    EInvoiceMissing,
    EInvoiceUnread,
    ProviderError,
    SendRefused,
    StoreAway,
    TextRefused,
)
from bot.ports import ChatStore, Document, EInvoiceReader, InvoiceDocument, PostDocument
from bot.services.failures import log_failure
from bot.services.permissions import link_of
from bot.services.reading import AccountReads


class Documents:
    """Sends the PDFs of a linked chat's invoices."""

    def __init__(self, reads: AccountReads, store: ChatStore, einvoices: EInvoiceReader | None = None) -> None:
        self._reads = reads
        self._store = store
        self._einvoices = einvoices

    async def send(self, chat: Chat, number: int, post: PostDocument, invoice: Invoice | None = None) -> None:
        """Send an invoice's PDF by ``post``. Pass the ``invoice`` if it was read just now; else it is read here.

        A file that the messenger has goes again, as long as the invoice stands as it stood then. If the messenger
        refuses it, the PDF is uploaded, once. If only the invoice can't be read, the PDF comes with what is known.

        Raise :class:`NotLinked`, a :class:`bot.errors.ProviderError`, or a :class:`bot.errors.MessengerError`.
        """
        link, language = link_of(chat), chat.reply_language
        async with self._reading(chat, number, invoice) as reading:
            if any(document.invoice_id == number for document in chat.documents) and (found := await reading):
                sent = sent_as(chat.documents, number, mark_of(found, language))
                if sent is not None and await self._sent_again(chat, found, sent, post):
                    return
            async with self._reads.pdf(chat, number) as file:
                is_searched, einvoice = await self._searched(chat, file)
                found = await reading
                file_id = await post(await self._described(chat, number, file, found, einvoice))
        if found is not None and file_id and is_searched:
            with suppress(StoreAway):  # then it is uploaded once more
                sent = SentDocument(number, mark_of(found, language), file_id, einvoice)
                await self._store.keep_document(chat.key, link.account, sent)

    @asynccontextmanager
    async def xml(self, chat: Chat, number: int) -> AsyncIterator[Document]:
        """Return the XML of an invoice's e-invoice as a file.

        Raise :class:`EInvoiceMissing`, :class:`EInvoiceUnread`, :class:`NotLinked`, or a ``ProviderError``.
        """
        async with self._reads.pdf(chat, number) as file:
            content = None if self._einvoices is None else await self._einvoices.xml(file)
            name = f"{file.name.rpartition('.')[0]}.xml"
        if content is None:
            raise EInvoiceMissing
        yield Document(name, io.BytesIO(content), len(content))

    async def _searched(self, chat: Chat, file: Document) -> tuple[bool, EInvoice | None]:
        """Return whether a file could be searched for an e-invoice, and that. Whatever is in it, the file is sent."""
        if self._einvoices is None:
            return True, None
        try:
            return True, await self._einvoices.read(file)
        except EInvoiceUnread as error:
            log_failure("document is sent without a look for an e-invoice", error, chat=chat.id)
            return False, None

    async def _sent_again(self, chat: Chat, invoice: Invoice, sent: SentDocument, post: PostDocument) -> bool:
        """Send a file that the messenger has. Return False if it refuses that, and neither chat nor text is why."""
        try:
            await post(await self._described(chat, invoice.id, sent.file_id, invoice, sent.einvoice))
        except (ChatClosed, TextRefused):
            raise
        except SendRefused as error:
            log_failure("document can't be sent again as it was", error, chat=chat.id)
            return False
        return True

    async def _described(
        self, chat: Chat, number: int, file: Document | str, invoice: Invoice | None, einvoice: EInvoice | None
    ) -> InvoiceDocument:
        """Return the document with what is known of its invoice: from now, or else from the last check."""
        known = None if invoice is not None else (await self._store.known_invoices(chat.key)).get(number)
        return InvoiceDocument(number, file, invoice, known, einvoice)

    @asynccontextmanager
    async def _reading(
        self, chat: Chat, number: int, invoice: Invoice | None
    ) -> AsyncIterator[Awaitable[Invoice | None]]:
        """Read the invoice beside its PDF: nobody waits for one after the other."""
        reading = asyncio.create_task(self._read(chat, number, invoice))
        try:
            yield reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, chat: Chat, number: int, invoice: Invoice | None) -> Invoice | None:
        """Return the invoice. None: it can't be read. If that is no passing trouble, the PDF's reading says so."""
        if invoice is not None:
            return invoice
        try:
            return await self._reads.invoice(chat, number)
        except ProviderError as error:
            log_failure("invoice can't be read for its PDF", error, chat=chat.id)
            return None
