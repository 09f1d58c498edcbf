"""The world outside: the provider, the chats, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Place, Token
from bot.domain.credit import Credit
from bot.domain.deliveries import Delivery
from bot.domain.einvoices import EInvoice
from bot.domain.invoices import Invoice, Listing
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.payments import Payment
from bot.domain.unchanged import ListAnswer

Clock = Callable[[], datetime]
"""Return the present instant in UTC. It is aware."""

Sleep = Callable[[float], Awaitable[object]]
"""Wait for so many seconds."""


def utc_now() -> datetime:
    """Read the real clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Filters of the provider's list and archive. None or False: don't filter."""

    status: str | None = None
    type: str | None = None
    with_transactions: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A downloaded file, ``size`` bytes long.

    ``name`` is safe, and has the ending. ``content`` is at its start. An archive may be whole and have nothing in it.
    """

    name: str
    content: BinaryIO
    size: int
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice's PDF on its way to a chat: a file to upload, or the id of one that the messenger has.

    ``invoice`` is what it is about. None: that can't be read now. Then ``known`` is what the last check knew, if any.
    ``einvoice`` is the XML in it, if there is one.
    """

    invoice_id: int
    file: Document | str
    invoice: Invoice | None = None
    known: KnownInvoice | None = None
    einvoice: EInvoice | None = None


PostDocument = Callable[[InvoiceDocument], Awaitable[str]]
"""Send a document. Return the id under which it can be sent again; empty: there is none.

Raise :class:`bot.errors.MessengerError`.
"""


class EInvoiceReader(Protocol):
    """Finds the XML of an e-invoice in a document, whose content is at its start before and after.

    It raises :class:`bot.errors.EInvoiceUnread` if that can't be found out now.
    """

    async def read(self, document: Document) -> EInvoice | None:
        """Return what the XML says and whether it keeps to its schema. None: there is none."""

    async def xml(self, document: Document) -> bytes | None:
        """Return the XML itself, if it can be read."""


class Provider(Protocol):
    """The provider's calls: six that every provider has, and ``credit``, which many refuse.

    Each asks for its answer in ``language`` (``en``, ``de``).

    All raise :class:`bot.errors.ProviderError`. Reads are retried within. ``pay`` and ``remove_credit`` never are:
    read the invoice to learn what they did, as their answer does not tell.

    All processes share one rate limit. Reads wait for their turn. Before a payment, await ``make_room``. Then the
    request leaves at once.
    """

    async def make_room(self) -> None: ...

    async def list_invoices(self, token: Token, language: str, only: InvoiceFilter = ..., begin: str = ...) -> Listing:
        """Read the list, as far as that is possible, from where an earlier reading stopped (``Listing.rest``)."""

    async def list_if_changed(self, token: Token, language: str, last: ListAnswer) -> Listing | None:
        """Read the list. Return None if the answer is the ``last`` one again, byte by byte."""

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice: ...

    async def credit(self, token: Token, language: str) -> Credit:
        """Return the credit on the account. Nothing else of that answer is kept: it holds personal data."""

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]: ...

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = ...
    ) -> AbstractAsyncContextManager[Document]: ...

    async def pay(self, token: Token, language: str, invoice_id: int) -> None: ...

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None: ...


class Messenger(Protocol):
    """Sends to chats what nobody asked for just then. All methods raise :class:`bot.errors.MessengerError`."""

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        """Send these alerts of the delivery as one message. Return its id.

        If they come again, raise :class:`bot.errors.NotSent` while Telegram does not answer.
        """

    def words_of(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Mapping[int, str]:
        """Return what that message says of each invoice, in the messenger's markup, by the invoice's id."""

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        """Edit an earlier message: strike through what is settled, and remove its buttons.

        What is ``folded`` becomes one line. Do nothing if the message is out of reach.
        """

    async def remind_silently(
        self, message: SentMessage, delivery: Delivery, alerts: Sequence[Alert], now: datetime
    ) -> bool:
        """Give an earlier message a line for each of these alerts. Return False if it is out of reach."""

    async def delete(self, message: SentMessage) -> bool:
        """Delete an earlier message. Return True if it is gone, False if it can't be deleted."""

    async def edit_board(self, board: Board, delivery: Delivery, now: datetime) -> bool:
        """Let a chat's pinned message say how things stand. Return False if it is gone."""

    async def send_board(self, delivery: Delivery, now: datetime) -> Board:
        """Send that message, silently. It is not pinned yet."""

    async def pin_board(self, board: Board, chat: Chat) -> bool:
        """Pin it, silently. Return False if the bot has no right to."""

    async def remove_board(self, board: Board, chat: Chat) -> None:
        """Take it away, as far as that is possible. One that can't be deleted says that it is old."""

    async def redraw(self, message: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> bool:
        """Draw a message with the invoices in it as they stand now. Return False if it is out of reach."""

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        """Edit the message that shows one payment or a batch. Return False if it is out of reach."""

    async def send_document(self, place: Place, chat: Chat, now: datetime, document: InvoiceDocument) -> str:
        """Send an invoice's PDF. Return the id under which it can be sent again; empty: there is none."""

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool, again: bool = False) -> None:
        """Say how one payment or a batch ended.

        ``in_full``: send it in full. Else send one line, as a reply to the message that shows the payments. ``again``:
        an earlier try may have arrived. Say so, and raise :class:`bot.errors.NotSent` while Telegram does not answer.
        """
