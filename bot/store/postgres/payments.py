"""Payments. The promises are those of :class:`bot.ports.PaymentStore`."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.errors import UniqueViolation

from bot.domain.payments import Payment, State
from bot.errors import PaymentInProgress
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part
from bot.store.postgres.rows import PAYMENT, insert_payments, lock_account, payments_where, save_payments
from bot.store.rules.payments import advanced, batch_of, cleared, journal_of
from bot.store.rules.records import PaymentRow

BESIDE = "account = (SELECT account FROM payments WHERE id = %s)"
"""All payments of the account that has this one."""


class PostgresPayments(Part):
    """Each method is one transaction. Those that write have the account to themselves."""

    async def add_payment(self, payment: Payment) -> None:
        """Old records of the account are cleared out with it."""

        async def add(cursor: Cursor) -> None:
            await lock_account(cursor, payment.account)
            stored = await payments_where(cursor, "account = %s", payment.account)
            kept = {row.payment.id for row in cleared([*stored, PaymentRow(payment)], payment.since)}
            await save_payments(cursor, {row.payment.id: None for row in stored if row.payment.id not in kept})
            await insert_payments(cursor, [PaymentRow(payment)])

        try:
            await self._db.run(add)
        except UniqueViolation as error:
            raise ValueError(f"there is a payment {payment.id} already") from error

    async def payment(self, payment_id: str) -> Payment | None:
        async def read(cursor: Cursor) -> Payment | None:
            rows = await payments_where(cursor, "id = %s", payment_id)
            return rows[0].payment if rows else None

        return await self._db.run(read)

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        return batch_of(await self._db.run(lambda cursor: payments_where(cursor, BESIDE, payment_id)), payment_id)

    async def payments_of_chat(self, chat_id: int) -> Sequence[Payment]:
        return journal_of(await self._db.run(lambda cursor: payments_where(cursor, "chat_id = %s", chat_id)), chat_id)

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        return await self.advance_payments([payment], expected)

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        async def advance(cursor: Cursor) -> bool:
            await cursor.execute("SELECT account FROM payments WHERE id = %s", [payments[0].id])
            row = await cursor.fetchone()
            if row is None:
                return False
            await lock_account(cursor, row[0])
            new = advanced(await payments_where(cursor, "account = %s", row[0]), payments, expected)
            if new is not None:
                await save_payments(cursor, new)
            return new is not None

        try:
            return await self._db.run(advance)
        except UniqueViolation as error:
            raise PaymentInProgress from error

    async def unsettled_payments(self) -> Sequence[Payment]:
        async def read(cursor: Cursor) -> list[Payment]:
            await cursor.execute("SELECT payment FROM payments WHERE unsettled ORDER BY number")
            return [PAYMENT.decode(row).payment for (row,) in await cursor.fetchall()]

        return sorted(await self._db.run(read), key=lambda payment: payment.since)
