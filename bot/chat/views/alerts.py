"""Alerts, as they are sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.domain.alerts import AlertKind, KnownInvoice
from bot.ports import Delivery

TITLE = 100
FRESH = timedelta(hours=3)
"""How old knowledge may be without a word, where it was good when the alert was found."""


def alert(t: Texts, delivery: Delivery, now: datetime) -> Screen:
    """The alert as things stand at ``now``; where it may come a second time, or from old knowledge, it says so."""
    invoice, link = delivery.known, delivery.chat.link
    if invoice is None:
        lines = [t(f"alert.{delivery.alert.kind}")]
    else:
        lines = _news(t, delivery.alert.kind, invoice, now)
        if link is not None and (link.checked_at < delivery.alert.created_at or now - link.checked_at > FRESH):
            lines.append(t("alert.as_of", moment=t.moment(link.checked_at)))
    if delivery.again:
        lines.append(t("alert.again"))
    return Screen(join(lines), _rows(t, invoice) if invoice is not None else ())


def _news(t: Texts, kind: AlertKind, invoice: KnownInvoice, now: datetime) -> list[Markup]:
    today = now.astimezone(t.zone).date()
    facts = {"id": invoice.id, "amount": t.money(invoice.total if invoice.left is None else invoice.left)}
    if kind is AlertKind.NEW or invoice.due is None:
        lines = [t("alert.new", **facts)]
    else:
        state = "overdue" if invoice.due < today else "due"
        lines = [t(f"alert.{state}", **facts, day=t.day_from(invoice.due, today))]
    if invoice.title:
        lines.append(t("alert.title", title=one_line(invoice.title, TITLE)))
    if invoice.due is not None:
        key = "details.due_in" if kind is AlertKind.NEW else "details.due"
        lines.append(t(key, date=t.day(invoice.due), day=t.day_from(invoice.due, today)))
    if invoice.left is None:
        lines.append(t("details.left_unclear"))
    return lines


def _rows(t: Texts, invoice: KnownInvoice) -> list[list[Button]]:
    look = [
        Button(t.plain("button.details"), f"show:{invoice.id}"),
        Button(t.plain("button.pdf"), f"pdf:{invoice.id}"),
    ]
    if not invoice.left or not t.payments:
        return [look]
    return [look, [Button(t.plain("button.pay", amount=t.money(invoice.left)), f"pay:{invoice.id}")]]
