"""Read a linked chat's account. Any good answer shows that its token works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.domain.chats import Chat, Link
from bot.domain.invoices import Invoice, Listing
from bot.ports import CheckStore, Clock, Document, InvoiceFilter, Provider
from bot.services.failures import log_failure
from bot.services.permissions import link_of

EVERYTHING = InvoiceFilter()


class AccountReads:
    """All reads of an account but those of its checks. They raise :class:`NotLinked` or a ``ProviderError``.

    A good answer ends a refusal of the chat's token at once, whatever was read: nothing lasts that one answer said.
    """

    def __init__(self, provider: Provider, store: CheckStore, clock: Clock) -> None:
        self._provider = provider
        self._store = store
        self._clock = clock

    async def listing(self, chat: Chat, only: InvoiceFilter = EVERYTHING) -> Listing:
        """Return the invoices that the provider lists."""
        link = link_of(chat)
        listing = await self._provider.list_invoices(link.token, chat.reply_language, only)
        await self._note_good_answer(link)
        return listing

    async def invoice(self, chat: Chat, invoice_id: int) -> Invoice:
        """Return one invoice."""
        link = link_of(chat)
        invoice = await self._provider.invoice(link.token, chat.reply_language, invoice_id)
        await self._note_good_answer(link)
        return invoice

    def pdf(self, chat: Chat, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        """Return an invoice's PDF."""
        link = link_of(chat)
        return self._document(link, self._provider.pdf(link.token, chat.reply_language, invoice_id))

    def archive(self, chat: Chat, only: InvoiceFilter = EVERYTHING) -> AbstractAsyncContextManager[Document]:
        """Return a ZIP of the invoices that pass the filter."""
        link = link_of(chat)
        return self._document(link, self._provider.archive(link.token, chat.reply_language, only))

    @asynccontextmanager
    async def _document(self, link: Link, download: AbstractAsyncContextManager[Document]) -> AsyncIterator[Document]:
        async with download as document:
            await self._note_good_answer(link)
            yield document

    async def _note_good_answer(self, link: Link) -> None:
        if not link.watch.is_refused:
            return
        try:
            await self._store.end_refusal(link.account, self._clock())
        except Exception as error:  # noqa: BLE001  # it is logged; a later reading ends the refusal
            log_failure("end of a refusal can't be noted", error, chat=link.place.chat_id)
