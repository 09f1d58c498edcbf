"""What credit is there, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from markupsafe import Markup

from bot.chat.screens import Button, Rows
from bot.chat.texts import Texts
from bot.domain.credit import Credit, Debt, coverage
from bot.domain.provider_calendar import DAY
from bot.domain.topping_up import TopUpSubject


def wish_rows(t: Texts, credit: Credit | None, debts: Sequence[Debt]) -> Rows:
    """Return a button to be told when the credit suffices, if it is known to be too small for a single invoice."""
    covers = coverage(credit, debts, t.currency)
    if covers is None or not covers.short or len(debts) != 1:
        return []
    return [[Button(t.plain("button.tell_when_there"), f"credit:{debts[0].id}")]]


COVERED_NAMED = 20
"""How many invoices are named that the credit suffices for."""


def top_up_rows(t: Texts, subject: TopUpSubject) -> Rows:
    """Return the buttons that lead to topping up, for the ways that the operator has set."""
    page, payee = t.top_up.page, t.top_up.payee
    buttons = [Button(t.plain("button.top_up"), url=page)] if page else []
    if payee is not None:
        buttons.append(Button(t.plain("button.top_up_transfer" if page else "button.top_up"), f"topup:{subject}"))
    return [buttons] if buttons else []


def shortfall_rows(
    t: Texts, credit: Credit | None, debts: Sequence[Debt], now: datetime, subject: TopUpSubject
) -> Rows:
    """Return these buttons where the credit lacks something, or where it is time for a transfer."""
    covers = coverage(credit, debts, t.currency)
    is_short = covers is not None and covers.short
    return top_up_rows(t, subject) if is_short or _transfer_lines(t, credit, debts, now) else []


def money_lines(
    t: Texts, credit: Credit | None, debts: Sequence[Debt], now: datetime, *, with_earlier: bool = False
) -> list[Markup]:
    """Return what the credit covers, and until when a transfer of what is missing would be in time."""
    return [*credit_lines(t, credit, debts, with_earlier=with_earlier), *_transfer_lines(t, credit, debts, now)]


def _transfer_lines(t: Texts, credit: Credit | None, debts: Sequence[Debt], now: datetime) -> list[Markup]:
    """Return until when a transfer must leave for the first invoice that the credit does not cover.

    If the credit can't be read, say so only when the day is near: most often something else pays.
    """
    covers = coverage(credit, debts, t.currency)
    open_ones = [one for one in debts if one.due is not None and (covers is None or one.id not in covers.covered)]
    first = min(open_ones, key=lambda one: one.due or date.max, default=None)
    if first is None or first.due is None or (last := t.calendar.last_transfer_day(first.due)) is None:
        return []
    today = t.date_of(now)
    if t.is_over(first.due, now) or (covers is None and not last - DAY <= today <= last):
        return []
    if today > last:
        return [t("transfer.late")]
    return [t("transfer.today")] if today == last else [t("transfer.by", day=t.weekday(last))]


def credit_lines(t: Texts, credit: Credit | None, debts: Sequence[Debt], *, with_earlier: bool = False) -> list[Markup]:
    """Return how much credit there is, and whether it suffices for these invoices. Nothing if it can't be read.

    ``with_earlier``: some of them are not shown, but are due before.
    """
    if credit is None:
        return []
    there = t.money(credit.amount, credit.currency)
    covers = coverage(credit, debts, t.currency) if debts else None
    if covers is None:
        return [t("credit.there", credit=there)]
    if not covers.short:
        return [t.count("credit.enough", len(debts), credit=there)]
    line = t("credit.short_with_earlier" if with_earlier else "credit.short", credit=there, short=t.money(covers.short))
    if not covers.covered:
        return [line]
    ids = t.listing([str(number) for number in covers.covered], COVERED_NAMED)
    return [Markup(" ").join([line, t("credit.covers", ids=ids)])]
