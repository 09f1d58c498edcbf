"""A simulated provider behind the port ``Provider``: accounts with the whole history of their invoices, and outages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from bot.domain.chats import Token
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Listing
from bot.domain.unchanged import ListAnswer
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
from tests.fakes import with_answer
from tests.simulation.history import History, Span

EVERYTHING = InvoiceFilter()


@dataclass(slots=True)
class SimAccount:
    """A customer's invoices, each with its history. None means that the provider does not have the invoice.

    ``hidden`` invoices exist but are missing in the list; ``unreadable`` ones can't be read singly. ``failure`` is the
    error for every call, ``failures`` the times when there was one. ``single_failures`` are the instants of random
    errors. ``troubles`` are the times of incomplete lists, ``read_at`` the instants of successful readings. ``credit``
    None: the token may not read it.
    """

    history: dict[int, History[Invoice | None]] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    unreadable: set[int] = field(default_factory=set)
    failure: ProviderError | None = None
    failures: list[Span] = field(default_factory=list)
    troubles: list[Span] = field(default_factory=list)
    read_at: list[datetime] = field(default_factory=list)
    single_failures: list[datetime] = field(default_factory=list)
    credit: Credit | None = None

    def put(self, at: datetime, invoice_id: int, invoice: Invoice | None) -> None:
        """Set an invoice's state from ``at`` on."""
        if invoice_id not in self.history:
            self.history[invoice_id] = History(datetime.min.replace(tzinfo=at.tzinfo), None)
        self.history[invoice_id].set(at, invoice)

    def present(self) -> dict[int, Invoice]:
        return {number: past.last for number, past in self.history.items() if past.last is not None}

    def open(self) -> list[Invoice]:
        return [invoice for invoice in self.present().values() if invoice.is_open]


class SimProvider:
    """Implements the part of :class:`bot.ports.Provider` that reminders need."""

    def __init__(self, rng: Random, clock: Clock) -> None:
        self.chances: Callable[[str], Random] = lambda _: rng
        """What happens by chance to a token's requests."""
        self._clock = clock
        self.accounts: dict[str, SimAccount] = {}
        """By token."""
        self.refused: set[str] = set()
        self.forbidden: set[str] = set()
        self.outage: str | None = None
        """The outage for all accounts: ``down``, ``unreachable`` or ``busy`` (429)."""
        self.failure_rate = 0.01
        self.slow_rate = 0.1
        """The probability that an answer takes seconds."""
        self.is_recognized = True
        """Whether an answer that comes again can be recognized. If not, every check is made in full."""
        self.same = 0
        """How many answers were those of the last time."""

    def refuses(self, word: str) -> bool:
        """Return whether a token is refused at the moment."""
        return word in self.refused or word in self.forbidden

    async def list_invoices(
        self, token: Token, language: str, only: InvoiceFilter = EVERYTHING, begin: str = ""
    ) -> Listing:
        account, late = await self._begin(token)
        listed = [invoice for number, invoice in account.present().items() if number not in account.hidden]
        if late:
            await asyncio.sleep(late)
        account.read_at.append(self._clock())
        listing = Listing(tuple(listed))
        return with_answer(listing) if self.is_recognized else listing

    async def list_if_changed(self, token: Token, language: str, last: ListAnswer) -> Listing | None:
        listing = await self.list_invoices(token, language)
        if listing.answer != last:
            return listing
        self.same += 1
        return None

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        account, late = await self._begin(token)
        if invoice_id in account.unreadable:
            raise AnswerNotUnderstood("cut off")
        found = account.present().get(invoice_id)
        if late:
            await asyncio.sleep(late)
        if found is None:
            raise NotFound
        return found

    async def credit(self, token: Token, language: str) -> Credit:
        if self.accounts[token.reveal()].credit is None:
            raise PermissionMissing("read")
        account, _ = await self._begin(token)
        if account.credit is None:
            raise PermissionMissing("read")
        return account.credit

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

    async def _begin(self, token: Token) -> tuple[SimAccount, float]:
        """Return the account, and how many seconds the answer takes to arrive."""
        late, word = 0.0, token.reveal()
        rng = self.chances(word)
        if rng.random() < self.slow_rate:
            await asyncio.sleep(rng.uniform(0.1, 30))
            late = rng.uniform(0, 5)
        account = self.accounts[word]
        if error := self._outage_error(rng) or account.failure:
            raise error
        if word in self.refused:
            raise TokenRefused
        if word in self.forbidden:
            raise PermissionMissing("access_invoices")
        if rng.random() < self.failure_rate:
            account.single_failures.append(self._clock())
            raise rng.choice([ProviderDown(), ProviderUnreachable(), RateLimited(5), AnswerNotUnderstood("html")])
        return account, late

    def _outage_error(self, rng: Random) -> ProviderError | None:
        match self.outage:
            case "down":
                return ProviderDown()
            case "unreachable":
                return ProviderUnreachable()
            case "busy":
                return RateLimited(rng.choice([None, 5, 600, 86_400]))
        return None
