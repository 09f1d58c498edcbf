"""Look at invoices: list them, show one, fetch documents. Always fresh from the provider."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.chats import Chat, Link
from bot.domain.invoices import Invoice, Listing, open_first
from bot.errors import NotLinked
from bot.ports import Document, InvoiceFilter, Provider

LISTED_TYPES = frozenset({"hosting", "donation"})
"""The item types that the provider's list can filter by, as its reference says; others are picked out here."""


class Show(StrEnum):
    """Which invoices to list, by whether something is to be paid."""

    ALL = "all"
    OPEN = "open"
    PAID = "paid"


class Kind(StrEnum):
    """Which item types to list; the values are the provider's types, in small letters."""

    ANY = "any"
    HOSTING = "hosting"
    DOMAIN = "domain"
    DONATION = "donation"


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody wants to see listed."""

    show: Show = Show.ALL
    kind: Kind = Kind.ANY
    with_transactions: bool = False


class Browsing:
    """Reads for a linked chat. Every method raises :class:`NotLinked` or a :class:`bot.errors.ProviderError`."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def listing(self, chat: Chat, query: Query) -> Listing:
        """The invoices that match, the open ones first."""
        link = _link(chat)
        listing = await self._provider.list_invoices(link.token, chat.reply_language, _for_list(query))
        wanted = [i for i in listing.invoices if _matches(i, query)]
        return Listing(tuple(open_first(wanted)), listing.unreadable)

    async def invoice(self, chat: Chat, invoice_id: int) -> Invoice:
        """One invoice."""
        return await self._provider.invoice(_link(chat).token, chat.reply_language, invoice_id)

    def pdf(self, chat: Chat, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        """An invoice's PDF."""
        return self._provider.pdf(_link(chat).token, chat.reply_language, invoice_id)

    def archive(self, chat: Chat, query: Query) -> AbstractAsyncContextManager[Document]:
        """All invoices, or those of a type, or with transactions, as a ZIP."""
        kind = None if query.kind is Kind.ANY else query.kind.capitalize()
        only = InvoiceFilter(type=kind, with_transactions=query.with_transactions)
        return self._provider.archive(_link(chat).token, chat.reply_language, only)


def _link(chat: Chat) -> Link:
    if chat.link is None:
        raise NotLinked
    return chat.link


def _for_list(query: Query) -> InvoiceFilter:
    # Not the status: "open" is the provider's is_open, which more than one status can have.
    kind = query.kind.capitalize() if query.kind in LISTED_TYPES else None
    return InvoiceFilter(type=kind, with_transactions=query.with_transactions)


def _matches(invoice: Invoice, query: Query) -> bool:
    if query.show is Show.OPEN and not invoice.is_open:
        return False
    if query.show is Show.PAID and (invoice.is_open or invoice.status.casefold() != "paid"):
        return False
    return query.kind is Kind.ANY or query.kind in LISTED_TYPES or invoice.has_type(query.kind)
