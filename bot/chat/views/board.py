"""The message that stays: what is open, what comes next and what that means, the credit, and the last check."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Screen, join
from bot.chat.texts import Texts
from bot.chat.views.consequences import consequences
from bot.chat.views.credit import credit_lines
from bot.domain.alerts import KnownInvoice
from bot.domain.board import owed
from bot.domain.credit import Debt
from bot.domain.invoices import left_or_total
from bot.ports import Delivery


def board(t: Texts, delivery: Delivery, now: datetime, *, is_pinned: bool) -> Screen:
    """Return the message as things stand. It has no buttons that would put something else there."""
    invoices, link = owed(delivery.known.values()), delivery.chat.link
    total = sum((left_or_total(k.left, k.total) for k in invoices), Decimal(0))
    lines = [t.count("board.open", len(invoices), sum=t.money(total)) if invoices else t("board.nothing")]
    lines += _next(t, invoices, now)
    if link is not None:
        lines += credit_lines(t, link.credit.credit, [Debt(k.id, k.due, k.left) for k in invoices])
        lines.append(t("board.checked", moment=t.moment(link.watch.checked_at)))
        if (why := link.watch.trouble) is not None:
            lines.append(t(f"alert.blind.{why}"))
    return Screen(join([*lines, *([] if is_pinned else [t("board.not_pinned")])]), [])


def _next(t: Texts, invoices: list[KnownInvoice], now: datetime) -> list[Markup]:
    """Return the invoice that is due first, and what follows if it stays unpaid."""
    first = next((k for k in invoices if k.due is not None), None)
    if first is None or first.due is None:
        return []
    amount, day = t.money(left_or_total(first.left, first.total)), t.due_day(first.due, now)
    line = t("board.next", id=first.id, amount=amount, date=t.day(first.due), day=day)
    return [line, *(consequences(t, first.due, first.types, now) if first.left != 0 else [])]
