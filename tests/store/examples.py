"""Examples for the tests of stores: a fixed present, links, invoices, alerts, payments, and what opens a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Link, Place, Token
from bot.domain.payments import Action, Payment
from bot.ports import Check, Checked, Delivery, Store

NOW = datetime(2026, 3, 28, 11, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)
CHAT = 4711
OTHER = -100_200_300
URL = "https://provider.example/api/v1"


class Shelf(Protocol):
    """Stored data that can be opened again."""

    async def open(self) -> Store:
        """The store, opened for the first time or after a crash of the one before."""

    async def crash(self) -> None:
        """End the open store as a killed process would: without a chance to write anything."""


def known_invoice(number: int, *, due: date | None = date(2026, 4, 4), told: int | None = None) -> KnownInvoice:
    return KnownInvoice(
        id=number,
        is_open=True,
        due=due,
        left=Decimal("6.95"),
        total=Decimal("7.950"),
        title="KVM „Größe“ \\ \n </b>",
        told=told,
    )


def knowledge(*numbers: int) -> dict[int, KnownInvoice]:
    return {number: known_invoice(number) for number in numbers}


def new_link(store: Store, chat_id: int = CHAT, token: str = "secret-token-1", **changes: object) -> Link:
    link = Link(
        account=store.account_of(URL, Token(token)),
        place=Place(chat_id),
        token=Token(token),
        linked_by=7,
        linked_at=NOW,
        checked_at=NOW,
        next_check_at=NOW + MINUTE,
    )
    return replace(link, **changes)  # type: ignore[arg-type]  # fields of Link


def new_alert(link: Link, number: int | None, alert_id: str, created_at: datetime = NOW) -> Alert:
    kind = AlertKind.TOKEN_REFUSED if number is None else AlertKind.DUE
    return Alert(
        id=alert_id,
        place=link.place,
        account=link.account,
        kind=kind,
        created_at=created_at,
        invoice_id=number,
        threshold=None if number is None else 7,
        due=None if number is None else date(2026, 4, 4),
    )


def checked(check: Check, *alerts: Alert, now: datetime = NOW + MINUTE, **changes: object) -> Checked:
    result = Checked(
        known=check.known,
        alerts=alerts,
        checked_at=now,
        next_check_at=now + 15 * MINUTE,
        trouble=None,
    )
    return replace(result, **changes)  # type: ignore[arg-type]  # fields of Checked


def new_payment(payment_id: str = "p1", account: str = "a" * 64, **changes: object) -> Payment:
    payment = Payment(
        id=payment_id,
        action=Action.PAY,
        account=account,
        invoice_id=130348,
        amount=Decimal("6.95"),
        credit=Decimal("1.00"),
        status="Unpaid",
        due=date(2026, 4, 4),
        place=Place(CHAT, 12),
        user_id=7,
        since=NOW,
        expires_at=NOW + 10 * MINUTE,
    )
    return replace(payment, **changes)  # type: ignore[arg-type]  # fields of Payment


async def linked(store: Store, chat_id: int = CHAT, known: Mapping[int, KnownInvoice] | None = None) -> Link:
    link = new_link(store, chat_id)
    await store.link(link, knowledge(1, 2) if known is None else known)
    return link


async def claim_check(store: Store, now: datetime = NOW + MINUTE) -> Check:
    (check,) = await store.claim_checks(now, 10, LEASE)
    return check


async def claim_alert(store: Store, now: datetime = NOW + MINUTE) -> Delivery:
    (delivery,) = await store.claim_alerts(now, 10, LEASE)
    return delivery


async def with_alerts(store: Store, *numbers: int | None, chat_id: int = CHAT) -> Link:
    """A linked chat with one waiting alert for each number."""
    link = await linked(store, chat_id, knowledge(*(number for number in numbers if number is not None)))
    check = await claim_check(store)
    alerts = [new_alert(link, number, f"{chat_id}/{place:03}") for place, number in enumerate(numbers)]
    assert await store.finish_check(check.claim, checked(check, *alerts))
    return link
