"""Pay an invoice with credit, or take applied credit back: asked, confirmed, sent once, and settled by reading.

The provider has no idempotency key and doesn't document its answers. So the request is sent at most once per press,
whatever happens, and only the invoice itself, read again, says how it ended.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from bot.domain.chats import Chat, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import (
    CONFIRMATION_LIFETIME,
    SETTLE_FOR,
    Action,
    Outcome,
    Payment,
    State,
    amount_of,
    outcome_of,
    still_matches,
)
from bot.errors import (
    ConfirmationExpired,
    MessengerError,
    NoCreditApplied,
    NotFound,
    NothingToPay,
    NotLinked,
    PermissionMissing,
    PressByOther,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
    UnclearSum,
    UserError,
)
from bot.ports import ChatStore, Clock, Messenger, PaymentStore, Provider
from bot.services.workers import Workers

log = structlog.get_logger()

CLEAR_REFUSALS = (Refused, NotFound, TokenRefused, PermissionMissing, RateLimited)
"""Answers of the provider that say it has not carried the request out."""

ABANDONED_AFTER = timedelta(minutes=2)
"""A confirmed payment that was not sent for so long belongs to a process that died; longer than any read may take."""

FIRST_LOOK = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=1)


class Payments:
    """The whole way of a payment. Every step is a conditional update in the store: who loses the race stops."""

    def __init__(
        self,
        store: PaymentStore,
        chats: ChatStore,
        provider: Provider,
        messenger: Messenger,
        clock: Clock,
        workers: Workers,
    ) -> None:
        self._store = store
        self._chats = chats
        self._provider = provider
        self._messenger = messenger
        self._clock = clock
        self._workers = workers
        self._next_look: dict[str, datetime] = {}

    async def ask(
        self, chat: Chat, place: Place, user_id: int, action: Action, invoice_id: int
    ) -> tuple[Payment, Invoice]:
        """Store the question whether to do it, bound to who asks, where, and what the invoice says now.

        Raises :class:`NotLinked`, :class:`NothingToPay`, :class:`UnclearSum`, :class:`NoCreditApplied` or a
        :class:`ProviderError`.
        """
        if chat.link is None:
            raise NotLinked
        invoice = await self._provider.invoice(chat.link.token, chat.speaks, invoice_id)
        amount = amount_of(action, invoice)
        if amount is None:
            raise _why_not(action, invoice)
        now = self._clock()
        payment = Payment(
            id=secrets.token_urlsafe(12),
            action=action,
            account=chat.link.account,
            invoice_id=invoice.id,
            amount=amount,
            credit=invoice.credit,
            status=invoice.status,
            due=invoice.due,
            place=place,
            user_id=user_id,
            since=now,
            expires_at=now + CONFIRMATION_LIFETIME,
        )
        await self._store.add_payment(payment)
        return payment, invoice

    async def cancel(self, payment_id: str, place: Place, user_id: int, message_id: int) -> None:
        """Take the question back. Raises as :meth:`confirm` does."""
        payment = await self._asked(payment_id, place, user_id)
        cancelled = self._ended(replace(payment, message_id=message_id), Outcome.CANCELLED)
        if not await self._store.advance_payment(cancelled, State.ASKED):
            raise ConfirmationExpired
        await self._tell(cancelled)

    async def confirm(self, payment_id: str, place: Place, user_id: int, message_id: int, chat: Chat) -> Payment:
        """Take the confirmation: of all presses of this button, exactly one gets here to :meth:`carry_out`.

        Raises :class:`PressByOther`, :class:`ConfirmationExpired` or :class:`bot.errors.PaymentInProgress`, and
        then nothing was done.
        """
        payment = await self._asked(payment_id, place, user_id)
        if chat.link is None or chat.link.account != payment.account:
            raise ConfirmationExpired
        payment = replace(payment, state=State.CONFIRMED, since=self._clock(), message_id=message_id)
        if not await self._store.advance_payment(payment, State.ASKED):
            raise ConfirmationExpired
        log.info("payment confirmed", payment=payment.id, action=payment.action, invoice=payment.invoice_id)
        return payment

    async def carry_out(self, payment: Payment, chat: Chat) -> None:
        """Do what was confirmed, and show every step in the message whose button was pressed."""
        await self._show(payment, chat)
        await self._tell(await self._send_once(payment, chat))

    async def tick(self) -> None:
        """Settle what is unsettled: payments whose end is not known yet, or was not told yet."""
        for payment in await self._store.unsettled_payments():
            if self._next_look.get(payment.id, payment.since + FIRST_LOOK) <= self._clock():
                self._look_again_later(payment)
                self._workers.start(self._look(payment))

    async def _look(self, payment: Payment) -> None:
        settled = await self._settle(payment)
        if settled.state is State.ENDED:
            await self._tell(settled)

    async def _asked(self, payment_id: str, place: Place, user_id: int) -> Payment:
        payment = await self._store.payment(payment_id)
        if payment is None or payment.place.chat_id != place.chat_id:
            raise ConfirmationExpired
        if payment.user_id != user_id:
            raise PressByOther
        if payment.state is not State.ASKED or payment.expires_at <= self._clock():
            raise ConfirmationExpired
        return payment

    async def _send_once(self, payment: Payment, chat: Chat) -> Payment:
        """From confirmed on: read again, compare, send once, read. Returns the payment as it stands then."""
        if chat.link is None:
            return await self._end(payment, Outcome.NOT_SENT)
        token, language = chat.link.token, chat.speaks
        try:
            invoice = await self._provider.invoice(token, language, payment.invoice_id)
        except ProviderError as error:
            return await self._end(payment, Outcome.NOT_SENT, error=error)
        if not still_matches(payment, invoice):
            return await self._end(payment, Outcome.CHANGED, left=invoice.left_to_pay)
        sent = replace(payment, state=State.SENT, since=self._clock())
        if not await self._store.advance_payment(sent, State.CONFIRMED):
            log.warning("payment was given up before it was sent", payment=payment.id)
            return await self._store.payment(payment.id) or payment
        call = self._provider.pay if payment.action is Action.PAY else self._provider.remove_credit
        try:
            await call(token, language, payment.invoice_id)
        except CLEAR_REFUSALS as error:
            return await self._end(sent, Outcome.REFUSED, error=error)
        except ProviderUnreachable as error:
            return await self._end(sent, Outcome.NOT_SENT, error=error)
        except ProviderError as error:
            log.warning("payment's answer is unclear", payment=payment.id, error=str(error))
        return await self._settle(sent)

    async def _settle(self, payment: Payment) -> Payment:
        """What is known now of a payment that may have been sent; ended once the invoice says so, or time is up."""
        now = self._clock()
        if payment.state is State.CONFIRMED and now - payment.since > ABANDONED_AFTER:
            return await self._end(payment, Outcome.NOT_SENT)
        if payment.state is not State.SENT:
            return payment
        chat = await self._chats.chat(payment.place.chat_id)
        invoice = None
        if chat.link is not None and chat.link.account == payment.account:
            try:
                invoice = await self._provider.invoice(chat.link.token, chat.speaks, payment.invoice_id)
            except ProviderError as error:
                log.info("invoice can't be read after a payment", payment=payment.id, error=str(error))
        outcome = outcome_of(payment, invoice) if invoice else None
        if outcome is None and now - payment.since > SETTLE_FOR:
            outcome = Outcome.UNCLEAR
        if outcome is None:
            return payment
        return await self._end(payment, outcome, left=invoice.left_to_pay if invoice else None)

    async def _end(
        self, payment: Payment, outcome: Outcome, left: Decimal | None = None, error: ProviderError | None = None
    ) -> Payment:
        ended = self._ended(payment, outcome, left, error)
        if not await self._store.advance_payment(ended, payment.state):
            return await self._store.payment(payment.id) or ended
        log.info("payment ended", payment=payment.id, invoice=payment.invoice_id, outcome=outcome)
        return ended

    async def _tell(self, payment: Payment) -> None:
        """Show how it stands; once an end was shown, the record says so and nobody looks at it again."""
        chat = await self._chats.chat(payment.place.chat_id)
        shown = await self._show(payment, chat)
        if shown and payment.state is State.ENDED:
            await self._store.advance_payment(replace(payment, told=True), State.ENDED)
            self._next_look.pop(payment.id, None)

    async def _show(self, payment: Payment, chat: Chat) -> bool:
        """Bring the message up to date. A failure here must never stop a payment; False: the person hasn't seen it."""
        try:
            await self._messenger.show_payment(payment, chat)
        except MessengerError as error:
            log.warning("payment can't be shown", payment=payment.id, state=payment.state, error=str(error))
            return error.permanent
        return True

    def _ended(
        self, payment: Payment, outcome: Outcome, left: Decimal | None = None, error: ProviderError | None = None
    ) -> Payment:
        return replace(
            payment,
            state=State.ENDED,
            since=self._clock(),
            outcome=outcome,
            left=left,
            reason=error.reason if isinstance(error, Refused) else "",
        )

    def _look_again_later(self, payment: Payment) -> None:
        """Wait half as long as it has taken so far, so that the first looks come soon and the later ones rarely."""
        now = self._clock()
        self._next_look[payment.id] = now + min(max((now - payment.since) / 2, FIRST_LOOK), LONGEST_WAIT)


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.is_open and invoice.left_to_pay is None:
        return UnclearSum()
    return NothingToPay()
