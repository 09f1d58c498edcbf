"""List invoices, read one, fetch documents: always fresh from the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from bot.domain.chats import Chat
from bot.domain.invoices import UNREADABLE_NAMED, Listing, open_first
from bot.domain.queries import ItemKind, Query
from bot.errors import ArchiveEmpty, BotError, NotFound, ProviderError, UserError
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Document, InvoiceFilter
from bot.services.reading import AccountReads

LISTED_TYPES = frozenset({ItemKind.HOSTING, ItemKind.DONATION})
"""The item types that the provider's list can filter by, according to its reference. Others are filtered here."""


class Browsing:
    """Reads for a linked chat. All methods raise :class:`NotLinked` or a :class:`bot.errors.ProviderError`."""

    def __init__(self, reads: AccountReads) -> None:
        self.invoice = reads.invoice
        self._reads = reads

    async def listing(self, chat: Chat, query: Query) -> Listing:
        """Return the invoices that match, the open ones first."""
        # Not the status: "open" is the provider's is_open, and several statuses can have it.
        listing = await self._reads.listing(chat, _for_provider(query, LISTED_TYPES))
        left = replace(query, kind=ItemKind.ANY) if query.kind in LISTED_TYPES else query
        return await off_loop(len(listing.invoices) > HEAVY_COUNT, _chosen, listing, left)

    async def listings(self, accounts: Sequence[Chat], query: Query) -> list[Listing | BotError]:
        """Return the list of each account, or why it can't be had. One that fails leaves the others alone."""

        async def listed(chat: Chat) -> Listing | BotError:
            try:
                return await self.listing(chat, query)
            except (UserError, ProviderError) as error:
                return error

        return await asyncio.gather(*map(listed, accounts))

    async def accounts_with(self, accounts: Sequence[Chat], invoice_id: int) -> list[Chat]:
        """Return those of a chat's accounts that have an invoice with this number. Raise :class:`NotFound` if none has.

        What one account's provider does not say is passed over, if another one has it.
        """
        found = await asyncio.gather(*(self.invoice(chat, invoice_id) for chat in accounts), return_exceptions=True)
        having = [chat for chat, what in zip(accounts, found, strict=True) if not isinstance(what, BaseException)]
        failures = [what for what in found if isinstance(what, BaseException)]
        if not having:
            raise next((error for error in failures if not isinstance(error, NotFound)), failures[0])
        return having

    def archive(self, chat: Chat, query: Query) -> AbstractAsyncContextManager[Document]:
        """Return all invoices, or those of a type, or with transactions, as a ZIP.

        Entering the context may raise :class:`ArchiveEmpty`.
        """
        return _with_content(self._reads.archive(chat, _for_provider(query, frozenset(ItemKind) - {ItemKind.ANY})))


@asynccontextmanager
async def _with_content(download: AbstractAsyncContextManager[Document]) -> AsyncIterator[Document]:
    async with download as document:
        if document.is_empty:
            raise ArchiveEmpty
        yield document


def _chosen(listing: Listing, query: Query) -> Listing:
    wanted = [invoice for invoice in listing.invoices if query.fits(invoice)]
    # The items say of which kind an invoice is. Where they can't be read, nobody knows.
    of_any_kind = [one for one in listing.invoices if replace(query, kind=ItemKind.ANY).fits(one)]
    unclear = [one.id for one in of_any_kind if one.items_unreadable and not query.fits(one)]
    return replace(
        listing,
        invoices=tuple(open_first(wanted)),
        unreadable=listing.unreadable + len(unclear),
        unreadable_ids=(*listing.unreadable_ids, *unclear)[:UNREADABLE_NAMED],
        hides_unclear=listing.has_unclear,
    )


def _for_provider(query: Query, types: frozenset[ItemKind]) -> InvoiceFilter:
    kind = query.kind.capitalize() if query.kind in types else None
    return InvoiceFilter(type=kind, with_transactions=query.with_transactions)
