"""Send an invoice's PDF with what it is. What the messenger has already goes again without a download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

from bot.domain.chats import Chat
from bot.domain.documents import SentDocument, mark_of, sent_as
from bot.domain.invoices import Invoice
from bot.errors import ChatClosed, ProviderError, SendRefused, StoreAway, TextRefused
from bot.ports import ChatStore, Document, InvoiceDocument, PostDocument
from bot.services.failures import log_failure
from bot.services.permissions import link_of
from bot.services.reading import AccountReads


class Documents:
    """Sends the PDFs of a linked chat's invoices."""

    def __init__(self, reads: AccountReads, store: ChatStore) -> None:
        self._reads = reads
        self._store = store

    async def send(self, chat: Chat, number: int, post: PostDocument, invoice: Invoice | None = None) -> None:
        """Send an invoice's PDF by ``post``. Pass the ``invoice`` if it was read just now; else it is read here.

        A file that the messenger has goes again, as long as the invoice stands as it stood then. If the messenger
        refuses it, the PDF is uploaded, once. If only the invoice can't be read, the PDF comes with what is known.

        Raise :class:`NotLinked`, a :class:`bot.errors.ProviderError`, or a :class:`bot.errors.MessengerError`.
        """
        link, language = link_of(chat), chat.reply_language
        async with self._reading(chat, number, invoice) as reading:
            if any(document.invoice_id == number for document in chat.documents) and (found := await reading):
                file_id = sent_as(chat.documents, number, mark_of(found, language))
                if file_id is not None and await self._sent_again(chat, found, file_id, post):
                    return
            async with self._reads.pdf(chat, number) as file:
                found = await reading
                file_id = await post(await self._described(chat, number, file, found))
        if found is not None and file_id:
            with suppress(StoreAway):  # then it is uploaded once more
                sent = SentDocument(number, mark_of(found, language), file_id)
                await self._store.keep_document(chat.key, link.account, sent)

    async def _sent_again(self, chat: Chat, invoice: Invoice, file_id: str, post: PostDocument) -> bool:
        """Send a file that the messenger has. Return False if it refuses that, and neither chat nor text is why."""
        try:
            await post(await self._described(chat, invoice.id, file_id, invoice))
        except (ChatClosed, TextRefused):
            raise
        except SendRefused as error:
            log_failure("document can't be sent again as it was", error, chat=chat.id)
            return False
        return True

    async def _described(
        self, chat: Chat, number: int, file: Document | str, invoice: Invoice | None
    ) -> InvoiceDocument:
        """Return the document with what is known of its invoice: from now, or else from the last check."""
        known = None if invoice is not None else (await self._store.known_invoices(chat.key)).get(number)
        return InvoiceDocument(number, file, invoice, known)

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
