"""Contract of batches: payments that were asked for together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.payments import Outcome, Payment, State
from bot.errors import PaymentInProgress
from bot.ports import Store
from tests.store.examples import Opener, new_payment


async def batch(store: Store, name: str = "b", size: int = 3) -> list[Payment]:
    """Store a batch: payments of one account for different invoices."""
    payments = [new_payment(f"{name}{number}", invoice_id=number, batch=name) for number in range(size)]
    for payment in payments:
        await store.add_payment(payment)
    return payments


def moved(payments: Sequence[Payment], state: State) -> list[Payment]:
    return [replace(payment, state=state) for payment in payments]


class BatchContract:
    """A batch advances as a whole, or not at all."""

    async def test_a_batch_is_found_by_any_of_its_payments_and_keeps_its_order(self, opener: Opener) -> None:
        store = await opener.open()
        first, second = await batch(store), await batch(store, "c", 2)
        await store.add_payment(alone := new_payment("alone"))
        await opener.crash()
        store = await opener.open()
        assert await store.batch_of("b1") == first
        assert await store.batch_of("c0") == second
        assert await store.batch_of("alone") == [alone]
        assert await store.batch_of("unknown") == []

    async def test_a_batch_advances_as_a_whole_or_not_at_all(self, opener: Opener) -> None:
        store = await opener.open()
        payments = await batch(store)
        assert await store.advance_payments(moved(payments[:1], State.QUEUED), State.ASKED)
        assert not await store.advance_payments(moved(payments, State.QUEUED), State.ASKED)
        assert [payment.state for payment in await store.batch_of("b0")] == [State.QUEUED, State.ASKED, State.ASKED]
        assert await store.advance_payments(moved(payments[1:], State.QUEUED), State.ASKED)
        await opener.crash()
        store = await opener.open()
        assert await store.batch_of("b0") == moved(payments, State.QUEUED)

    async def test_only_one_of_many_concurrent_presses_wins_the_batch(self, opener: Opener) -> None:
        store = await opener.open()
        payments = await batch(store)
        presses = (store.advance_payments(moved(payments, State.QUEUED), State.ASKED) for _ in range(20))
        assert (await asyncio.gather(*presses)).count(True) == 1

    async def test_a_queued_payment_locks_no_invoice_until_it_is_confirmed(self, opener: Opener) -> None:
        store = await opener.open()
        payments = await batch(store)
        await store.advance_payments(moved(payments, State.QUEUED), State.ASKED)
        single = new_payment("single", invoice_id=1)
        await store.add_payment(single)
        assert await store.advance_payment(replace(single, state=State.CONFIRMED), State.ASKED)
        assert await store.advance_payment(replace(payments[0], state=State.CONFIRMED), State.QUEUED)
        with pytest.raises(PaymentInProgress):
            await store.advance_payment(replace(payments[1], state=State.CONFIRMED), State.QUEUED)

    async def test_a_queued_payment_is_unsettled(self, opener: Opener) -> None:
        store = await opener.open()
        payments = await batch(store)
        assert await store.unsettled_payments() == []
        await store.advance_payments(queued := moved(payments, State.QUEUED), State.ASKED)
        await opener.crash()
        store = await opener.open()
        assert await store.unsettled_payments() == queued
        told = [replace(payment, state=State.ENDED, outcome=Outcome.NOT_SENT, told=True) for payment in payments]
        assert await store.advance_payments(told, State.QUEUED)
        assert await store.unsettled_payments() == []
