"""What a message of alerts says of the credit, and the ways to top it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from markupsafe import Markup

from bot.chat.screens import Rows
from bot.chat.texts import Texts
from bot.chat.views.credit import money_lines, shortfall_rows
from bot.domain.alerts import Shown
from bot.domain.credit import Credit, Debt
from bot.domain.topping_up import TopUpSubject
from bot.ports import Delivery


def credit_of_alert(t: Texts, delivery: Delivery, shown: Sequence[Shown], now: datetime) -> list[Markup]:
    """Return whether the credit suffices for what this message shows, and for all that is due before."""
    owed, debts = _owed(shown), _debts(delivery, shown)
    return money_lines(t, _credit_in(delivery), debts, now, with_earlier=len(debts) > len(owed)) if debts else []


def _credit_in(delivery: Delivery) -> Credit | None:
    return delivery.chat.link.credit.credit if delivery.chat.link is not None else None


def top_up_rows_of_alert(t: Texts, delivery: Delivery, shown: Sequence[Shown], now: datetime) -> Rows:
    """Return the ways to top up, where the message says that something is missing."""
    debts = _debts(delivery, shown)
    if not debts:
        return []
    latest = max(_owed(shown), key=lambda s: (s.due or date.max, s.invoice_id))
    subject = TopUpSubject(latest.invoice_id, earlier=len(debts) > 1)
    return shortfall_rows(t, _credit_in(delivery), debts, now, subject)


def _owed(shown: Sequence[Shown]) -> list[Shown]:
    return [s for s in shown if s.left != 0]


def _debts(delivery: Delivery, shown: Sequence[Shown]) -> list[Debt]:
    """Return what is to be paid of what this message shows, and of all that is due before."""
    owed = _owed(shown)
    if delivery.chat.link is None or not owed:
        return []
    last = max(s.due or date.max for s in owed)
    numbers = {s.invoice_id for s in owed}
    before = [k for k in delivery.known.values() if k.may_be_owed and ((k.due or date.max) < last or k.id in numbers)]
    return [known.debt for known in before]
