"""The question whether to move money: what stands in it, and when there is none."""

from __future__ import annotations

import secrets
from datetime import datetime

from bot.domain.chats import Link, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Payment, PaymentRules, amount_of
from bot.errors import NoCreditApplied, NothingToPay, UnclearSum, UserError
from bot.services.permissions import check_amount


class Quoter:
    """Makes questions by the operator's rules. They are not stored yet."""

    def __init__(self, rules: PaymentRules) -> None:
        self._rules = rules

    def question(
        self, link: Link, place: Place, user: Member, action: Action, invoice: Invoice, now: datetime, batch: str = ""
    ) -> Payment:
        """A question bound to who asks, where, and what the invoice says now.

        Raises :class:`NothingToPay`, :class:`UnclearSum`, :class:`NoCreditApplied` or
        :class:`bot.errors.PaymentTooLarge` where there is nothing to ask.
        """
        amount = amount_of(action, invoice)
        if amount is None:
            raise _why_not(action, invoice)
        check_amount(self._rules, action, amount)
        return Payment(
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
            expires_at=now + self._rules.lifetime,
            batch=batch,
        )


def _why_not(action: Action, invoice: Invoice) -> UserError:
    if action is Action.REMOVE_CREDIT:
        return NoCreditApplied()
    if invoice.is_open and invoice.left_to_pay is None:
        return UnclearSum()
    return NothingToPay()
