"""Payments with credit: one record from the question to its end.

    asked → (queued →) confirmed → sent → ended
      └────────┴──────────┴─────────────→ ended (cancelled, expired, or nothing was sent)

``sent`` is written before the request leaves. So even after a crash the record says that the provider may have been
asked. From then on, only reading the invoice decides. A record that is still ``confirmed`` was surely not sent. Several
payments that were asked for together are a batch. Those that wait for their turn are ``queued``.

This file also decides what a payment moves (:func:`amount_of`), whether an invoice is still as it was shown
(:func:`still_matches`), and what an invoice says about the end (:func:`outcome_of`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.domain.chats import Chat, Link, Place
from bot.domain.invoices import Invoice
from bot.domain.payment_times import CONFIRM_WITHIN, PERSON_WATCHES_FOR
from bot.domain.waits import is_ahead


class Action(StrEnum):
    PAY = "pay"
    REMOVE_CREDIT = "remove_credit"


class State(StrEnum):
    ASKED = "asked"
    QUEUED = "queued"
    CONFIRMED = "confirmed"
    SENT = "sent"
    ENDED = "ended"


UNDER_WAY = frozenset({State.CONFIRMED, State.SENT})
"""The states in which the provider may be asked, or may have been: one such payment per invoice."""

UNFINISHED = UNDER_WAY | {State.QUEUED}
"""The states between the confirmation and the end: the link is needed until then."""


class Outcome(StrEnum):
    """How a payment ended, as far as the provider's own data say.

    ``changed``: the invoice was no longer as shown, so nothing was sent. ``unclear``: nobody knows.
    """

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    CHANGED = "changed"
    UNCLEAR = "unclear"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


NOTHING_SENT = frozenset({Outcome.NOT_SENT, Outcome.CHANGED, Outcome.CANCELLED, Outcome.EXPIRED})
"""The ends without any request to the provider."""

MOVED = frozenset({Outcome.DONE, Outcome.PARTLY})
"""The ends at which credit has moved."""


@dataclass(frozen=True, slots=True)
class PaymentRules:
    """What the operator allows: payments at all, the largest single one (None: any), how long a question is valid."""

    on: bool = True
    limit: Decimal | None = None
    lifetime: timedelta = CONFIRM_WITHIN

    def allow(self, amount: Decimal) -> bool:
        """Return whether a single payment may be as large as this."""
        return self.limit is None or amount <= self.limit


@dataclass(frozen=True, slots=True)
class Found:
    """What an invoice said when it was no longer as shown. ``status`` is the provider's word for people."""

    is_open: bool
    is_paid: bool
    status: str
    credit: Decimal
    due: date | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of ``amount`` on one invoice, or the taking back of credit, bound to who asked, where, and for what.

    When it was asked: ``credit``, ``status`` and ``due`` are the invoice's, ``user_name`` is what Telegram called the
    person, and ``doubtful`` says that nobody knew whether an earlier payment had paid the invoice. Payments with the
    same ``batch`` were asked for together and share one message.

    Later: ``since`` is when it came into its present state, ``pressed_at`` when it was confirmed, ``message_id`` the
    message that shows it.

    At the end: ``left`` is what remains to be paid, ``found`` what the invoice said if it had changed. ``error`` is the
    message key of what went wrong (empty: nothing), ``reason`` the provider's words if it gave any. A ``sent`` payment
    has both if the provider answered with a refusal. ``told`` is set once the person has seen the outcome.
    """

    id: str
    action: Action
    account: str
    invoice_id: int
    amount: Decimal
    credit: Decimal
    status: str
    due: date | None
    place: Place
    user_id: int
    since: datetime
    expires_at: datetime
    message_id: int | None = None
    state: State = State.ASKED
    outcome: Outcome | None = None
    left: Decimal | None = None
    error: str = ""
    reason: str = ""
    told: bool = False
    user_name: str = ""
    batch: str = ""
    found: Found | None = None
    pressed_at: datetime | None = None
    doubtful: bool = False

    @property
    def group(self) -> str:
        """The key that it shares with its batch; its own id if it has none."""
        return self.batch or self.id

    def has_expired(self, now: datetime) -> bool:
        """Return whether the question can't be answered any more. One from the future was dated by a wrong clock."""
        return self.expires_at <= now or is_ahead(self.since, now)

    @property
    def is_unsettled(self) -> bool:
        """Whether work is left: find out how it ended, or tell it."""
        return self.state in UNFINISHED or (self.state is State.ENDED and not self.told)

    def link_in(self, chat: Chat) -> Link | None:
        """Return the chat's link. None: it has none, or by now one to another account."""
        return chat.link if chat.link is not None and chat.link.account == self.account else None


def amount_of(action: Action, invoice: Invoice) -> Decimal | None:
    """Return the amount that the action would move on this invoice. None: it makes no sense there."""
    if action is Action.PAY:
        return invoice.left_to_pay if invoice.can_be_paid else None
    return invoice.credit if invoice.can_return_credit else None


def still_matches(payment: Payment, invoice: Invoice) -> bool:
    """Return whether the invoice, read again, is as it was shown: same amount, credit, status and due date."""
    return (
        amount_of(payment.action, invoice) == payment.amount
        and invoice.credit == payment.credit
        and invoice.status == payment.status
        and invoice.due == payment.due
    )


def with_found(payment: Payment, invoice: Invoice) -> Payment:
    """Return the payment with what the invoice says now."""
    status = invoice.status_label or invoice.status
    return replace(payment, found=Found(invoice.is_open, invoice.is_paid, status, invoice.credit, invoice.due))


def can_be_asked_anew(payment: Payment) -> bool:
    """Return whether the action still makes sense on an invoice that has changed, as far as is known."""
    if payment.action is Action.PAY:
        return payment.left != 0
    return payment.found is None or (payment.found.is_open and payment.found.credit > 0)


def ended(payment: Payment, outcome: Outcome, now: datetime, left: Decimal | None = None) -> Payment:
    """Return the payment as ended. Its end is still to be told."""
    return replace(payment, state=State.ENDED, since=now, outcome=outcome, left=left)


def sum_of(payments: Iterable[Payment]) -> Decimal:
    """Return what these payments move together."""
    return sum((payment.amount for payment in payments), start=Decimal(0))


def in_doubt(payments: Iterable[Payment]) -> frozenset[int]:
    """Return the ids of the invoices that one of these payments may be paying, or may have paid unnoticed."""
    return frozenset(
        payment.invoice_id for payment in payments if payment.state in UNFINISHED or payment.outcome is Outcome.UNCLEAR
    )


def is_paid_by_another(payment: Payment, payments: Iterable[Payment]) -> bool:
    """Return whether another one of these payments of the account is under way for the same invoice."""
    others = [other for other in payments if other.id != payment.id and other.invoice_id == payment.invoice_id]
    return any(other.state in UNDER_WAY for other in others)


def was_paid(payments: Iterable[Payment], invoice_id: int, since: datetime | None) -> bool:
    """Return whether one of these payments paid the invoice, as far as is known.

    ``since`` is the latest alert about the invoice: a payment from before did not settle it for good.
    """
    return any(
        payment.action is Action.PAY
        and (payment.state is State.SENT or payment.outcome is Outcome.DONE)
        and (since is None or since <= payment.since)
        for payment in payments
        if payment.invoice_id == invoice_id
    )


def may_have_paid(payments: Iterable[Payment], invoice_id: int) -> bool:
    """Return whether one of these payments has moved credit to the invoice, or may have."""
    return any(
        payment.action is Action.PAY and (payment.state is State.SENT or payment.outcome in MOVED | {Outcome.UNCLEAR})
        for payment in payments
        if payment.invoice_id == invoice_id
    )


def batch_of(payments: Sequence[Payment], payment_id: str) -> list[Payment]:
    """Return the payment with all that were asked for together with it, in their order."""
    groups = {payment.group for payment in payments if payment.id == payment_id}
    return [payment for payment in payments if payment.group in groups]


def ends_late(batch: Sequence[Payment]) -> bool:
    """Return whether the person has most likely put the phone away by the time all of these have ended."""
    pressed_at = batch[0].pressed_at
    return pressed_at is not None and max(payment.since for payment in batch) - pressed_at > PERSON_WATCHES_FOR


def outcome_of(payment: Payment, invoice: Invoice) -> Outcome | None:
    """Return what the invoice, read after the request was sent, says about the end. None: nothing has moved yet.

    A refusal alone proves nothing: if a request arrives twice, the second is refused because the first was carried out.
    An invoice that was closed without being paid (cancelled, refunded, …) can't tell what became of the request.
    """
    if payment.error and still_matches(payment, invoice):
        return Outcome.REFUSED
    if payment.action is Action.REMOVE_CREDIT:
        if not invoice.is_open:
            return Outcome.UNCLEAR
        if invoice.credit == 0:
            return Outcome.DONE
        return Outcome.PARTLY if invoice.credit < payment.credit else None
    if not invoice.is_open:
        return Outcome.DONE if invoice.is_paid else Outcome.UNCLEAR
    if invoice.credit <= payment.credit:
        return None
    # Wholly covered but still open: the provider only has to put its status right.
    return Outcome.DONE if _is_covered(payment, invoice) else Outcome.PARTLY


def _is_covered(payment: Payment, invoice: Invoice) -> bool:
    """Return whether nothing is left to pay. If the invoice's own figures don't tell, the added credit decides."""
    if invoice.left_to_pay is None:
        return invoice.credit - payment.credit >= payment.amount
    return invoice.left_to_pay == 0
