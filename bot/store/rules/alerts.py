"""How alerts become messages and leave a chat's record. Every store goes by these rules; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from bot.domain.alerts import AlertKind, AlertState, SentMessage
from bot.domain.payments import Action, Outcome, Payment, State
from bot.ports import AT_ONCE, MESSAGES_KEPT, Claim, Delivery
from bot.store.rules.records import AlertRow, ChatRecord, PaymentRow, chat_of, join_alerts
from bot.store.vault import Vault


def begun(record: ChatRecord) -> ChatRecord | None:
    """With the next message marked as being sent, its batch named after its first alert; None where nothing waits.

    It holds those alerts that :meth:`bot.ports.Outbox.claim_alerts` says.
    """
    rows = _next_message(record)
    if not rows:
        return None
    batch = rows[0].alert.id
    return record.with_alerts(
        AlertRow(replace(row.alert, state=AlertState.SENDING), again=row.may_be_seen, batch=batch) for row in rows
    )


def account_to_read(record: ChatRecord) -> str | None:
    """The account whose payments :func:`delivery_of` needs, if any: where a message says that something is settled."""
    batch = _in_hand(record)
    return batch[0].alert.account if _settled_in(batch) else None


def delivery_of(record: ChatRecord, fencing_token: int, vault: Vault, payments: Iterable[PaymentRow]) -> Delivery:
    """The message of a record that has just :func:`begun`.

    ``payments`` are those of :func:`account_to_read`. Raises :class:`bot.store.vault.SealBroken`.
    """
    rows = _in_hand(record)
    first, alerts = rows[0], tuple(row.alert for row in rows)
    is_of_link = record.link is not None and record.link.account == first.alert.account
    return Delivery(
        claim=Claim(first.batch, fencing_token),
        chat=chat_of(record, vault),
        alerts=alerts,
        known=record.known if is_of_link else {},
        sent=record.sent if is_of_link else (),
        paid_here=frozenset(number for number in _settled_in(rows) if number and _paid_here(record, number, payments)),
        again=first.again,
    )


def after_sending(record: ChatRecord, batch: str, message: SentMessage | None, resolved: Collection[int]) -> ChatRecord:
    """Without a batch that went out, as :meth:`bot.ports.Outbox.alerts_sent` says."""
    messages = [m.resolving(resolved) for m in record.sent] + ([message.moved_to(record.id)] if message else [])
    return retried_at(replace(record.without_batch(batch), sent=_kept(messages)), None)


def after_edit(record: ChatRecord, message_id: int, resolved: Collection[int]) -> ChatRecord:
    """With one of its messages saying that these invoices are settled."""
    sent = tuple(m.resolving(resolved) if m.message_id == message_id else m for m in record.sent)
    return replace(record, sent=sent)


def after_failure(record: ChatRecord, batch: str, retry_at: datetime, *, uncertain: bool, counts: bool) -> ChatRecord:
    """With a batch that did not get out, or may not have."""
    return retried_at(_tried_again(record, batch, uncertain=uncertain, counts=counts), retry_at)


def held_until(record: ChatRecord, batch: str, until: datetime) -> ChatRecord:
    """With a batch that was not sent, as the chat is quiet."""
    record = _tried_again(record, batch, uncertain=False, counts=False)
    return replace(record, chat=replace(record.chat, alerts_at=None, quiet_until=until))


def set_aside(record: ChatRecord, batch: str) -> ChatRecord:
    """With a batch that nobody tries any more."""
    rows = [
        replace(row, alert=replace(row.alert, state=AlertState.DEAD_LETTER), batch="")
        for row in batch_of(record, batch)
    ]
    return retried_at(record.with_alerts(rows), None)


def _tried_again(record: ChatRecord, batch: str, *, uncertain: bool, counts: bool) -> ChatRecord:
    """With a batch given back; what surely did not arrive gives way to newer alerts about the same."""
    rows = [_tried(row, uncertain=uncertain, counts=counts) for row in batch_of(record, batch)]
    return replace(record, alerts=join_alerts(record.with_alerts(rows).alerts))


def batch_of(record: ChatRecord, batch: str) -> list[AlertRow]:
    """The alerts of a batch."""
    return [row for row in record.alerts if row.batch == batch]


def retried_at(record: ChatRecord, at: datetime | None) -> ChatRecord:
    """With no alert sent before then."""
    return replace(record, chat=replace(record.chat, alerts_at=at, quiet_until=None))


def _kept(messages: Iterable[SentMessage]) -> tuple[SentMessage, ...]:
    """Those that still speak of something open: the newest, and of each invoice the last one."""
    kept: list[SentMessage] = []
    seen: set[int] = set()
    for message in reversed([m for m in messages if not m.is_over]):
        numbers = {s.invoice_id for s in message.shown if not s.resolved}
        if len(kept) < MESSAGES_KEPT or numbers - seen:
            kept.append(message)
            seen |= numbers
    return tuple(reversed(kept))


def _in_hand(record: ChatRecord) -> list[AlertRow]:
    """The alerts that are being sent: always the first that are to be delivered at all."""
    first = next(row for row in record.alerts if row.alert.state is AlertState.SENDING)
    return batch_of(record, first.batch)


def _settled_in(rows: Iterable[AlertRow]) -> frozenset[int | None]:
    """The invoices of which these alerts say that they are settled."""
    return frozenset(row.alert.invoice_id for row in rows if row.alert.kind is AlertKind.SETTLED)


def _next_message(record: ChatRecord) -> list[AlertRow]:
    rows = [row for row in record.alerts if row.alert.state is not AlertState.DEAD_LETTER]
    if not rows:
        return []
    first = rows[0]
    if first.may_be_seen:
        # One that was set aside and is to be sent after all has lost its batch.
        return [row for row in rows if row.batch == first.batch] if first.batch else [first]
    if first.alert.attempts:
        return [first]
    return list(takewhile(lambda row: _can_join(row, first), rows))[:AT_ONCE]


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


def _paid_here(record: ChatRecord, invoice_id: int, payments: Iterable[PaymentRow]) -> bool:
    """Whether this chat has begun the payment that settled the invoice, and is told of it there.

    One from before its latest alert did not settle it for good.
    """
    since = max((m.sent_at for m in record.sent if m.mentions(invoice_id)), default=None)
    return any(
        _pays(row.payment) and (since is None or since <= row.payment.since)
        for row in payments
        if row.payment.invoice_id == invoice_id and row.payment.place.chat_id == record.id
    )


def _pays(payment: Payment) -> bool:
    done = payment.state is State.SENT or payment.outcome is Outcome.DONE
    return payment.action is Action.PAY and done
