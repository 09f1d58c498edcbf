"""The invoice API: its six calls."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from bot.domain.chats import Token
from bot.domain.invoices import Invoice, Listing


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """The filters that the provider's list and archive take; None or False: don't filter."""

    status: str | None = None
    type: str | None = None
    with_transactions: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A downloaded file: a safe ``name`` with its ending, and the content at its start, ``size`` bytes long."""

    name: str
    content: BinaryIO
    size: int


class Provider(Protocol):
    """The provider's six calls. ``language`` (``en``, ``de``) is asked for in its answers.

    All raise :class:`bot.errors.ProviderError`. Reads are retried within; ``pay`` and ``remove_credit`` never are,
    and what they did is told by reading the invoice, not by their answer. Reads wait for their turn in what all
    processes together may ask; who pays waits by ``make_room`` first, so that the request itself leaves at once.
    """

    async def make_room(self) -> None: ...

    async def list_invoices(self, token: Token, language: str, only: InvoiceFilter = ...) -> Listing: ...

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice: ...

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]: ...

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = ...
    ) -> AbstractAsyncContextManager[Document]: ...

    async def pay(self, token: Token, language: str, invoice_id: int) -> None: ...

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None: ...
