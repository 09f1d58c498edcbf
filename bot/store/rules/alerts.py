"""How alerts enter a chat's record, become messages, and leave it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from bot.domain.alerts import (
    Alert,
    AlertKind,
    AlertState,
    KnownInvoice,
    SentMessage,
    Standing,
    last_told,
    taking_the_place_of,
    worth_keeping,
)
from bot.domain.chats import Chat
from bot.domain.payments import was_paid
from bot.ports import ALERTS_PER_MESSAGE, Claim, Delivery, WaitingAlert
from bot.store.rules.records import AlertRow, ChatRecord, PaymentRow

REPLACEABLE = frozenset({AlertState.WAITING, AlertState.DEAD_LETTER})
"""A new alert takes the place of one about the same subject in these states. An alert that is being sent, or may have
arrived, stays: its end has to be found out first."""


def add_alerts(old: Sequence[AlertRow], new: Iterable[Alert]) -> tuple[AlertRow, ...]:
    """Put new alerts behind the others. Each takes the place of :data:`REPLACEABLE` ones about the same subject."""
    added = {alert.subject: alert for alert in new}
    ids = {alert.id for alert in added.values()}
    kept = []
    for row in old:
        newer = added.get(row.alert.subject)
        if newer is not None and row.alert.state in REPLACEABLE:
            # Nobody needs to say again what may have arrived.
            joined = newer if row.again else taking_the_place_of(row.alert, newer)
            if joined is None:
                del added[newer.subject]
            else:
                added[newer.subject] = joined
        elif row.alert.id not in ids:
            kept.append(row)
    return (*kept, *(AlertRow(alert) for alert in added.values()))


def begun(record: ChatRecord) -> ChatRecord:
    """Mark the next message as being sent. Its batch is named after its first alert.

    :meth:`bot.ports.Outbox.claim_alerts` says which alerts it holds.
    """
    rows = _next_message(record)
    batch = rows[0].alert.id
    return record.with_alerts(
        AlertRow(replace(row.alert, state=AlertState.SENDING), again=row.may_be_seen, batch=batch) for row in rows
    )


def account_to_read(record: ChatRecord) -> str | None:
    """Return the account whose payments :func:`delivery_of` needs: a message may say that an invoice is settled."""
    batch = _in_hand(record)
    return batch[0].alert.account if _settled_in(batch) else None


def delivery_of(record: ChatRecord, chat: Chat, fencing_token: int, payments: Iterable[PaymentRow]) -> Delivery:
    """Return the message of a record that has just :func:`begun`. ``payments``: those of :func:`account_to_read`."""
    rows = _in_hand(record)
    first, alerts = rows[0], tuple(row.alert for row in rows)
    is_of_link = record.link is not None and record.link.account == first.alert.account
    begun_here = [row.payment for row in payments if row.payment.place.chat_id == record.id]
    paid_here = {
        number
        for number in _settled_in(rows)
        if number is not None and was_paid(begun_here, number, last_told(record.sent, number))
    }
    return Delivery(
        claim=Claim(first.batch, fencing_token),
        chat=chat,
        alerts=alerts,
        known=record.known if is_of_link else {},
        sent=record.sent if is_of_link else (),
        paid_here=frozenset(paid_here),
        again=first.again,
    )


def after_sending(record: ChatRecord, batch: str, message: SentMessage | None, resolved: Collection[int]) -> ChatRecord:
    """Remove a batch that went out, as :meth:`bot.ports.Outbox.alerts_sent` says."""
    messages = [m.resolving(resolved) for m in record.sent] + ([message.moved_to(record.id)] if message else [])
    left = tuple(row for row in record.alerts if row.batch != batch)
    known = _without_untold(record.known, alerts_of_batch(record, batch))
    return retried_at(replace(record, alerts=left, sent=worth_keeping(messages), known=known), None)


def _without_untold(known: Mapping[int, KnownInvoice], rows: Iterable[AlertRow]) -> Mapping[int, KnownInvoice]:
    """Return what is known if new invoices vanished before these alerts told of them: they are new if they return.

    If nothing differs, return the same object.
    """
    new = (known.get(row.alert.invoice_id or 0) for row in rows if row.alert.kind is AlertKind.NEW)
    untold = [k for k in new if k is not None and k.announced and k.standing is Standing.GONE]
    return {**known, **{k.id: replace(k, announced=False) for k in untold}} if untold else known


def after_edit(record: ChatRecord, message_id: int, resolved: Collection[int]) -> ChatRecord:
    """Note that one of the chat's messages says now that these invoices are settled."""
    sent = tuple(m.resolving(resolved) if m.message_id == message_id else m for m in record.sent)
    return replace(record, sent=sent)


def after_failure(record: ChatRecord, batch: str, retry_at: datetime, *, uncertain: bool, counts: bool) -> ChatRecord:
    """Give a batch back that did not go out, or may not have."""
    return retried_at(_tried_again(record, batch, uncertain=uncertain, counts=counts), retry_at)


def held_until(record: ChatRecord, batch: str, until: datetime) -> ChatRecord:
    """Give a batch back because the chat is quiet."""
    record = _tried_again(record, batch, uncertain=False, counts=False)
    return replace(record, chat=replace(record.chat, alerts_at=None, quiet_until=until))


def dead_lettered(record: ChatRecord, batch: str) -> ChatRecord:
    """Stop trying to send a batch."""
    rows = [
        replace(row, alert=replace(row.alert, state=AlertState.DEAD_LETTER), batch="")
        for row in alerts_of_batch(record, batch)
    ]
    return retried_at(record.with_alerts(rows), None)


def _tried_again(record: ChatRecord, batch: str, *, uncertain: bool, counts: bool) -> ChatRecord:
    """Give a batch back. An alert that surely did not arrive gives way to a newer one about the same subject."""
    batch_rows = alerts_of_batch(record, batch)
    tried = record.with_alerts(_tried(row, uncertain=uncertain, counts=counts) for row in batch_rows)
    alerts: tuple[AlertRow, ...] = ()
    for row in tried.alerts:
        waits = row.alert.state is AlertState.WAITING
        alerts = add_alerts(alerts, [row.alert]) if waits else (*alerts, row)
    return replace(record, alerts=alerts)


def alerts_of_batch(record: ChatRecord, batch: str) -> list[AlertRow]:
    """Return the alerts of a batch."""
    return [row for row in record.alerts if row.batch == batch]


def retried_at(record: ChatRecord, at: datetime | None) -> ChatRecord:
    """Send no alert before then."""
    return replace(record, chat=replace(record.chat, alerts_at=at, quiet_until=None))


def message_ended(record: ChatRecord, claimed_at: datetime | None) -> ChatRecord:
    """Note that the wait for the next message was set under a claim of ``claimed_at``."""
    return replace(record, chat=replace(record.chat, alerts_set_at=claimed_at))


def alerts_in(record: ChatRecord) -> list[WaitingAlert]:
    """Return a chat's alerts, the oldest first."""
    return [WaitingAlert(record.id, row.alert, row.again, record.chat.next_message_at) for row in record.alerts]


def changeable(record: ChatRecord, alert_ids: Collection[str]) -> list[AlertRow]:
    """Return the chat's alerts among these, but none that is being sent."""
    return [row for row in record.alerts if row.alert.id in alert_ids and row.alert.state is not AlertState.SENDING]


def retried(record: ChatRecord, rows: Iterable[AlertRow]) -> ChatRecord:
    """Send these alerts at once, dead letters too."""
    dead = [row for row in rows if row.alert.state is AlertState.DEAD_LETTER]
    again = [replace(row, alert=replace(row.alert, state=AlertState.WAITING, attempts=0)) for row in dead]
    return retried_at(record.with_alerts(again), None)


def dropped(record: ChatRecord, rows: Collection[AlertRow]) -> ChatRecord:
    """Drop these alerts."""
    return replace(record, alerts=tuple(row for row in record.alerts if row not in rows))


def _in_hand(record: ChatRecord) -> list[AlertRow]:
    """Return the alerts that are being sent. They are always the first of those to be delivered."""
    first = next(row for row in record.alerts if row.alert.state is AlertState.SENDING)
    return alerts_of_batch(record, first.batch)


def _settled_in(rows: Iterable[AlertRow]) -> frozenset[int | None]:
    """Return the invoices that these alerts call settled."""
    return frozenset(row.alert.invoice_id for row in rows if row.alert.kind is AlertKind.SETTLED)


def _next_message(record: ChatRecord) -> list[AlertRow]:
    rows = [row for row in record.alerts if row.alert.state is not AlertState.DEAD_LETTER]
    first = rows[0]  # without one, no message is due
    if first.may_be_seen:
        # A dead letter that is sent after all has lost its batch.
        return [row for row in rows if row.batch == first.batch] if first.batch else [first]
    if first.alert.attempts:
        return [first]
    return list(takewhile(lambda row: _can_join(row, first), rows))[:ALERTS_PER_MESSAGE]


def _can_join(row: AlertRow, first: AlertRow) -> bool:
    return not row.may_be_seen and row.alert.attempts == 0 and row.alert.account == first.alert.account


def _tried(row: AlertRow, *, uncertain: bool, counts: bool) -> AlertRow:
    again = row.again or uncertain
    alert = replace(
        row.alert,
        state=AlertState.UNCERTAIN if again else AlertState.WAITING,
        attempts=row.alert.attempts + counts,
    )
    return AlertRow(alert, again=again, batch=row.batch if again else "")
