"""Send what was confirmed: read again, compare, note the intent, send once, and find out by reading."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.domain.chats import Chat
from bot.domain.payment_times import LEAVE_WITHIN
from bot.domain.payments import Action, Outcome, Payment, State, still_matches, with_found
from bot.errors import ClearRefusal, PaymentInProgress, ProviderUnreachable
from bot.ports import Clock, PaymentStore, Provider
from bot.services.failures import log_failure
from bot.services.payments.reconcile import Reconciler, with_error
from bot.services.reading import AccountReads

log = structlog.get_logger()


class Executor:
    """The only place that asks the provider to move money."""

    def __init__(
        self, store: PaymentStore, provider: Provider, reads: AccountReads, reconciler: Reconciler, clock: Clock
    ) -> None:
        self._store = store
        self._provider = provider
        self._reads = reads
        self._reconciler = reconciler
        self._clock = clock

    async def start_queued(self, payment: Payment) -> Payment | None:
        """Confirm a queued payment, or end it if its invoice is already being paid. Return it.

        Return None if somebody else has moved it on.
        """
        confirmed = replace(payment, state=State.CONFIRMED, since=self._clock())
        try:
            return confirmed if await self._store.advance_payment(confirmed, State.QUEUED) else None
        except PaymentInProgress as error:
            return await self._reconciler.end(with_error(error, payment), Outcome.NOT_SENT)

    async def execute(self, payment: Payment, chat: Chat) -> Payment | None:
        """Carry out a confirmed payment: at most one request leaves, whatever happens. Return how it stands then.

        Return None if somebody else has ended it: they tell the person.
        """
        link = payment.link_in(chat)
        if link is None:
            return await self._reconciler.end(payment, Outcome.NOT_SENT)
        try:
            # The payment waits for its turn now: once it is noted as sent, it must not wait any more.
            await self._provider.make_room()
            invoice = await self._reads.invoice(chat, payment.invoice_id)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("invoice can't be read before a payment", error, payment=payment.id)
            return await self._reconciler.end(with_error(error, payment), Outcome.NOT_SENT)
        if not still_matches(payment, invoice):
            return await self._reconciler.end(with_found(payment, invoice), Outcome.CHANGED, left=invoice.left_to_pay)
        sent = replace(payment, state=State.SENT, since=self._clock())
        if not await self._store.advance_payment(sent, State.CONFIRMED):
            log.warning("payment was given up before it was sent", payment=payment.id)
            return None
        if abs(self._clock() - sent.since) > LEAVE_WITHIN:  # a clock that was put back meanwhile tells nothing
            log.warning("payment was not sent in time", payment=payment.id)
            return await self._reconciler.end(sent, Outcome.NOT_SENT)
        call = self._provider.pay if payment.action is Action.PAY else self._provider.remove_credit
        try:
            await call(link.token, chat.reply_language, payment.invoice_id)
        except ProviderUnreachable as error:
            return await self._reconciler.end(with_error(error, sent), Outcome.NOT_SENT)
        except ClearRefusal as error:
            sent = with_error(error, sent)
            await self._store.advance_payment(sent, State.SENT)  # in case the invoice can't be read now
        except Exception as error:  # noqa: BLE001  # whatever it was, the request may have been carried out
            log_failure("payment's answer is unclear", error, payment=payment.id)
        return await self._reconciler.reconcile(sent)
