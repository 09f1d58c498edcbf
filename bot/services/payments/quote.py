"""The question whether to move money: what may be asked, and what the question binds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from bot.domain.chats import Chat, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Payment, PaymentRules, amount_of, in_doubt
from bot.domain.standings import Standing
from bot.errors import NoCreditApplied, NothingToPay, NotOpen, UnclearSum, UserError
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
        """Read an invoice and ask about it. Return and raise as :meth:`ask_about`, or raise a ``ProviderError``."""
        check_may_pay(self._rules, chat, user.id)
        invoice = await self._reads.invoice(chat, invoice_id)
        return await self.ask_about([invoice], action, chat, place, user)

    async def ask_about(
        self, invoices: Sequence[Invoice], action: Action, chat: Chat, place: Place, user: Member
    ) -> Sequence[tuple[Payment, Invoice]]:
        """Store one question about these invoices, as they are. Several become a batch, in this order.

        Raise as :func:`check_may_pay` and :func:`check_amount` do, or :class:`NothingToPay`, :class:`NotOpen`,
        :class:`UnclearSum` or :class:`NoCreditApplied` if there is nothing to ask. Nothing was stored then.
        """
        link, now = check_may_pay(self._rules, chat, user.id), self._clock()
        batch = secrets.token_urlsafe(12) if len(invoices) > 1 else ""
        doubts = in_doubt(await self._store.payments_of_chat(chat.id, link.account))
        asked = [
            Payment(
                id=secrets.token_urlsafe(12),
                action=action,
                account=link.account,
                invoice_id=invoice.id,
                amount=self._amount(action, invoice),
                credit=invoice.credit,
                status=invoice.status,
                due=invoice.due,
                place=place,
                user_id=user.id,
                user_name=user.name,
                since=now,
                expires_at=now + self._rules.lifetime,
                batch=batch,
                doubtful=invoice.id in doubts,
            )
            for invoice in invoices
        ]
        for payment in asked:
            self._timer.start(payment.id)
            await self._store.add_payment(payment)
        return list(zip(asked, invoices, strict=True))

    def _amount(self, action: Action, invoice: Invoice) -> Decimal:
        amount = amount_of(action, invoice)
        if amount is None:
            raise _why_not(action, invoice)
        check_amount(self._rules, action, amount)
        return amount


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.standing is Standing.CLOSED:
        return NotOpen(invoice.odd_status or "?")
    return UnclearSum() if invoice.is_open and invoice.left_to_pay is None else NothingToPay()
