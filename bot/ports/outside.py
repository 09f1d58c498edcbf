"""The world outside: the provider, the chats, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from bot.domain.alerts import Alert, SentMessage
from bot.domain.chats import Chat, Place, Token
from bot.domain.deliveries import Delivery
from bot.domain.invoices import Invoice, Listing
from bot.domain.payments import Payment

Clock = Callable[[], datetime]
"""Return the present instant, aware, in UTC."""

Sleep = Callable[[float], Awaitable[object]]
"""Wait for so many seconds."""


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


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


class Messenger(Protocol):
    """Speaks to chats of its own accord. All methods raise :class:`bot.errors.MessengerError`."""

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        """Put these of the delivery's alerts into words and send them as one message. Gives the message's id."""

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        """Edit an earlier message: what is settled is struck through, its buttons go. Out of reach: nothing is done."""

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        """Edit the message that shows one payment, or a batch of several. Return False if it is out of reach."""

    async def send_document(self, place: Place, document: Document) -> None:
        """Send a file."""

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool) -> None:
        """Send how a payment, or several, ended: in full, or in a line that replies to the message that shows them."""
