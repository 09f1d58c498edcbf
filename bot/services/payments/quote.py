"""The question whether to move money: what may be asked, and what the question binds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal

from bot.domain.chats import Chat, Link, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Payment, PaymentRules, amount_of, in_doubt
from bot.errors import NoCreditApplied, NothingToPay, PaymentTooLarge, UnclearSum, UserError
from bot.ports import Clock, PaymentStore, Provider
from bot.services.permissions import check_may_pay


class Quoter:
    """Asks by the operator's rules, and stores what was asked."""

    def __init__(self, store: PaymentStore, provider: Provider, clock: Clock, rules: PaymentRules) -> None:
        self.rules = rules
        self._store = store
        self._provider = provider
        self._clock = clock

    def check(self, chat: Chat, user: Member) -> Link:
        """Return the chat's link if this person may pay with it. Raise as :func:`check_may_pay` does."""
        return check_may_pay(self.rules, chat, user.id)

    def check_amount(self, action: Action, amount: Decimal) -> None:
        """Raise :class:`PaymentTooLarge` for a payment above the operator's limit."""
        if action is Action.PAY and self.rules.limit is not None and not self.rules.allow(amount):
            raise PaymentTooLarge(amount, self.rules.limit)

    async def ask(
        self, chat: Chat, place: Place, user: Member, action: Action, invoice_id: int
    ) -> Sequence[tuple[Payment, Invoice]]:
        """Read an invoice and ask about it. Return and raise as :meth:`ask_about`, or raise a ``ProviderError``."""
        link = self.check(chat, user)
        invoice = await self._provider.invoice(link.token, chat.reply_language, invoice_id)
        return await self.ask_about([invoice], action, chat, place, user)

    async def ask_about(
        self, invoices: Sequence[Invoice], action: Action, chat: Chat, place: Place, user: Member
    ) -> Sequence[tuple[Payment, Invoice]]:
        """Store one question about these invoices, as they are. Several become a batch, in this order.

        Raise as :meth:`check` and :meth:`check_amount` do, or :class:`NothingToPay`, :class:`UnclearSum` or
        :class:`NoCreditApplied` if there is nothing to ask. Nothing was stored then.
        """
        link, now = self.check(chat, user), self._clock()
        amounts = [self._amount(action, invoice) for invoice in invoices]
        batch = secrets.token_urlsafe(12) if len(invoices) > 1 else ""
        doubts = in_doubt(await self._store.payments_of_chat(chat.id))
        asked = [
            Payment(
                id=secrets.token_urlsafe(12),
                action=action,
                account=link.account,
                invoice_id=invoice.id,
                amount=amount,
                credit=invoice.credit,
                status=invoice.status,
                due=invoice.due,
                place=place,
                user_id=user.id,
                user_name=user.name,
                since=now,
                expires_at=now + self.rules.lifetime,
                batch=batch,
                doubtful=invoice.id in doubts,
            )
            for invoice, amount in zip(invoices, amounts, strict=True)
        ]
        for payment in asked:
            await self._store.add_payment(payment)
        return list(zip(asked, invoices, strict=True))

    def _amount(self, action: Action, invoice: Invoice) -> Decimal:
        amount = amount_of(action, invoice)
        if amount is None:
            raise _why_not(action, invoice)
        self.check_amount(action, amount)
        return amount


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.is_open and invoice.left_to_pay is None:
        return UnclearSum()
    return NothingToPay()
