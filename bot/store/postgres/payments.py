"""Payments. An account's are locked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from psycopg.errors import UniqueViolation

from bot.errors import PaymentInProgress, PaymentsUnreadable
from bot.store.postgres.columns import payment_columns, payment_of
from bot.store.postgres.statements import Statements
from bot.store.rules.records import PaymentRow

log = structlog.get_logger()


class PaymentTable(Statements):
    """The part of :class:`bot.store.backend.Transaction` for payments."""

    async def accounts(self) -> list[str]:
        return sorted(account for (account,) in await self.rows("SELECT DISTINCT account FROM payments"))

    async def account_of(self, payment_id: str) -> str | None:
        account: str | None = await self.value("SELECT account FROM payments WHERE id = %s", payment_id)
        return account

    async def accounts_of_chat(self, chat_id: int) -> list[str]:
        rows = await self.rows("SELECT DISTINCT account FROM payments WHERE chat_id = %s", chat_id)
        return sorted(account for (account,) in rows)

    async def payments_of(self, account: str, *, lock: bool = False) -> list[PaymentRow]:
        if lock:  # it ends with the transaction
            await self.cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [account])
        rows = await self.rows("SELECT payment FROM payments WHERE account = %s ORDER BY number", account)
        return [payment_of(payment) for (payment,) in rows]

    async def unsettled_payments(self) -> list[PaymentRow]:
        unsettled = []
        for payment_id, payment in await self.rows("SELECT id, payment FROM payments WHERE unsettled ORDER BY number"):
            try:
                unsettled.append(payment_of(payment))
            except PaymentsUnreadable as error:
                log.warning("payment can't be read", payment=payment_id, reason=error.reason)
        return unsettled

    async def save_payments(self, account: str, rows: Mapping[str, PaymentRow | None]) -> None:  # noqa: ARG002  # they know it
        gone = [payment_id for payment_id, row in rows.items() if row is None]
        if gone:
            await self.cursor.execute("DELETE FROM payments WHERE id = ANY(%s)", [gone])
        kept = [payment_columns(row) for row in rows.values() if row is not None]
        changes = ", ".join(f"{name} = excluded.{name}" for row in kept[:1] for name in row)
        try:
            await self.insert("payments", kept, f"(id) DO UPDATE SET {changes}")
        except UniqueViolation as error:  # the database's own guard against two payments of one invoice
            raise PaymentInProgress from error

    async def put_payments(self, account: str, rows: Sequence[PaymentRow]) -> None:
        await self.cursor.execute("DELETE FROM payments WHERE account = %s", [account])
        await self.save_payments(account, {row.payment.id: row for row in rows})
