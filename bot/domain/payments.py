"""Payments with credit: one record from the question to its end.

    asked → (queued →) confirmed → sent → ended
      └────────┴──────────┴─────────────→ ended (cancelled, expired, or nothing was sent)

``sent`` is written before the request leaves, so whatever stops the bot afterwards, the record says that the
provider may have been asked; from then on only reading decides. A record that is ``confirmed`` and no more has
surely not been sent. Of several that were confirmed together (a batch), those that wait for their turn are ``queued``.
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
"""The states in which it isn't known yet how a payment ends."""

UNFINISHED = UNDER_WAY | {State.QUEUED}
"""The states of what was confirmed and has not come to its end: the link is needed until then."""


class Outcome(StrEnum):
    """How it ended, as far as the provider's own data say; ``changed``: the invoice had, so nothing was sent."""

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    CHANGED = "changed"
    UNCLEAR = "unclear"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


NOTHING_SENT = frozenset({Outcome.NOT_SENT, Outcome.CHANGED, Outcome.CANCELLED, Outcome.EXPIRED})
"""Ends of which the provider has heard nothing."""

MOVED = frozenset({Outcome.DONE, Outcome.PARTLY})
"""The ends at which credit has moved."""


@dataclass(frozen=True, slots=True)
class PaymentRules:
    """What the operator allows: payments at all, up to ``limit`` each (None: any), and how long a question stands."""

    on: bool = True
    limit: Decimal | None = None
    lifetime: timedelta = CONFIRM_WITHIN

    def allow(self, amount: Decimal) -> bool:
        """Whether a single payment may be as large as this."""
        return self.limit is None or amount <= self.limit

    def payable(self, invoice: Invoice) -> Decimal | None:
        """Return what would be paid on this invoice. None: it can't be paid, or not with one payment."""
        amount = amount_of(Action.PAY, invoice)
        return amount if amount is not None and self.allow(amount) else None


@dataclass(frozen=True, slots=True)
class Found:
    """What an invoice said instead of what had been shown. ``status`` is for people, as the provider puts it."""

    is_open: bool
    is_paid: bool
    status: str
    credit: Decimal
    due: date | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment (or the taking back of credit) of ``amount`` on one invoice, bound to who asked, where, and for what.

    ``since`` is when it came into its present state. ``message_id`` is the message that shows it. ``credit`` is what
    lay on the invoice when it was asked for. ``left`` (what remains to be paid) belongs to the outcome, ``found`` to
    that the invoice has changed. ``user_name`` is what Telegram called the person then. Those that were asked for
    together bear the same ``batch``, and share one message. ``pressed_at`` is when they were confirmed.
    ``doubtful``: when it was asked nobody knew whether an earlier one had paid the invoice.

    ``error`` is the message key of what went wrong (empty: nothing did), ``reason`` the provider's words if it gave
    any; a payment that is ``sent`` bears them if the provider answered that it refuses. ``told`` is set once the
    person has been shown the outcome.
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
        """What it shares with those of its batch; of its own where there is none."""
        return self.batch or self.id

    def link_in(self, chat: Chat) -> Link | None:
        """Return the chat's link. None: it has none, or by now one to another account."""
        return chat.link if chat.link is not None and chat.link.account == self.account else None


def amount_of(action: Action, invoice: Invoice) -> Decimal | None:
    """The amount an action on this invoice moves, or None where it makes no sense."""
    if action is Action.PAY:
        return invoice.left_to_pay if invoice.can_be_paid else None
    return invoice.credit if invoice.can_return_credit else None


def still_matches(payment: Payment, invoice: Invoice) -> bool:
    """Whether the invoice, read again, is the one that was shown: same amount, status, due date and credit."""
    return (
        amount_of(payment.action, invoice) == payment.amount
        and invoice.credit == payment.credit
        and invoice.status == payment.status
        and invoice.due == payment.due
    )


def with_found(payment: Payment, invoice: Invoice) -> Payment:
    """The payment with what the invoice says now."""
    status = invoice.status_label or invoice.status
    return replace(payment, found=Found(invoice.is_open, invoice.is_paid, status, invoice.credit, invoice.due))


def can_be_asked_anew(payment: Payment) -> bool:
    """Return whether the action still makes sense on an invoice that has changed, as far as is known."""
    if payment.action is Action.PAY:
        return payment.left != 0
    return payment.found is None or (payment.found.is_open and payment.found.credit > 0)


def ended(payment: Payment, outcome: Outcome, now: datetime, left: Decimal | None = None) -> Payment:
    """The payment at its end, which is still to be told."""
    return replace(payment, state=State.ENDED, since=now, outcome=outcome, left=left)


def in_doubt(payments: Iterable[Payment]) -> frozenset[int]:
    """The invoices of which one of these payments was, or is being, carried out, as far as anybody knows."""
    return frozenset(
        payment.invoice_id for payment in payments if payment.state in UNFINISHED or payment.outcome is Outcome.UNCLEAR
    )


def ends_late(batch: Sequence[Payment]) -> bool:
    """Whether who pressed has most likely put the phone away by the time at which all of these have ended."""
    pressed_at = batch[0].pressed_at
    return pressed_at is not None and max(payment.since for payment in batch) - pressed_at > PERSON_WATCHES_FOR


def outcome_of(payment: Payment, invoice: Invoice) -> Outcome | None:
    """What the invoice, read after the request was sent, says about its end; None: nothing has moved yet.

    A refusal alone proves nothing: of a request that reached the provider twice, the second is refused because the
    first was carried out. Closed otherwise than by paying (cancelled, refunded, …) the invoice can't tell any more
    what became of the request.
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
    """Whether nothing is left; by what was added where the invoice's own figures don't tell any more."""
    if invoice.left_to_pay is None:
        return invoice.credit - payment.credit >= payment.amount
    return invoice.left_to_pay == 0
