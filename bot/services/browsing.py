"""List invoices, read one, fetch documents: always fresh from the provider."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from bot.domain.chats import Chat
from bot.domain.invoices import Invoice, Listing, open_first
from bot.domain.queries import ItemKind, Query
from bot.ports import Document, InvoiceFilter, Provider
from bot.services.permissions import link_of

LISTED_TYPES = frozenset({ItemKind.HOSTING, ItemKind.DONATION})
"""The item types that the provider's list can filter by, according to its reference. Others are filtered here."""


class Browsing:
    """Reads for a linked chat. All methods raise :class:`NotLinked` or a :class:`bot.errors.ProviderError`."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def listing(self, chat: Chat, query: Query) -> Listing:
        """Return the invoices that match, the open ones first."""
        link = link_of(chat)
        # Not the status: "open" is the provider's is_open, and several statuses can have it.
        only = _for_provider(query, LISTED_TYPES)
        listing = await self._provider.list_invoices(link.token, chat.reply_language, only)
        left = replace(query, kind=ItemKind.ANY) if query.kind in LISTED_TYPES else query
        wanted = [invoice for invoice in listing.invoices if left.fits(invoice)]
        return Listing(tuple(open_first(wanted)), listing.unreadable)

    async def invoice(self, chat: Chat, invoice_id: int) -> Invoice:
        """Return one invoice."""
        return await self._provider.invoice(link_of(chat).token, chat.reply_language, invoice_id)

    def pdf(self, chat: Chat, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        """Return an invoice's PDF."""
        return self._provider.pdf(link_of(chat).token, chat.reply_language, invoice_id)

    def archive(self, chat: Chat, query: Query) -> AbstractAsyncContextManager[Document]:
        """Return all invoices, or those of a type, or with transactions, as a ZIP."""
        only = _for_provider(query, frozenset(ItemKind) - {ItemKind.ANY})
        return self._provider.archive(link_of(chat).token, chat.reply_language, only)


def _for_provider(query: Query, types: frozenset[ItemKind]) -> InvoiceFilter:
    kind = query.kind.capitalize() if query.kind in types else None
    return InvoiceFilter(type=kind, with_transactions=query.with_transactions)
