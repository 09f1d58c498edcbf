"""Payments, in the store's thread. The promises are those of :class:`bot.ports.PaymentStore`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.payments import Payment, State
from bot.store.database import Database
from bot.store.rules.payments import advanced, batch_of, cleared, journal_of
from bot.store.rules.records import PaymentRow


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
            change.save_payments(payment.account, cleared(rows, payment.since))

    def payment(self, payment_id: str) -> Payment | None:
        rows = self._rows_beside(payment_id)
        return next((row.payment for row in rows if row.payment.id == payment_id), None)

    def batch_of(self, payment_id: str) -> Sequence[Payment]:
        return batch_of(self._rows_beside(payment_id), payment_id)

    def of_chat(self, chat_id: int) -> Sequence[Payment]:
        accounts = self._db.payments.accounts_of_chat(chat_id)
        return journal_of([row for account in accounts for row in self._db.payments_of(account)], chat_id)

    def advance(self, payments: Sequence[Payment], expected: State) -> bool:
        """All or none. They are of one account, as those that are asked for together are."""
        rows = self._rows_beside(payments[0].id)
        new = advanced(rows, payments, expected)
        if new is None:
            return False
        left = [new.get(row.payment.id, row) for row in rows]
        with self._db.change() as change:
            change.save_payments(payments[0].account, [row for row in left if row is not None])
        return True

    def unsettled(self) -> Sequence[Payment]:
        accounts = self._db.payments.unsettled_accounts()
        rows = [row for account in accounts for row in self._db.payments_of(account) if row.unsettled]
        return sorted((row.payment for row in rows), key=lambda payment: payment.since)

    def _rows_beside(self, payment_id: str) -> list[PaymentRow]:
        """All of the account that has this payment."""
        account = self._db.payments.account_of(payment_id)
        return [] if account is None else self._db.payments_of(account)
