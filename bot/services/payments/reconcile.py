"""Find out how a payment ended. Whatever the provider answered, only the invoice, read again, decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import structlog

from bot.domain.invoices import Invoice
from bot.domain.payment_times import ABANDONED_AFTER, RECONCILE_FOR
from bot.domain.payments import MOVED, UNFINISHED, Outcome, Payment, State, ended, outcome_of
from bot.domain.waits import is_ahead
from bot.errors import BotError, ClearRefusal, NotLinked
from bot.ports import Clock
from bot.services.failures import log_failure
from bot.services.payments import PayingStore, chat_of
from bot.services.reading import AccountReads

log = structlog.get_logger()


class Reconciler:
    """Ends payments. It never raises a failure of the provider."""

    def __init__(self, store: PayingStore, reads: AccountReads, clock: Clock) -> None:
        self._store = store
        self._reads = reads
        self._clock = clock

    async def reconcile(self, payment: Payment) -> Payment | None:
        """Return what is known now of a payment that may have been sent. End it if the invoice says so, or time is up.

        Return None if somebody else has ended it: they tell the person.
        """
        now = self._clock()
        if payment.state in UNFINISHED and is_ahead(payment.since, now):
            return await self._date_anew(payment, now)
        if payment.state is State.CONFIRMED and now - payment.since > ABANDONED_AFTER:
            return await self.end(payment, Outcome.NOT_SENT)
        if payment.state is State.QUEUED:
            batch = await self._store.batch_of(payment.id)
            # A living process goes on after a payment that is done, and after no other end.
            steps = [other.since for other in batch if other.outcome in {None, Outcome.DONE}]
            if not steps:
                return None
            last = max((at for at in steps if not is_ahead(at, now)), default=now)
            return await self.end(payment, Outcome.NOT_SENT) if now - last > ABANDONED_AFTER else payment
        if payment.state is not State.SENT:
            return payment
        time_is_up = now - payment.since > RECONCILE_FOR
        try:
            invoice = await self._read_after(payment)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("invoice can't be read after a payment", error, payment=payment.id)
            why = payment if payment.error else with_error(error, payment)
            return await self.end(why, Outcome.UNCLEAR) if time_is_up else payment
        outcome = outcome_of(payment, invoice) or (Outcome.UNCLEAR if time_is_up else None)
        return await self.end(payment, outcome, invoice.left_to_pay) if outcome else payment

    async def _date_anew(self, payment: Payment, now: datetime) -> Payment | None:
        """Let its present state begin now: a clock that was ahead has dated it, so nobody knows how old it is."""
        dated = replace(payment, since=now)
        return dated if await self._store.advance_payment(dated, payment.state) else None

    async def end_queued(self, payments: Sequence[Payment]) -> None:
        """End the payments that were never started: nothing was sent for them."""
        for payment in payments:
            if payment.state is State.QUEUED:
                await self.end(payment, Outcome.NOT_SENT)  # does nothing if it was started: its stored state differs

    async def end(self, payment: Payment, outcome: Outcome, left: Decimal | None = None) -> Payment | None:
        """Return the ended payment, or None if somebody else has moved it on."""
        after = ended(payment, outcome, self._clock(), left)
        if not await self._store.advance_payment(after, payment.state):
            return None
        log.info(
            "payment ended", payment=payment.id, action=payment.action, invoice=payment.invoice_id, outcome=outcome
        )
        if outcome in MOVED:
            # In all chats of the account, earlier messages about the invoice then say soon that it has changed.
            await self._store.hasten_checks(payment.account, after.since)
        return after

    async def _read_after(self, payment: Payment) -> Invoice:
        chat = await chat_of(self._store, payment)
        if payment.link_in(chat) is None:
            raise NotLinked
        return await self._reads.invoice(chat, payment.invoice_id)


def with_error(error: Exception, payment: Payment) -> Payment:
    """Return the payment with what went wrong."""
    key = error.key if isinstance(error, BotError) else BotError.key
    return replace(payment, error=key, reason=error.reason if isinstance(error, ClearRefusal) else "")
