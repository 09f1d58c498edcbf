"""What /start shows in a linked chat: how things stand, as far as is known, and where to go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Rows, Screen, join
from bot.chat.texts import Texts
from bot.chat.views.consequences import consequences
from bot.chat.views.credit import credit_lines
from bot.domain.alerts import KnownInvoice
from bot.domain.board import owed
from bot.domain.chats import Link
from bot.domain.credit import Debt
from bot.domain.invoices import left_or_total
from bot.domain.queries import ListPage


def home(t: Texts, link: Link, known: Collection[KnownInvoice], now: datetime, *, may_pay: bool) -> Screen:
    """Return the open sum, what is due next, the credit, and when that was read. ``may_pay``: the reader may."""
    invoices = owed(known)
    total = sum((left_or_total(k.left, k.total) for k in invoices), Decimal(0))
    lines = [t.count("list.open_sum", len(invoices), sum=t.money(total)) if invoices else t("list.none_open")]
    lines += _next(t, invoices, now)
    lines += credit_lines(t, link.credit.credit, [Debt(k.id, k.due, k.left) for k in invoices])
    lines.append(t("board.checked", moment=t.moment(link.watch.checked_at)))
    if (why := link.watch.trouble) is not None:
        lines.append(t(f"alert.blind.{why}"))
    elif link.watch.failing_since is not None or link.watch.whole_at is not None:
        lines.append(t("alert.blind.outage"))
    return Screen(join(lines), _rows(t, invoices, may_pay=may_pay))


def _next(t: Texts, invoices: Sequence[KnownInvoice], now: datetime) -> list[Markup]:
    """Return what is overdue for the longest and what is due next, and what follows if each stays unpaid."""
    dated = [(k.due, k) for k in invoices if k.due is not None]
    overdue, ahead = [d for d in dated if t.is_over(d[0], now)], [d for d in dated if not t.is_over(d[0], now)]
    lines = []
    for key, found in (("link.overdue", overdue), ("link.next_due", ahead)):
        for due, first in found[:1]:
            facts = {"id": first.id, "amount": t.money(left_or_total(first.left, first.total)), "date": t.day(due)}
            lines.append(t(key, **facts, day=t.due_day(due, now)))
            lines += consequences(t, due, first.types, now) if first.left != 0 else []
    return lines


def _rows(t: Texts, invoices: Sequence[KnownInvoice], *, may_pay: bool) -> Rows:
    rows = [[Button(t.plain("button.invoices"), f"list:{ListPage()}")]]
    payable = [k for k in invoices if t.offers(k.left)] if may_pay else []
    if len(payable) == 1 and (left := payable[0].left) is not None:
        rows.append([Button(t.plain("button.pay", amount=t.money(left)), f"pay:{payable[0].id}", style=PAYS)])
    elif payable:
        rows.append([Button(t.plain("button.pay_some"), "several", style=PAYS)])
    rows.append([Button(t.plain("button.settings"), "set")])
    return rows
