"""What becomes of an account's payments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.payment_times import KEEP_QUESTION_FOR
from bot.domain.payments import NOTHING_SENT, UNFINISHED, Payment, State, is_paid_by_another
from bot.errors import LinkInUse, PaymentInProgress
from bot.store.rules.records import PaymentRow

JOURNAL_LENGTH = 200
"""An account's newest ended payments that are kept, and as many questions that came to nothing."""


def advanced(
    rows: Sequence[PaymentRow], payments: Sequence[Payment], expected: State
) -> Mapping[str, PaymentRow | None] | None:
    """Return these payments as they are to be saved, by id. None for one: it goes.

    None for all: one of them is not in the ``expected`` state, or its end was told. Raise
    :class:`bot.errors.PaymentInProgress` as :meth:`bot.ports.PaymentStore.advance_payment` says.
    """
    stored = {row.payment.id: row for row in rows}
    for payment in payments:
        row = stored.get(payment.id)
        if row is None or row.payment.state is not expected or row.payment.told:
            return None
        if payment.state is State.CONFIRMED and is_paid_by_another(payment, [row.payment for row in rows]):
            raise PaymentInProgress
    new = {payment.id: _advanced(stored[payment.id], payment) for payment in payments}
    return {number: row if not row.forget or row.payment.is_unsettled else None for number, row in new.items()}


def can_be_replaced(payments: Iterable[Payment], question: Collection[str]) -> bool:
    """Return whether nobody has answered this question: all its payments are stored, and as they were asked."""
    asked = {payment.id for payment in payments if payment.state is State.ASKED}
    return asked.issuperset(question)


def too_old(payments: Sequence[Payment], now: datetime) -> set[str]:
    """Return questions that expired long ago, and the oldest of a long journal. Questions never push out a payment."""
    ended = [payment for payment in payments if payment.state is State.ENDED and not payment.is_unsettled]
    idle = [payment.id for payment in ended if payment.outcome in NOTHING_SENT]
    sent = [payment.id for payment in ended if payment.outcome not in NOTHING_SENT]
    asked = [payment for payment in payments if payment.state is State.ASKED]
    expired = {payment.id for payment in asked if payment.expires_at + KEEP_QUESTION_FOR < now}
    return {*idle[:-JOURNAL_LENGTH], *sent[:-JOURNAL_LENGTH], *expired}


def journal_of(rows: Iterable[PaymentRow]) -> Sequence[Payment]:
    """Return a chat's payments, the newest first. ``rows`` stand in the order of asking."""
    payments = [row.payment for row in rows if not row.forget]
    payments.reverse()  # of payments of one instant, the one asked last comes first
    return sorted(payments, key=lambda payment: payment.since, reverse=True)


def moved(row: PaymentRow, new_id: int) -> PaymentRow:
    """Give a payment the new id of its chat."""
    # In the new chat this message id belongs to another message.
    return replace(row, payment=replace(row.payment, place=row.payment.place.in_chat(new_id), message_id=None))


def without_chat(row: PaymentRow) -> PaymentRow | None:
    """Drop a payment of a chat that is unlinked. An unsettled one stays until its end was told."""
    return replace(row, forget=True) if row.payment.is_unsettled else None


def given_up(row: PaymentRow) -> PaymentRow | None:
    """As :func:`without_chat`, for a chat that is linked to another account.

    Raise :class:`bot.errors.LinkInUse` for a payment under way: its end can be read with its own account only.
    """
    if row.payment.state in UNFINISHED and not row.forget:
        raise LinkInUse
    return without_chat(row)


def _advanced(row: PaymentRow, payment: Payment) -> PaymentRow:
    place = row.payment.place
    message_id = payment.message_id if place.chat_id == payment.place.chat_id else None
    return PaymentRow(replace(payment, place=place, message_id=message_id), forget=row.forget)
