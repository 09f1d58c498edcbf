"""Payments, in the store's thread. The promises are those of :class:`bot.ports.PaymentStore`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.payments import UNDER_WAY, Payment, State
from bot.errors import PaymentInProgress
from bot.store.database import Database
from bot.store.records import PaymentRow

ASKED_KEPT_FOR = timedelta(days=1)
"""How long a question that nobody answered is kept once it has expired."""

JOURNAL_LENGTH = 200
"""How many ended payments of an account are kept, the newest."""


class PaymentRecords:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, payment: Payment) -> None:
        """Raises :class:`ValueError` for an id that is taken. Old records of the account are cleared out with it."""
        if self._db.payments.account_of(payment.id) is not None:
            raise ValueError(f"there is a payment {payment.id} already")
        rows = [*self._db.payments_of(payment.account), PaymentRow(payment)]
        with self._db.change() as change:
            change.save_payments(payment.account, _cleared(rows, payment.since))

    def payment(self, payment_id: str) -> Payment | None:
        rows = self._rows_beside(payment_id)
        return next((row.payment for row in rows if row.payment.id == payment_id), None)

    def batch_of(self, payment_id: str) -> Sequence[Payment]:
        payments = [row.payment for row in self._rows_beside(payment_id)]
        groups = {payment.group for payment in payments if payment.id == payment_id}
        return [payment for payment in payments if payment.group in groups]

    def of_chat(self, chat_id: int) -> Sequence[Payment]:
        """Of one moment the one that was asked last comes first, as the newest."""
        accounts = self._db.payments.accounts_of_chat(chat_id)
        rows = [row for account in accounts for row in reversed(self._db.payments_of(account))]
        mine = [row.payment for row in rows if row.payment.place.chat_id == chat_id and not row.forget]
        return sorted(mine, key=lambda payment: payment.since, reverse=True)

    def advance(self, payments: Sequence[Payment], expected: State) -> bool:
        """All or none. They are of one account, as those that are asked for together are."""
        rows = self._rows_beside(payments[0].id)
        stored = {row.payment.id: row for row in rows}
        for payment in payments:
            row = stored.get(payment.id)
            if row is None or row.payment.state is not expected:
                return False
            if payment.state is State.CONFIRMED and _is_under_way(rows, payment):
                raise PaymentInProgress
        new = {payment.id: _advanced(stored[payment.id], payment) for payment in payments}
        left = [new.get(row.payment.id, row) for row in rows]
        with self._db.change() as change:
            change.save_payments(payments[0].account, [row for row in left if not row.forget or row.unsettled])
        return True

    def unsettled(self) -> Sequence[Payment]:
        accounts = self._db.payments.unsettled_accounts()
        rows = [row for account in accounts for row in self._db.payments_of(account) if row.unsettled]
        return sorted((row.payment for row in rows), key=lambda payment: payment.since)

    def _rows_beside(self, payment_id: str) -> list[PaymentRow]:
        """All of the account that has this payment."""
        account = self._db.payments.account_of(payment_id)
        return [] if account is None else self._db.payments_of(account)


def _advanced(row: PaymentRow, payment: Payment) -> PaymentRow:
    place = row.payment.place
    message_id = payment.message_id if place.chat_id == payment.place.chat_id else None
    return PaymentRow(replace(payment, place=place, message_id=message_id), forget=row.forget)


def _is_under_way(rows: Iterable[PaymentRow], payment: Payment) -> bool:
    return any(
        row.payment.id != payment.id and row.payment.invoice_id == payment.invoice_id and row.payment.state in UNDER_WAY
        for row in rows
    )


def _cleared(rows: Sequence[PaymentRow], now: datetime) -> list[PaymentRow]:
    """Without questions that expired long ago, and without the oldest of a long journal."""
    ended = [row.payment.id for row in rows if row.payment.state is State.ENDED and not row.unsettled]
    too_old = set(ended[:-JOURNAL_LENGTH])
    return [
        row
        for row in rows
        if row.payment.id not in too_old
        and not (row.payment.state is State.ASKED and row.payment.expires_at + ASKED_KEPT_FOR < now)
    ]
