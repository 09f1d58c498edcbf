"""Who may move money or change reminders here: the operator's rules, and the roles in a group."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.chats import Chat, Link
from bot.domain.payments import Action, PaymentRules
from bot.errors import NotAPayer, NotInCharge, NotLinked, PaymentsOff, PaymentTooLarge


def link_of(chat: Chat) -> Link:
    """Return the chat's link. Raise :class:`NotLinked` if it has none."""
    if chat.link is None:
        raise NotLinked
    return chat.link


def check_may_pay(rules: PaymentRules, chat: Chat, user_id: int) -> Link:
    """Return the chat's link if this person may pay with it.

    Raise :class:`PaymentsOff`, :class:`NotLinked` or :class:`NotAPayer`. This is checked at the question and again at
    the press, since roles, links and settings change in between.
    """
    if not rules.on:
        raise PaymentsOff
    link = link_of(chat)
    if not link.may_pay(user_id):
        raise NotAPayer(owner=link.owner)
    return link


def check_in_charge(chat: Chat, user_id: int) -> None:
    """Raise :class:`NotInCharge` if this person may only read: the group's reminders are not theirs to change."""
    if chat.link is not None and not chat.link.may_pay(user_id):
        raise NotInCharge(owner=chat.link.owner)


def check_amount(rules: PaymentRules, action: Action, amount: Decimal) -> None:
    """Raise :class:`PaymentTooLarge` for a payment above the operator's limit."""
    if action is Action.PAY and rules.limit is not None and not rules.allow(amount):
        raise PaymentTooLarge(amount, rules.limit)
