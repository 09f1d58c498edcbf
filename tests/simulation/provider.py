"""A simulated provider behind the port ``Provider``: customers' books with their whole history, and its bad days."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from bot.domain.chats import Token
from bot.domain.invoices import Invoice, Listing
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    TokenRefused,
)
from bot.ports import Clock, Document, InvoiceFilter
from tests.simulation.history import History, Span

EVERYTHING = InvoiceFilter()


@dataclass(slots=True)
class Books:
    """A customer's invoices, each with its history; None: the provider does not have it, not yet or no more.

    ``hidden`` are left out of the list though they are there; ``odd`` can't be read when they are asked for singly.
    ``failure`` is what every reading of this customer meets, ``failures`` when it did. ``stumbles`` are the instants of
    single failures, ``troubles`` the times in which the books could not be read whole, ``read_at`` when they could.
    """

    history: dict[int, History[Invoice | None]] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    odd: set[int] = field(default_factory=set)
    failure: ProviderError | None = None
    failures: list[Span] = field(default_factory=list)
    troubles: list[Span] = field(default_factory=list)
    read_at: list[datetime] = field(default_factory=list)
    stumbles: list[datetime] = field(default_factory=list)

    def put(self, at: datetime, invoice_id: int, invoice: Invoice | None) -> None:
        """Let an invoice be so from now on."""
        if invoice_id not in self.history:
            self.history[invoice_id] = History(datetime.min.replace(tzinfo=at.tzinfo), None)
        self.history[invoice_id].set(at, invoice)

    def present(self) -> dict[int, Invoice]:
        return {number: past.last for number, past in self.history.items() if past.last is not None}

    def open(self) -> list[Invoice]:
        return [invoice for invoice in self.present().values() if invoice.is_open]


class SimProvider:
    """Implements :class:`bot.ports.Provider`, as far as reminders need it."""

    def __init__(self, rng: Random, clock: Clock) -> None:
        self._rng = rng
        self._clock = clock
        self.books: dict[str, Books] = {}
        """By token."""
        self.refused: set[str] = set()
        self.forbidden: set[str] = set()
        self.weather: str | None = None
        """What everybody meets: ``down``, ``unreachable``, ``busy`` (429)."""
        self.rough = 0.01

    def refuses(self, word: str) -> bool:
        """Whether a token does not open the books, for now."""
        return word in self.refused or word in self.forbidden

    async def list_invoices(self, token: Token, language: str, only: InvoiceFilter = EVERYTHING) -> Listing:
        books, late = await self._begin(token)
        listed = [invoice for number, invoice in books.present().items() if number not in books.hidden]
        if late:
            await asyncio.sleep(late)
        books.read_at.append(self._clock())
        return Listing(tuple(listed), unreadable=0)

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        books, late = await self._begin(token)
        if invoice_id in books.odd:
            raise AnswerNotUnderstood("cut off")
        found = books.present().get(invoice_id)
        if late:
            await asyncio.sleep(late)
        if found is None:
            raise NotFound
        return found

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        raise NotImplementedError

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = EVERYTHING
    ) -> AbstractAsyncContextManager[Document]:
        raise NotImplementedError

    async def pay(self, token: Token, language: str, invoice_id: int) -> None:
        raise NotImplementedError

    async def make_room(self) -> None:
        raise NotImplementedError

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None:
        raise NotImplementedError

    async def _begin(self, token: Token) -> tuple[Books, float]:
        """The books, and how many seconds their answer takes to arrive."""
        late = 0.0
        if self._rng.random() < 0.1:
            await asyncio.sleep(self._rng.uniform(0.1, 30))
            late = self._rng.uniform(0, 5)
        word = token.reveal()
        books = self.books[word]
        if error := self._weather() or books.failure:
            raise error
        if word in self.refused:
            raise TokenRefused
        if word in self.forbidden:
            raise PermissionMissing("access_invoices")
        if self._rng.random() < self.rough:
            books.stumbles.append(self._clock())
            raise self._rng.choice([ProviderDown(), ProviderUnreachable(), RateLimited(5), AnswerNotUnderstood("html")])
        return books, late

    def _weather(self) -> ProviderError | None:
        match self.weather:
            case "down":
                return ProviderDown()
            case "unreachable":
                return ProviderUnreachable()
            case "busy":
                return RateLimited(self._rng.choice([None, 5, 600, 86_400]))
        return None
