"""Pay an invoice with credit, or take applied credit back: asked, confirmed, sent once, and settled by reading.

The provider has no idempotency key and doesn't document its answers. So the request is sent at most once per press,
whatever happens, and only the invoice itself, read again, says how it ended: a refusal may be the answer to the
second arrival of a request that was carried out at its first.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from bot.domain.chats import Chat, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import (
    CONFIRMATION_LIFETIME,
    Action,
    Outcome,
    Payment,
    State,
    amount_of,
    ended,
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
from bot.services.settling import Settler, because_of
from bot.services.telling import SHOW_WITHIN, PaymentTeller
from bot.services.workers import Workers

log = structlog.get_logger()

CLEAR_REFUSALS = (Refused, NotFound, TokenRefused, PermissionMissing, RateLimited)
"""Answers of the provider that say that it does not carry this request out."""

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
        self._provider = provider
        self._settler = Settler(store, chats, provider, clock)
        self._teller = PaymentTeller(store, chats, messenger, clock, show_within)
        self._clock = clock
        self._workers = workers
        self._in_hand: set[str] = set()  # what is carried out or looked at right now needs no (further) look
        self._next_look: dict[str, datetime] = {}
        self._next_reading = datetime.min.replace(tzinfo=UTC)

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
        payment = replace(await self._asked(payment_id, place, user_id), message_id=message_id)
        await self._close(payment, Outcome.EXPIRED if self._has_expired(payment) else Outcome.CANCELLED)

    async def confirm(self, payment_id: str, place: Place, user_id: int, message_id: int, chat: Chat) -> Payment | None:
        """Take the confirmation: of all presses of this button, exactly one gets a payment to carry out.

        None: the question had expired, which its message says now. Raises :class:`PressByOther`,
        :class:`ConfirmationExpired` or :class:`bot.errors.PaymentInProgress`, and then nothing was done.
        """
        payment = replace(await self._asked(payment_id, place, user_id), message_id=message_id)
        if self._has_expired(payment):
            await self._close(payment, Outcome.EXPIRED)
            return None
        if chat.link is None or chat.link.account != payment.account:
            raise ConfirmationExpired
        payment = replace(payment, state=State.CONFIRMED, since=self._clock())
        if not await self._store.advance_payment(payment, State.ASKED):
            raise ConfirmationExpired
        self._read_by(payment.since + FIRST_LOOK)
        log.info("payment confirmed", payment=payment.id, action=payment.action, invoice=payment.invoice_id)
        return payment

    def start(self, payment: Payment, chat: Chat) -> None:
        """Carry out in the background what was confirmed, at once, however much else there is to do.

        Should that be cut off or fail, :meth:`tick` finds out how it stands.
        """
        self._workers.start(self.carry_out(payment, chat))

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
        now = self._clock()
        if now < self._next_reading:
            return
        self._next_reading = now + LONGEST_WAIT
        unsettled = await self._store.unsettled_payments()
        self._next_look = {p.id: self._next_look.get(p.id, p.since + FIRST_LOOK) for p in unsettled}
        due = [p for p in unsettled if p.id not in self._in_hand and self._next_look[p.id] <= now]
        for payment in due[: self._workers.free]:
            # Wait half as long as it has taken so far, so that the first looks come soon and the later ones rarely.
            self._next_look[payment.id] = now + min(max((now - payment.since) / 2, FIRST_LOOK), LONGEST_WAIT)
            self._in_hand.add(payment.id)
            self._workers.start(self._look(payment))
        self._read_by(*self._next_look.values())

    def _read_by(self, *instants: datetime) -> None:
        """Let a tick read the store by then, and not every second, as a chat that rests may do so for months."""
        self._next_reading = min((self._next_reading, *instants))

    async def _look(self, payment: Payment) -> None:
        with self._hold(payment.id):
            settled = await self._settler.settle(payment)
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
        """The question that was pressed, if it still is one; it may have expired."""
        payment = await self._store.payment(payment_id)
        if payment is None or payment.place.chat_id != place.chat_id:
            raise ConfirmationExpired
        if payment.user_id != user_id:
            raise PressByOther
        if payment.state is not State.ASKED:
            raise ConfirmationExpired
        return payment

    def _has_expired(self, payment: Payment) -> bool:
        return payment.expires_at <= self._clock()

    async def _close(self, question: Payment, outcome: Outcome) -> None:
        """End a question without an action, and say so in its message."""
        if not await self._store.advance_payment(ended(question, outcome, self._clock()), State.ASKED):
            raise ConfirmationExpired
        self._read_by(self._clock() + FIRST_LOOK)
        with self._hold(question.id):
            await self._teller.tell(question.id)

    async def _send_once(self, payment: Payment, chat: Chat) -> Payment | None:
        """From confirmed on: read again, compare, send once, read.

        Returns the payment as it stands then; None: somebody else has ended it, and tells.
        """
        if chat.link is None:
            return await self._settler.end(payment, Outcome.NOT_SENT)
        token, language = chat.link.token, chat.speaks
        try:
            invoice = await self._provider.invoice(token, language, payment.invoice_id)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("invoice can't be read before a payment", error, payment=payment.id)
            return await self._settler.end(because_of(error, payment), Outcome.NOT_SENT)
        if not still_matches(payment, invoice):
            return await self._settler.end(payment, Outcome.CHANGED, left=invoice.left_to_pay)
        sent = replace(payment, state=State.SENT, since=self._clock())
        if not await self._store.advance_payment(sent, State.CONFIRMED):
            log.warning("payment was given up before it was sent", payment=payment.id)
            return None
        call = self._provider.pay if payment.action is Action.PAY else self._provider.remove_credit
        try:
            await call(token, language, payment.invoice_id)
        except ProviderUnreachable as error:
            return await self._settler.end(because_of(error, sent), Outcome.NOT_SENT)
        except CLEAR_REFUSALS as error:
            sent = because_of(error, sent)
            await self._store.advance_payment(sent, State.SENT)  # in case that the invoice can't be read now
        except Exception as error:  # noqa: BLE001  # whatever it was, the request may have been carried out
            log_failure("payment's answer is unclear", error, payment=payment.id)
        return await self._settler.settle(sent)


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.is_open and invoice.left_to_pay is None:
        return UnclearSum()
    return NothingToPay()
