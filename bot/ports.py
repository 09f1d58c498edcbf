"""What the services need of the world outside: a provider, a store, a messenger, a clock.

Written for the caller and in domain types only. The store's contract suite (``tests/store/contract.py``) runs on every
implementation of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Protocol

from bot.domain.alerts import Alert, KnownInvoice
from bot.domain.chats import Chat, Link, Token, Trouble
from bot.domain.invoices import Invoice, Listing
from bot.domain.payments import Payment, State

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


# --- The provider ---------------------------------------------------------------------------------------------------


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
    and what they did is told by reading the invoice, not by their answer.
    """

    async def list_invoices(self, token: Token, language: str, only: InvoiceFilter = ...) -> Listing: ...

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice: ...

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]: ...

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = ...
    ) -> AbstractAsyncContextManager[Document]: ...

    async def pay(self, token: Token, language: str, invoice_id: int) -> None: ...

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None: ...


# --- The store ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a piece of work. A write under a claim whose lease was taken over (another epoch) is refused."""

    key: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Check:
    """A chat whose check is due: the chat (its ``link`` is set) and what it knows."""

    claim: Claim
    chat: Chat
    known: Mapping[int, KnownInvoice]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to, saved in one transaction; it replaces what the chat knew.

    ``checked_at`` is the last good reading, which is the old one where the provider could not be read.
    """

    known: Mapping[int, KnownInvoice]
    alerts: Sequence[Alert]
    checked_at: datetime
    next_check_at: datetime
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert to be sent now. ``known`` is its invoice as known at this moment (None: not, or no longer, known).

    ``again`` says that an earlier try may have reached the person.
    """

    claim: Claim
    alert: Alert
    chat: Chat
    known: KnownInvoice | None
    again: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of a chat wait, and how many were set aside."""

    waiting: int
    set_aside: int


class ChatStore(Protocol):
    """Chats and their links. Every method is one transaction."""

    async def chat(self, chat_id: int) -> Chat:
        """The chat, or an empty one where nothing is stored."""

    async def set_language(self, chat_id: int, language: str | None) -> None: ...

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        """Remember the language that Telegram reports; nothing is stored for a chat that isn't stored yet."""

    async def await_token(self, chat_id: int, until: datetime | None) -> None:
        """Open (or with None close) the time in which the next message is taken as the token."""

    def account_of(self, base_url: str, token: Token) -> str:
        """The keyed fingerprint by which an account is known."""

    async def link(self, link: Link, known: Mapping[int, KnownInvoice]) -> None:
        """Link the chat and take ``known`` as told; an older link goes with its knowledge and alerts."""

    async def unlink(self, chat_id: int) -> bool:
        """Forget the chat and all that belongs to it; False if it was not linked."""

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Give all that belongs to a chat its new id.

        Where the new id is linked already, that link stays and the old one goes; payments move in any case.
        """

    async def rest(self, chat_id: int, reason: str) -> None:
        """Stop checks and alerts of a chat that can't be written to; its data stay."""

    async def wake(self, chat_id: int, now: datetime) -> bool:
        """End the rest; True if it was resting. Its next check is due ``now``."""

    async def waiting_alerts(self, chat_id: int) -> Waiting: ...


class CheckStore(Protocol):
    """The queue of due checks."""

    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        """Up to ``limit`` linked, not resting chats whose check is due, the longest due first."""

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        """Save what a check found, in one transaction; False: the claim was lost, nothing was written.

        A new alert takes the place of one about the same invoice that waits or was set aside: only the newest says how
        things stand. One that was set aside leaves too once its invoice is closed or gone, or the account's trouble
        is over.
        """

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        """Give the claim back without a result."""


class Outbox(Protocol):
    """The alerts on their way out. Within a chat strictly one after the other; chats are independent."""

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """The oldest undelivered alert of up to ``limit`` chats, marked as being sent.

        One that a crash left as being sent, or whose lease ran out, comes ``again``.
        """

    async def alert_sent(self, claim: Claim) -> bool:
        """The alert went out (or has no point any more): it leaves the outbox."""

    async def alert_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        """Try again at ``retry_at``; ``counts`` adds to its attempts (a flood limit does not)."""

    async def set_alert_aside(self, claim: Claim) -> bool:
        """Stop trying; it stays to be seen, and no longer holds up the next."""


class PaymentStore(Protocol):
    """Payments, kept by account: two chats of one account share them."""

    async def add_payment(self, payment: Payment) -> None:
        """Store a question that was just asked. Raises ValueError if its id is taken."""

    async def payment(self, payment_id: str) -> Payment | None: ...

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        """Replace the record with ``payment`` if its stored state is ``expected``; else nothing changes: False.

        The place stays as it is stored, as the chat may have moved since the payment was read.

        Moving to ``confirmed`` raises :class:`bot.errors.PaymentInProgress` while another payment of the same
        account and invoice is confirmed or sent. This is the one place that keeps two presses from both paying.
        """

    async def unsettled_payments(self) -> Sequence[Payment]:
        """Payments that are confirmed or sent, or ended and not yet told, oldest first."""


class Store(ChatStore, CheckStore, Outbox, PaymentStore, Protocol):
    """All of it, as one store implements it."""

    async def close(self) -> None: ...


# --- The messenger --------------------------------------------------------------------------------------------------


class Messenger(Protocol):
    """Speaks to chats of its own accord. Both methods raise :class:`bot.errors.MessengerError`."""

    async def send_alert(self, delivery: Delivery, now: datetime) -> None:
        """Put an alert into words and send it."""

    async def show_payment(self, payment: Payment, chat: Chat) -> None:
        """Bring the message that shows a payment up to date; where that is out of reach, send a new one."""
