"""The payments of all accounts. The port says what the methods promise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import structlog

from bot.domain.payments import Payment, State, batch_of
from bot.errors import PaymentsUnreadable
from bot.store.backend import Backend, Transaction
from bot.store.finding import present_id
from bot.store.rules import payments as rules
from bot.store.rules.records import PaymentRow

log = structlog.get_logger()

ChangePayment = Callable[[PaymentRow], PaymentRow | None]
"""What becomes of a payment. None: it goes."""


class StoredPayments:
    """Implement :class:`bot.ports.PaymentStore`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add_one(self, payment: Payment) -> None:
        await self.add([payment])

    async def add(self, payments: Sequence[Payment], instead_of: Collection[str] = ()) -> bool:
        """Store a question. Old records of its account are cleared out with it."""

        async def add(t: Transaction) -> bool:
            account, place = payments[0].account, payments[0].place
            for payment in payments:
                if await t.account_of(payment.id) is not None:
                    raise ValueError(f"there is a payment {payment.id} already")
            stored = [row.payment for row in await t.payments_of(account, lock=True)]
            if not rules.can_be_replaced(stored, instead_of):
                return False
            gone = {*rules.too_old(stored, payments[0].since), *instead_of}
            place = place.in_chat(await present_id(t, place.chat_id))
            new = {payment.id: PaymentRow(replace(payment, place=place)) for payment in payments}
            await t.save_payments(account, {**dict.fromkeys(gone), **new})
            return True

        return await self._backend.run(add)

    async def drop_questions(self, account: str, payment_ids: Collection[str]) -> bool:
        async def drop(t: Transaction) -> bool:
            stored = [row.payment for row in await t.payments_of(account, lock=True)]
            if not rules.can_be_replaced(stored, payment_ids):
                return False
            await t.save_payments(account, dict.fromkeys(payment_ids))
            return True

        return await self._backend.run(drop)

    async def one(self, payment_id: str) -> Payment | None:
        payments = await self._backend.run(lambda t: _beside(t, payment_id))
        return next((payment for payment in payments if payment.id == payment_id), None)

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        return batch_of(await self._backend.run(lambda t: _beside(t, payment_id)), payment_id)

    async def of_chat(self, chat_id: int, account: str | None = None) -> Sequence[Payment]:
        rows = await self._backend.run(lambda t: payments_of_chat(t, chat_id))
        return rules.journal_of(row for row in rows if account in {None, row.payment.account})

    async def advance_one(self, payment: Payment, expected: State) -> bool:
        return await self.advance([payment], expected)

    async def advance(self, payments: Sequence[Payment], expected: State) -> bool:
        async def advance(t: Transaction) -> bool:
            account = await t.account_of(payments[0].id)
            if account is None:
                return False
            advanced = rules.advanced(await t.payments_of(account, lock=True), payments, expected)
            if advanced is not None:
                await t.save_payments(account, advanced)
            return advanced is not None

        return await self._backend.run(advance)

    async def unsettled(self) -> Sequence[Payment]:
        rows = await self._backend.run(lambda t: t.unsettled_payments())
        return sorted((row.payment for row in rows), key=lambda payment: payment.since)


async def change_payments(
    t: Transaction, chat_id: int, change: ChangePayment, *, only: Collection[str] | None = None
) -> None:
    """Change the payments of a chat: all, or ``only`` those of some accounts."""
    for account in await t.accounts_of_chat(chat_id):
        if only is None or account in only:
            try:
                rows = await t.payments_of(account, lock=True)
            except PaymentsUnreadable as error:
                log.warning("payments can't be read, so they stay as they are", chat=chat_id, reason=error.reason)
                continue
            changed = {row.payment.id: change(row) for row in rows if row.payment.place.chat_id == chat_id}
            await t.save_payments(account, changed)


async def payments_of_chat(t: Transaction, chat_id: int) -> list[PaymentRow]:
    rows = [row for account in await t.accounts_of_chat(chat_id) for row in await t.payments_of(account)]
    return [row for row in rows if row.payment.place.chat_id == chat_id]


async def _beside(t: Transaction, payment_id: str) -> list[Payment]:
    """Return all payments of the account that has this one."""
    account = await t.account_of(payment_id)
    return [] if account is None else [row.payment for row in await t.payments_of(account)]
