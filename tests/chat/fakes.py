"""A clock that tests put forward, and a provider in memory that fails or waits on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import cast

from bot.domain.chats import Token
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Listing
from bot.errors import NotFound, PermissionMissing, TokenRefused
from bot.factories import Providers
from bot.ports import Document, InvoiceFilter
from bot.provider.client import ProviderClient
from bot.provider.space import TemporarySpace
from tests.chat.samples import NOW

TOKEN = "a-token-of-the-provider-0123456789"
"""The token that :class:`FakeProvider` accepts."""

NO_FILTER = InvoiceFilter()


class Time:
    """The clock of the bot and of its Telegram."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


class FakeProvider:
    """One account with its ``tokens``, at first only :data:`TOKEN`. Implements :class:`bot.ports.Provider`.

    By a method's name, ``failures`` holds the error it raises, and ``gates`` an event that it waits for. ``languages``
    and ``filters`` record what the calls asked for.
    """

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.invoices: dict[int, Invoice] = {}
        self.unreadable = 0
        self.balance: Decimal | None = None
        self.failures: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.languages: list[str] = []
        self.filters: list[InvoiceFilter] = []
        self.posts: list[tuple[str, int]] = []
        self.content = b"%PDF-1.7 an invoice"
        self._held = 0
        self._another = asyncio.Condition()

    def add(self, *invoices: Invoice) -> None:
        self.invoices |= {invoice.id: invoice for invoice in invoices}

    @property
    def held(self) -> int:
        """How many calls have come to a gate."""
        return self._held

    async def reached(self, times: int = 1) -> None:
        """Wait until so many calls have come to a gate."""
        async with asyncio.timeout(10), self._another:
            await self._another.wait_for(lambda: self._held >= times)

    async def list_invoices(
        self, token: Token, language: str, only: InvoiceFilter = NO_FILTER, begin: str = ""
    ) -> Listing:
        await self._begin("list_invoices", token, language)
        self.filters.append(only)
        kinds = {only.type} if only.type else set()
        found = [i for i in self.invoices.values() if all(i.has_type(kind) for kind in kinds)]
        return Listing(tuple(found), self.unreadable)

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        await self._begin("invoice", token, language)
        return self._found(invoice_id)

    async def credit(self, token: Token, language: str) -> Credit:
        await self._begin("credit", token, language)
        if self.balance is None:
            raise PermissionMissing("read")
        return Credit(self.balance, "EUR")

    @asynccontextmanager
    async def pdf(self, token: Token, language: str, invoice_id: int) -> AsyncIterator[Document]:
        await self._begin("pdf", token, language)
        number = self._found(invoice_id).id
        yield Document(f"Rechnung-{number}.pdf", BytesIO(self.content), len(self.content))

    @asynccontextmanager
    async def archive(self, token: Token, language: str, only: InvoiceFilter = NO_FILTER) -> AsyncIterator[Document]:
        await self._begin("archive", token, language)
        self.filters.append(only)
        yield Document("Rechnungen.zip", BytesIO(b"PK all of them"), 14)

    async def pay(self, token: Token, language: str, invoice_id: int) -> None:
        await self._begin("pay", token, language)
        self.posts.append(("pay", invoice_id))
        self.add(replace(self._found(invoice_id), status="Paid", is_open=False))

    async def make_room(self) -> None:
        pass

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None:
        await self._begin("remove_credit", token, language)
        self.posts.append(("remove_credit", invoice_id))
        self.add(replace(self._found(invoice_id), credit=Decimal(0)))

    def _found(self, invoice_id: int) -> Invoice:
        if invoice_id not in self.invoices:
            raise NotFound
        return self.invoices[invoice_id]

    async def _begin(self, method: str, token: Token, language: str) -> None:
        self.languages.append(language)
        if gate := self.gates.get(method):
            async with self._another:
                self._held += 1
                self._another.notify_all()
            await gate.wait()
        if token.reveal() not in self.tokens:
            raise TokenRefused
        if failure := self.failures.get(method):
            raise failure


def fake_providers(provider: FakeProvider) -> Providers:
    """Return the fake as all clients that the bot needs."""
    client = cast("ProviderClient", provider)
    return Providers(client, client, client, TemporarySpace())
