"""Pay an invoice with credit, or take applied credit back: asked, confirmed, sent once, and settled by reading.

The provider has no idempotency key and doesn't document its answers. So the request is sent at most once per press,
whatever happens, and only the invoice itself, read again, says how it ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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
    ended,
    outcome_of,
    still_matches,
)
from bot.errors import (
    ConfirmationExpired,
    NoCreditApplied,
    NotFound,
    NothingToPay,
    NotLinked,
    PermissionMissing,
    PressByOther,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
    UnclearSum,
    UserError,
)
from bot.ports import ChatStore, Clock, Messenger, PaymentStore, Provider
from bot.services.failures import log_failure
from bot.services.telling import SHOW_WITHIN, PaymentTeller
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
        *,
        show_within: timedelta = SHOW_WITHIN,
    ) -> None:
        self._store = store
        self._chats = chats
        self._provider = provider
        self._teller = PaymentTeller(store, chats, messenger, clock, show_within)
        self._clock = clock
        self._workers = workers
        self._in_hand: set[str] = set()  # what is carried out or looked at right now needs no (further) look
        self._next_look: dict[str, datetime] = {}

    async def ask(
        self, chat: Chat, place: Place, user_id: int, action: Action, invoice_id: int
    ) -> tuple[Payment, Invoice]:
        """Store the question whether to do it, bound to who asks, where, and what the invoice says now.

        Raises :class:`NotLinked`, :class:`NothingToPay`, :class:`UnclearSum`, :class:`NoCreditApplied` or a
        :class:`bot.errors.ProviderError`.
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
        cancelled = ended(replace(payment, message_id=message_id), Outcome.CANCELLED, self._clock())
        if not await self._store.advance_payment(cancelled, State.ASKED):
            raise ConfirmationExpired
        with self._hold(payment_id):
            await self._teller.tell(payment_id)

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
        with self._hold(payment.id):
            await self._teller.show_step(payment, chat)
            after = await self._send_once(payment, chat)
            if after is not None and after.state is State.SENT:
                await self._teller.show_step(after, chat)
            elif after is not None:
                await self._teller.tell(after.id)

    async def tick(self) -> None:
        """Settle what is unsettled: payments whose end is not known yet, or was not told yet."""
        unsettled = await self._store.unsettled_payments()
        self._next_look = {p.id: self._next_look.get(p.id, p.since + FIRST_LOOK) for p in unsettled}
        now = self._clock()
        due = [p for p in unsettled if p.id not in self._in_hand and self._next_look[p.id] <= now]
        for payment in due[: self._workers.free]:
            # Wait half as long as it has taken so far, so that the first looks come soon and the later ones rarely.
            self._next_look[payment.id] = now + min(max((now - payment.since) / 2, FIRST_LOOK), LONGEST_WAIT)
            self._in_hand.add(payment.id)
            self._workers.start(self._look(payment))

    async def _look(self, payment: Payment) -> None:
        with self._hold(payment.id):
            settled = await self._settle(payment)
            if settled is not None and settled.state is State.ENDED:
                await self._teller.tell(settled.id)

    @contextmanager
    def _hold(self, payment_id: str) -> Iterator[None]:
        self._in_hand.add(payment_id)
        try:
            yield
        finally:
            self._in_hand.discard(payment_id)

    async def _asked(self, payment_id: str, place: Place, user_id: int) -> Payment:
        payment = await self._store.payment(payment_id)
        if payment is None or payment.place.chat_id != place.chat_id:
            raise ConfirmationExpired
        if payment.user_id != user_id:
            raise PressByOther
        if payment.state is not State.ASKED or payment.expires_at <= self._clock():
            raise ConfirmationExpired
        return payment

    async def _send_once(self, payment: Payment, chat: Chat) -> Payment | None:
        """From confirmed on: read again, compare, send once, read.

        Returns the payment as it stands then; None: somebody else has ended it, and tells.
        """
        if chat.link is None:
            return await self._end(payment, Outcome.NOT_SENT)
        token, language = chat.link.token, chat.speaks
        try:
            invoice = await self._provider.invoice(token, language, payment.invoice_id)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("invoice can't be read before a payment", error, payment=payment.id)
            return await self._end(payment, Outcome.NOT_SENT, error=error)
        if not still_matches(payment, invoice):
            return await self._end(payment, Outcome.CHANGED, left=invoice.left_to_pay)
        sent = replace(payment, state=State.SENT, since=self._clock())
        if not await self._store.advance_payment(sent, State.CONFIRMED):
            log.warning("payment was given up before it was sent", payment=payment.id)
            return None
        call = self._provider.pay if payment.action is Action.PAY else self._provider.remove_credit
        try:
            await call(token, language, payment.invoice_id)
        except CLEAR_REFUSALS as error:
            return await self._end(sent, Outcome.REFUSED, error=error)
        except ProviderUnreachable as error:
            return await self._end(sent, Outcome.NOT_SENT, error=error)
        except Exception as error:  # noqa: BLE001  # whatever it was, the request may have been carried out
            log_failure("payment's answer is unclear", error, payment=payment.id)
        return await self._settle(sent)

    async def _settle(self, payment: Payment) -> Payment | None:
        """What is known now of a payment that may have been sent; ended once the invoice says so, or time is up."""
        now = self._clock()
        if payment.state is State.CONFIRMED and now - payment.since > ABANDONED_AFTER:
            return await self._end(payment, Outcome.NOT_SENT)
        if payment.state is not State.SENT:
            return payment
        invoice = await self._read_after(payment)
        outcome = outcome_of(payment, invoice) if invoice else None
        if outcome is None and now - payment.since > SETTLE_FOR:
            outcome = Outcome.UNCLEAR
        if outcome is None:
            return payment
        return await self._end(payment, outcome, left=invoice.left_to_pay if invoice else None)

    async def _read_after(self, payment: Payment) -> Invoice | None:
        chat = await self._chats.chat(payment.place.chat_id)
        if chat.link is None or chat.link.account != payment.account:
            return None
        try:
            return await self._provider.invoice(chat.link.token, chat.speaks, payment.invoice_id)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("invoice can't be read after a payment", error, payment=payment.id)
            return None

    async def _end(
        self, payment: Payment, outcome: Outcome, left: Decimal | None = None, error: Exception | None = None
    ) -> Payment | None:
        """The ended payment; None: somebody else has moved it on."""
        reason = error.reason if isinstance(error, Refused) else ""
        after = ended(payment, outcome, self._clock(), left, reason)
        if not await self._store.advance_payment(after, payment.state):
            return None
        log.info("payment ended", payment=payment.id, invoice=payment.invoice_id, outcome=outcome)
        return after


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.is_open and invoice.left_to_pay is None:
        return UnclearSum()
    return NothingToPay()
