"""The alerts on their way out, in the store's thread. The promises are those of :class:`bot.ports.Outbox`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

import structlog

from bot.domain.alerts import AlertKind, AlertState, SentMessage
from bot.domain.payments import Action, Outcome, Payment, State
from bot.ports import AT_ONCE, MESSAGES_KEPT, Claim, Delivery
from bot.store.database import Database
from bot.store.records import AlertRow, ChatRecord, chat_of

log = structlog.get_logger()


class AlertQueue:
    """Each method is one transaction. The lease is the chat's, so its messages go out one after the other."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """That alerts are being sent is on the disk before they are given out.

        A chat that can't be read or written is logged and left out until its lease ends; it holds up nobody else.
        """
        deliveries = []
        for chat_id, epoch in self._db.chats.alerts.claim(now, limit, lease):
            try:
                delivery = self._begin(chat_id, epoch)
            except Exception:
                log.exception("chat can't be read for its alert", chat=chat_id)
            else:
                deliveries += [delivery] if delivery else []
        return deliveries

    def sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        messages = [m.resolving(resolved) for m in record.sent] + ([message.moved_to(record.id)] if message else [])
        kept = tuple(m for m in messages if not m.is_over)[-MESSAGES_KEPT:]
        self._finish(replace(record.without_batch(claim.key), sent=kept), None)
        return True

    def failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        self._finish(record.with_alerts(_tried(row, uncertain, counts) for row in _batch(record, claim.key)), retry_at)
        return True

    def set_aside(self, claim: Claim) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        rows = [
            replace(row, alert=replace(row.alert, state=AlertState.SET_ASIDE), batch="")
            for row in _batch(record, claim.key)
        ]
        self._finish(record.with_alerts(rows), None)
        return True

    def _begin(self, chat_id: int, epoch: int) -> Delivery | None:
        record = self._db.chat(chat_id)
        if record is None or not (found := _next_message(record)):
            return None
        batch = found[0].alert.id
        rows = [
            AlertRow(replace(row.alert, state=AlertState.SENDING), again=row.may_be_seen, batch=batch) for row in found
        ]
        alerts = tuple(row.alert for row in rows)
        account = alerts[0].account
        is_of_link = record.link is not None and record.link.account == account
        delivery = Delivery(
            claim=Claim(batch, epoch),
            chat=chat_of(record, self._db.vault),
            alerts=alerts,
            known=record.known if is_of_link else {},
            sent=record.sent if is_of_link else (),
            paid_here=self._paid_in(chat_id, account, {a.invoice_id for a in alerts if a.kind is AlertKind.SETTLED}),
            again=found[0].may_be_seen,
        )
        with self._db.change() as change:
            change.save_chat(record.with_alerts(rows))
        return delivery

    def _paid_in(self, chat_id: int, account: str, invoice_ids: Collection[int | None]) -> frozenset[int]:
        """Of these invoices those whose payment this chat has begun, and is told of there."""
        payments = [row.payment for row in self._db.payments_of(account)] if invoice_ids else []
        return frozenset(
            payment.invoice_id
            for payment in payments
            if payment.invoice_id in invoice_ids and payment.place.chat_id == chat_id and _pays(payment)
        )

    def _held(self, claim: Claim) -> ChatRecord | None:
        """The record of the chat that is leased under this claim."""
        chat_id = self._db.chats.alerts.holder(claim.epoch)
        record = None if chat_id is None else self._db.chat(chat_id)
        return record if record and _batch(record, claim.key) else None

    def _finish(self, record: ChatRecord, retry_at: datetime | None) -> None:
        record = replace(record, chat=replace(record.chat, alerts_at=retry_at))
        with self._db.change() as change:
            change.save_chat(record)
        self._db.chats.alerts.release(record.id)
        self._db.chats.sync(record.id, record)


def _next_message(record: ChatRecord) -> list[AlertRow]:
    """The alerts that go out together next, as :meth:`bot.ports.Outbox.claim_alerts` says."""
    rows = [row for row in record.alerts if row.alert.state is not AlertState.SET_ASIDE]
    if not rows:
        return []
    first = rows[0]
    if first.may_be_seen:
        return [row for row in rows if row.batch == first.batch]
    if first.alert.attempts:
        return [first]
    return list(takewhile(lambda row: _can_join(row, first), rows))[:AT_ONCE]


def _can_join(row: AlertRow, first: AlertRow) -> bool:
    return not row.may_be_seen and row.alert.attempts == 0 and row.alert.account == first.alert.account


def _batch(record: ChatRecord, batch: str) -> list[AlertRow]:
    return [row for row in record.alerts if row.batch == batch]


def _tried(row: AlertRow, uncertain: bool, counts: bool) -> AlertRow:  # noqa: FBT001  # as the port has them
    again = row.again or uncertain
    alert = replace(
        row.alert,
        state=AlertState.UNCERTAIN if again else AlertState.WAITING,
        attempts=row.alert.attempts + counts,
    )
    return AlertRow(alert, again=again, batch=row.batch if again else "")


def _pays(payment: Payment) -> bool:
    done = payment.state is State.SENT or payment.outcome is Outcome.DONE
    return payment.action is Action.PAY and done
