"""What becomes of an account's payments. Every store goes by these rules; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.payments import NOTHING_SENT, UNDER_WAY, UNFINISHED, Payment, State
from bot.errors import LinkInUse, PaymentInProgress
from bot.store.rules.chats import moved
from bot.store.rules.records import PaymentRow

ASKED_KEPT_FOR = timedelta(days=1)
"""How long a question that nobody answered is kept once it has expired."""

JOURNAL_LENGTH = 200
"""How many ended payments of an account are kept, the newest; and as many questions that came to nothing."""


def advanced(
    rows: Sequence[PaymentRow], payments: Sequence[Payment], expected: State
) -> Mapping[str, PaymentRow | None] | None:
    """What becomes of these payments, by id (None: it goes); None for all: one is not as ``expected``, or was told.

    Raises :class:`bot.errors.PaymentInProgress` as :meth:`bot.ports.PaymentStore.advance_payment` says.
    """
    stored = {row.payment.id: row for row in rows}
    for payment in payments:
        row = stored.get(payment.id)
        if row is None or row.payment.state is not expected or row.payment.told:
            return None
        if payment.state is State.CONFIRMED and _is_under_way(rows, payment):
            raise PaymentInProgress
    new = {payment.id: _advanced(stored[payment.id], payment) for payment in payments}
    return {number: row if not row.forget or row.unsettled else None for number, row in new.items()}


def cleared(rows: Sequence[PaymentRow], now: datetime) -> list[PaymentRow]:
    """Without questions that expired long ago, and without the oldest of a long journal.

    Many questions push out no payment.
    """
    ended = [row.payment for row in rows if row.payment.state is State.ENDED and not row.unsettled]
    idle = [payment.id for payment in ended if payment.outcome in NOTHING_SENT]
    sent = [payment.id for payment in ended if payment.outcome not in NOTHING_SENT]
    too_old = {*idle[:-JOURNAL_LENGTH], *sent[:-JOURNAL_LENGTH]}
    return [
        row
        for row in rows
        if row.payment.id not in too_old
        and not (row.payment.state is State.ASKED and row.payment.expires_at + ASKED_KEPT_FOR < now)
    ]


def batch_of(rows: Iterable[PaymentRow], payment_id: str) -> Sequence[Payment]:
    """The payment with all that were asked for together with it, in their order."""
    payments = [row.payment for row in rows]
    groups = {payment.group for payment in payments if payment.id == payment_id}
    return [payment for payment in payments if payment.group in groups]


def journal_of(rows: Iterable[PaymentRow], chat_id: int) -> Sequence[Payment]:
    """A chat's payments, the newest first; ``rows`` stand in the order in which they were asked for."""
    mine = [row.payment for row in rows if row.payment.place.chat_id == chat_id and not row.forget]
    mine.reverse()  # so that of one moment the one that was asked last comes first
    return sorted(mine, key=lambda payment: payment.since, reverse=True)


def moved_payment(row: PaymentRow, old_id: int, new_id: int) -> PaymentRow:
    """The payment, with the new id of its chat where it is this chat's."""
    place = row.payment.place
    if place.chat_id != old_id:
        return row
    # In its new chat the number of its message is that of another.
    return replace(row, payment=replace(row.payment, place=moved(place, new_id), message_id=None))


def without_chat(row: PaymentRow, chat_id: int) -> PaymentRow | None:
    """What is left of a payment once its chat is unlinked: one that is under way stays until its end was told."""
    if row.payment.place.chat_id != chat_id:
        return row
    return replace(row, forget=True) if row.unsettled else None


def given_up(row: PaymentRow, chat_id: int) -> PaymentRow | None:
    """As :func:`without_chat`, once its chat is linked to another account.

    Raises :class:`bot.errors.LinkInUse` where its end can't be read without the account that it began with.
    """
    if row.payment.place.chat_id == chat_id and row.payment.state in UNFINISHED and not row.forget:
        raise LinkInUse
    return without_chat(row, chat_id)


def _advanced(row: PaymentRow, payment: Payment) -> PaymentRow:
    place = row.payment.place
    message_id = payment.message_id if place.chat_id == payment.place.chat_id else None
    return PaymentRow(replace(payment, place=place, message_id=message_id), forget=row.forget)


def _is_under_way(rows: Iterable[PaymentRow], payment: Payment) -> bool:
    return any(
        row.payment.id != payment.id and row.payment.invoice_id == payment.invoice_id and row.payment.state in UNDER_WAY
        for row in rows
    )
