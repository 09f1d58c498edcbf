"""The question whether to move money: what may be asked, and what the question binds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bot.domain.chats import Chat, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Payment, PaymentRules, State, amount_of, in_doubt
from bot.domain.selections import Offer, offer_of
from bot.domain.standings import Standing
from bot.errors import (
    ConfirmationExpired,
    NoCreditApplied,
    NothingToPay,
    NotOpen,
    StoreAway,
    UnclearSum,
    UserError,
)
from bot.ports import Clock, PaymentStore
from bot.services.permissions import check_amount, check_may_pay
from bot.services.reading import AccountReads

QUESTIONS_TIMED = 10_000


class QuestionTimer:
    """Measures how old the questions of this process are, by the loop's clock: nobody can put that back.

    A question that lived longer because the other clock was put back would let an old button move money.
    """

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime.total_seconds()
        self._asked: dict[str, float] = {}

    def start(self, payment_id: str) -> None:
        """Note a question that is asked now."""
        self._asked[payment_id] = asyncio.get_running_loop().time()
        if len(self._asked) > QUESTIONS_TIMED:
            del self._asked[next(iter(self._asked))]

    def is_up(self, payment_id: str) -> bool:
        """Return whether it was asked here, too long ago."""
        asked = self._asked.get(payment_id)
        return asked is not None and asyncio.get_running_loop().time() - asked > self._lifetime


class Quoter:
    """Asks by the operator's rules, and stores what was asked."""

    def __init__(
        self, store: PaymentStore, reads: AccountReads, clock: Clock, rules: PaymentRules, timer: QuestionTimer
    ) -> None:
        self._store = store
        self._reads = reads
        self._clock = clock
        self._rules = rules
        self._timer = timer

    async def ask(
        self, chat: Chat, place: Place, user: Member, action: Action, invoice_id: int
    ) -> Sequence[tuple[Payment, Invoice]]:
        """Read an invoice and ask about it.

        Raise as :meth:`offer` and :meth:`ask_about` do, or a :class:`bot.errors.ProviderError`.
        """
        check_may_pay(self._rules, chat, user.id)
        invoice = await self._reads.invoice(chat, invoice_id)
        asked = await self.ask_about([self.offer(invoice, action)], action, chat, place, user)
        return [(payment, invoice) for payment, _ in asked]

    def offer(self, invoice: Invoice, action: Action) -> Offer:
        """Return what can be asked about an invoice.

        Raise as :func:`check_amount` does, or :class:`NothingToPay`, :class:`NotOpen`, :class:`UnclearSum` or
        :class:`NoCreditApplied` if there is nothing to ask.
        """
        amount = amount_of(action, invoice)
        if amount is None:
            raise _why_not(action, invoice)
        check_amount(self._rules, action, amount)
        return offer_of(invoice, amount)

    async def ask_about(
        self,
        offers: Sequence[Offer],
        action: Action,
        chat: Chat,
        place: Place,
        user: Member,
        *,
        instead_of: Collection[str] = (),
        message_id: int | None = None,
    ) -> Sequence[tuple[Payment, Offer]]:
        """Store one question about these invoices, as they were read. Several become a batch, in this order.

        ``instead_of`` is the question in whose place it comes, by its payments, and ``message_id`` the message with it.
        Raise as :func:`check_may_pay` does, or :class:`ConfirmationExpired` if the earlier question was answered
        meanwhile. Nothing was stored then.
        """
        link, now = check_may_pay(self._rules, chat, user.id), self._clock()
        batch = secrets.token_urlsafe(12) if len(offers) > 1 else ""
        doubts = in_doubt(await self._store.payments_of_chat(chat.id, link.account))
        asked = [
            Payment(
                id=secrets.token_urlsafe(12),
                action=action,
                account=link.account,
                invoice_id=offer.id,
                amount=offer.amount,
                credit=offer.credit,
                status=offer.status,
                due=offer.due,
                place=place,
                user_id=user.id,
                user_name=user.name,
                since=now,
                expires_at=now + self._rules.lifetime,
                batch=batch,
                doubtful=offer.id in doubts,
                message_id=message_id,
            )
            for offer in offers
        ]
        for payment in asked:
            self._timer.start(payment.id)
        if not await self._store.add_payments(asked, instead_of):
            raise ConfirmationExpired
        return list(zip(asked, offers, strict=True))

    async def withdraw(self, payment_ids: Collection[str], account: str) -> bool:
        """Forget a question. Return False if it was answered meanwhile."""
        return not payment_ids or await self._store.drop_questions(account, payment_ids)

    async def shown(self, asked: Iterable[Payment], message_id: int) -> None:
        """Note which message shows a question, so that /cancel finds it."""
        with suppress(StoreAway):  # it is shown all the same
            payments = [replace(payment, message_id=message_id) for payment in asked]
            await self._store.advance_payments(payments, State.ASKED)


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.standing is Standing.CLOSED:
        return NotOpen(invoice.odd_status or "?")
    return UnclearSum() if invoice.is_open and invoice.left_to_pay is None else NothingToPay()
