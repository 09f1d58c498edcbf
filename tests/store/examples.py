"""Example data for the tests of stores: a fixed time, links, invoices, alerts, payments. Also their common steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from bot.domain.alerts import Alert, AlertKind, KnownInvoice, SentMessage, Shown
from bot.domain.chat_keys import key_of
from bot.domain.chats import Link, Place, Token, Watch
from bot.domain.payments import Action, Payment
from bot.domain.standings import Standing
from bot.ports import Check, Checked, Claim, Delivery, Store

NOW = datetime(2026, 3, 28, 11, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)
CHAT = key_of(4711)
OTHER = key_of(-100_200_300)
URL = "https://provider.example/api/v1"


class Opener(Protocol):
    """Opens the same stored data again and again."""

    async def open(self) -> Store:
        """Open the store, for the first time or after a crash."""

    async def crash(self) -> None:
        """End the open store as if its process was killed, so that it can't write anything."""


def known_invoice(
    number: int, *, due: date | None = date(2026, 4, 4), told: int | None = None, woken: datetime | None = None
) -> KnownInvoice:
    return KnownInvoice(
        id=number,
        standing=Standing.OPEN,
        due=due,
        left=Decimal("6.95"),
        total=Decimal("7.950"),
        title="KVM „Größe“ \\ \n </b>",
        announced=True,
        told=told,
        woken=woken,
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
        next_check_at=NOW + MINUTE,
        watch=Watch(checked_at=NOW),
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
        watch=Watch(checked_at=now),
        next_check_at=now + 15 * MINUTE,
        known_is_new="known" in changes,
    )
    return replace(result, **changes)  # type: ignore[arg-type]  # fields of Checked


def settled(number: int, standing: Standing = Standing.PAID) -> KnownInvoice:
    return replace(known_invoice(number), standing=standing, left=None)


def shown(number: int, kind: AlertKind = AlertKind.DUE) -> Shown:
    return Shown(
        invoice_id=number,
        kind=kind,
        due=date(2026, 4, 4),
        left=Decimal("6.950"),
        total=Decimal("7.95"),
        title="Domäne „größe.example“",
    )


def message_about(*numbers: int, message_id: int | None = 70, place: Place | None = None) -> SentMessage:
    return SentMessage(
        place=place or Place(CHAT),
        message_id=message_id,
        sent_at=NOW,
        shown=tuple(shown(number) for number in numbers),
    )


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


async def find(
    store: Store, *alerts: Alert, chat_id: int = CHAT, now: datetime = NOW + MINUTE, **changes: object
) -> None:
    """Let a check of the chat find these alerts, even if it is not due. ``changes`` are those of :func:`checked`."""
    check = await store.claim_check(key_of(chat_id), now, LEASE)
    assert check is not None
    assert await store.finish_check(check.claim, checked(check, *alerts, now=now, **changes))


async def claim_message(store: Store, now: datetime = NOW + MINUTE) -> Delivery:
    """Claim the next message. There must be exactly one that is due."""
    (delivery,) = await store.claim_alerts(now, 10, LEASE)
    return delivery


async def claim_alert(store: Store, now: datetime = NOW + MINUTE) -> tuple[Claim, Alert]:
    """Claim the next message, which must hold a single alert."""
    delivery = await claim_message(store, now)
    (alert,) = delivery.alerts
    return delivery.claim, alert


def invoices_in(delivery: Delivery) -> list[int | None]:
    """Return the invoices that a message is about, in its order."""
    return [alert.invoice_id for alert in delivery.alerts]


async def with_alerts(store: Store, *numbers: int | None, chat_id: int = CHAT) -> Link:
    """Link a chat, and let it have a waiting alert for each number."""
    link = await linked(store, chat_id, knowledge(*(number for number in numbers if number is not None)))
    alerts = [new_alert(link, number, f"{chat_id}/{place:03}") for place, number in enumerate(numbers)]
    await find(store, *alerts, chat_id=chat_id)
    return link


async def with_messages(store: Store, *messages: SentMessage, numbers: tuple[int, ...] = (1, 2)) -> Link:
    """Link a chat to which the bot has sent these messages."""
    link = await linked(store, known=knowledge(*numbers))
    for place, message in enumerate(messages):
        await find(store, new_alert(link, numbers[0], f"sent/{place:03}"))
        claim, _ = await claim_alert(store)
        assert await store.alerts_sent(claim, message, ())
    return link
