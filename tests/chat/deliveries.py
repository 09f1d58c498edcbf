"""What chats know, and what is to be delivered to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.alerts import Alert, AlertKind, KnownInvoice, SentMessage, as_shown
from bot.domain.chats import Chat, Place
from bot.domain.standings import Standing
from bot.ports import Claim, Delivery
from tests.chat.samples import NOW, linked_chat

HOUR_AGO = NOW - timedelta(hours=1)
HERE = Place(1)


def known(number: int = 4711, **others: Any) -> KnownInvoice:
    """An open invoice over 6.95, due in five days."""
    fields: dict[str, Any] = {
        "id": number,
        "standing": Standing.OPEN,
        "due": date(2026, 11, 27),
        "left": Decimal("6.95"),
        "total": Decimal("7.95"),
        "title": f"Server {number}",
        "gross": Decimal("7.95"),
        "announced": True,
    }
    return KnownInvoice(**(fields | others))


def closed(number: int = 4711, standing: Standing = Standing.PAID, **others: Any) -> KnownInvoice:
    return known(number, standing=standing, left=Decimal(0), **others)


def alert(kind: AlertKind, number: int | None = None, place: Place = HERE, **others: Any) -> Alert:
    fields: dict[str, Any] = {"id": f"{kind}-{number}", "account": "account", "created_at": HOUR_AGO}
    return Alert(**(fields | {"place": place, "kind": kind, "invoice_id": number} | others))


def delivery(
    alerts: Sequence[Alert],
    invoices: Iterable[KnownInvoice] = (),
    *,
    sent: Sequence[SentMessage] = (),
    chat: Chat | None = None,
    again: bool = False,
) -> Delivery:
    facts = {invoice.id: invoice for invoice in invoices}
    return Delivery(Claim("1", 1), chat or linked_chat(), tuple(alerts), facts, sent, frozenset(), again)


def message(
    *shown: tuple[KnownInvoice, AlertKind],
    number: int | None = 7,
    place: Place = HERE,
    resolved: Iterable[int] = (),
) -> SentMessage:
    """A message of yesterday with this content."""
    said = tuple(as_shown(invoice, kind) for invoice, kind in shown)
    return SentMessage(place, number, NOW - timedelta(days=1), said).resolving(list(resolved))
