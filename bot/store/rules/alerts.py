"""How alerts enter a chat's record, become messages, and leave it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from bot.domain.alerts import (
    EDITS,
    Alert,
    AlertKind,
    AlertState,
    KnownInvoice,
    SentMessage,
    is_announceable,
    last_told,
    taking_the_place_of,
    worth_keeping,
)
from bot.domain.chats import Chat, Closure
from bot.domain.deliveries import repeat_at
from bot.domain.folding import superseded
from bot.domain.knowledge import as_untold
from bot.domain.live_messages import Board
from bot.domain.payments import may_have_paid, was_paid
from bot.ports import ALERTS_PER_MESSAGE, Claim, Delivery, WaitingAlert
from bot.store.rules.records import AlertRow, ChatRecord, PaymentRow

REPLACEABLE = frozenset({AlertState.WAITING, AlertState.UNCERTAIN, AlertState.DEAD_LETTER})
"""A new alert takes the place of one about the same subject in these states. An alert that is being sent stays: its end
has to be found out first."""


def add_alerts(old: Iterable[AlertRow], new: Iterable[Alert]) -> tuple[AlertRow, ...]:
    """Put new alerts behind the others. Each takes the place of :data:`REPLACEABLE` ones about the same subject."""
    rows = list(old)
    for alert in new:
        rows = _put_behind(rows, AlertRow(alert))
    return tuple(rows)


def _put_behind(rows: Iterable[AlertRow], newer: AlertRow) -> list[AlertRow]:
    joined: AlertRow | None = newer
    kept = []
    for row in rows:
        if joined and row.alert.subject == newer.alert.subject and row.alert.state in REPLACEABLE:
            joined = _joined(row, joined)
        elif row.alert.id != newer.alert.id:
            kept.append(row)
    return [*kept, joined] if joined else kept


def _joined(older: AlertRow, newer: AlertRow) -> AlertRow | None:
    """Return the newer alert in the place of the older one. It is marked if it says again what may have arrived."""
    alert = taking_the_place_of(older.alert, newer.alert)
    if alert is None:
        return newer if older.again else None
    again = newer.again or (older.again and alert != newer.alert)
    state = AlertState.UNCERTAIN if again else AlertState.WAITING
    return replace(newer, alert=replace(alert, state=state), again=again)


def begun(record: ChatRecord, now: datetime) -> tuple[ChatRecord, str] | None:
    """Mark the next message as being sent. Return its batch, too. It is named after its first alert.

    :meth:`bot.ports.Outbox.claim_alerts` says which alerts it holds. None: all of them have to wait.
    """
    rows = _next_message(record, now)
    if not rows:
        return None
    return record.with_alerts(_sending(row, rows[0].alert.id, now) for row in rows), rows[0].alert.id


def _sending(row: AlertRow, batch: str, now: datetime) -> AlertRow:
    """Return an alert that is being sent. If a crash interrupts a repetition, the next one keeps its distance, too."""
    lost = row.alert.state is AlertState.SENDING
    tries = row.tries + lost
    return AlertRow(
        alert=replace(row.alert, state=AlertState.SENDING),
        again=row.may_be_seen,
        batch=batch,
        tries=tries,
        retry_at=repeat_at(tries, now) if row.may_be_seen else None,
        retry_set_at=now if row.may_be_seen else None,
    )


def account_to_read(record: ChatRecord, batch: str) -> str | None:
    """Return the account whose payments :func:`delivery_of` needs: a message may say that an invoice is settled."""
    rows = alerts_of_batch(record, batch)
    return rows[0].alert.account if _settled_in(rows) or _paid_with_credit(record, rows) else None


def delivery_of(
    record: ChatRecord, batch: str, chat: Chat, fencing_token: int, payments: Iterable[PaymentRow]
) -> Delivery:
    """Return the message that has just :func:`begun`. ``payments``: those of :func:`account_to_read`."""
    payments, rows = list(payments), alerts_of_batch(record, batch)
    first, alerts = rows[0], tuple(row.alert for row in rows)
    is_of_link = record.link is not None and record.link.account == first.alert.account
    begun_here = [row.payment for row in payments if row.payment.place.chat_id == record.chat_id]
    paid_here = {
        number
        for number in _settled_in(rows)
        if number is not None and was_paid(begun_here, number, last_told(record.sent, number))
    }
    paid_by_bot = {n for n in _paid_with_credit(record, rows) if may_have_paid((row.payment for row in payments), n)}
    return Delivery(
        claim=Claim(batch, fencing_token),
        chat=chat,
        alerts=alerts,
        known=record.known if is_of_link else {},
        sent=record.sent if is_of_link else (),
        paid_here=frozenset(paid_here),
        again=first.again,
        tries=first.tries,
        paid_by_bot=frozenset(paid_by_bot),
    )


def after_sending(record: ChatRecord, batch: str, message: SentMessage | None, resolved: Collection[int]) -> ChatRecord:
    """Remove a batch that went out, as :meth:`bot.ports.Outbox.alerts_sent` says."""
    messages = [m.resolving(resolved) for m in record.sent] + ([message.moved_to(record.chat_id)] if message else [])
    left = tuple(row for row in record.alerts if row.batch != batch)
    rows = alerts_of_batch(record, batch)
    if message is not None and superseded(messages):
        left = add_alerts(left, [_folding(rows[0].alert, message.sent_at)])
    told = {shown.invoice_id for shown in message.shown} if message else set()
    known = untold(record.known, (row for row in rows if row.alert.invoice_id not in told))
    return opened(retried_at(replace(record, alerts=left, sent=worth_keeping(messages), known=known), None))


def _folding(told: Alert, now: datetime) -> Alert:
    """Return the task to fold what older messages say of the invoices that were just told."""
    return Alert(f"{told.id}f", told.place, told.account, AlertKind.FOLD, now)


def opened(record: ChatRecord) -> ChatRecord:
    """Note that a chat takes messages. What was refused may be sent at once; what may have arrived keeps its time."""
    if record.chat.closure is None:
        return record
    alerts = tuple(row if row.may_be_seen else _without_wait(row) for row in record.alerts)
    return replace(record, chat=replace(record.chat, closure=None), alerts=alerts)


def without_changes(record: ChatRecord, invoice_ids: Collection[int]) -> ChatRecord:
    """Forget changes of these invoices that wait to be told: the person knows what they were told before.

    A change that warns, or that may have arrived, stays.
    """
    waiting = (row.alert for row in record.alerts if row.alert.state is AlertState.WAITING)
    changes = {
        alert.invoice_id: alert
        for alert in waiting
        if alert.kind is AlertKind.CHANGED and alert.invoice_id in invoice_ids and not alert.is_warning
    }
    known = {
        number: replace(k, told_gross=changes[number].told_gross, told_due=changes[number].told_due)
        for number, k in record.known.items()
        if number in changes
    }
    left = tuple(row for row in record.alerts if row.alert not in changes.values())
    return replace(record, alerts=left, known={**record.known, **known}) if changes else record


def untold(known: Mapping[int, KnownInvoice], rows: Iterable[AlertRow]) -> Mapping[int, KnownInvoice]:
    """Return what is known once these alerts have gone without a word, because their invoices stand otherwise by now.

    It is still to be said if they return. If nothing differs, return the same object.
    """
    after = dict[int, KnownInvoice]()
    for row in rows:
        number = row.alert.invoice_id or 0
        about = after.get(number) or known.get(number)
        if about is not None:
            after[number] = _untold(about, row)
    changed = {number: about for number, about in after.items() if about != known[number]}
    return {**known, **changed} if changed else known


def _untold(about: KnownInvoice, row: AlertRow) -> KnownInvoice:
    alert = row.alert
    if alert.kind is AlertKind.NEW and not about.is_open and not is_announceable(about):
        about = replace(about, announced=False)
    if row.again or (about.is_open and about.due == alert.due):
        return about
    if alert.kind is AlertKind.REOPENED and not about.is_open:
        about = replace(about, settled_told=True)
    return as_untold(about, alert)


def after_edit(record: ChatRecord, message_id: int, resolved: Collection[int]) -> ChatRecord:
    """Note that one of the chat's messages says now that these invoices are settled."""
    sent = tuple(m.resolving(resolved) if m.message_id == message_id else m for m in record.sent)
    return replace(record, sent=sent)


def after_folding(record: ChatRecord, message_id: int, invoice_ids: Collection[int]) -> ChatRecord:
    """Note that in one of the chat's messages these invoices gave way to a newer message."""
    sent = tuple(m.folding(invoice_ids) if m.message_id == message_id else m for m in record.sent)
    return replace(record, sent=sent)


def with_board(record: ChatRecord, board: Board | None) -> ChatRecord:
    """Note which message is the chat's pinned one."""
    return replace(record, chat=replace(record.chat, board=board))


def after_failure(record: ChatRecord, batch: str, retry_at: datetime, *, uncertain: bool, counts: bool) -> ChatRecord:
    """Give a batch back that did not go out, or may not have. The whole chat waits."""

    def tried(row: AlertRow) -> AlertRow:
        return replace(
            row, alert=replace(row.alert, attempts=row.alert.attempts + counts), again=row.again or uncertain
        )

    return retried_at(_given_back(record, batch, tried), retry_at)


def closed(record: ChatRecord, batch: str, closure: Closure) -> ChatRecord:
    """Give a batch back that the chat did not take. The whole chat waits until it does again."""
    record = retried_at(_given_back(record, batch, lambda row: row), None)
    return replace(record, chat=replace(record.chat, closure=closure))


def deferred(
    record: ChatRecord, batch: str, retry_at: datetime, *, uncertain: bool, closure: Closure | None
) -> ChatRecord:
    """Give a batch back that waits by itself, as :meth:`bot.ports.Outbox.defer_alerts` says."""
    tries = int(uncertain or closure is not None)

    def tried(row: AlertRow) -> AlertRow:
        return replace(row, again=row.again or uncertain, tries=row.tries + tries, retry_at=retry_at)

    record = retried_at(_given_back(record, batch, tried), None)
    return replace(record, chat=replace(record.chat, closure=closure or record.chat.closure))


def held_until(record: ChatRecord, batch: str, until: datetime) -> ChatRecord:
    """Give a batch back because the chat is quiet."""
    record = _given_back(record, batch, lambda row: row)
    return replace(record, chat=replace(record.chat, alerts_at=None, quiet_until=until))


def dead_lettered(record: ChatRecord, batch: str) -> ChatRecord:
    """Stop trying to send a batch."""
    rows = [
        replace(row, alert=replace(row.alert, state=AlertState.DEAD_LETTER), batch="")
        for row in alerts_of_batch(record, batch)
    ]
    return retried_at(record.with_alerts(rows), None)


def _given_back(record: ChatRecord, batch: str, tried: Callable[[AlertRow], AlertRow]) -> ChatRecord:
    """Give a batch back. Its alerts give way to newer ones about the same subject."""
    rows = [tried(_without_wait(row)) for row in alerts_of_batch(record, batch)]
    record = record.with_alerts(row.waiting_again() for row in rows)
    alerts: list[AlertRow] = []
    for row in record.alerts:
        alerts = [*alerts, row] if row.alert.state not in REPLACEABLE else _put_behind(alerts, row)
    return replace(record, alerts=tuple(alerts))


def _without_wait(row: AlertRow) -> AlertRow:
    return replace(row, retry_at=None, retry_set_at=None)


def alerts_of_batch(record: ChatRecord, batch: str) -> list[AlertRow]:
    """Return the alerts of a batch."""
    return [row for row in record.alerts if row.batch == batch]


def retried_at(record: ChatRecord, at: datetime | None) -> ChatRecord:
    """Send no alert before then."""
    if (record.chat.alerts_at, record.chat.quiet_until) == (at, None):
        return record
    return replace(record, chat=replace(record.chat, alerts_at=at, quiet_until=None))


def message_ended(record: ChatRecord, claimed_at: datetime | None) -> ChatRecord:
    """Note that the waits were set under a claim of ``claimed_at``: the chat's, and those of alerts without a time."""
    new = [replace(row, retry_set_at=claimed_at) for row in record.alerts if row.retry_at and not row.retry_set_at]
    chat = replace(record.chat, alerts_set_at=claimed_at)
    return replace(record.with_alerts(new) if new else record, chat=chat)


def alerts_in(record: ChatRecord) -> list[WaitingAlert]:
    """Return a chat's alerts, the oldest first."""
    waits = record.chat.next_message_at
    return [
        WaitingAlert(record.chat_id, row.alert, row.again, max(filter(None, (waits, row.retry_at)), default=None))
        for row in record.alerts
    ]


def changeable(record: ChatRecord, alert_ids: Collection[str]) -> list[AlertRow]:
    """Return the chat's alerts among these, but none that is being sent."""
    return [row for row in record.alerts if row.alert.id in alert_ids and row.alert.state is not AlertState.SENDING]


def retried(record: ChatRecord, rows: Iterable[AlertRow]) -> ChatRecord:
    """Send these alerts at once, dead letters too."""
    return opened(retried_at(record.with_alerts(_revived(row) for row in rows), None))


def _revived(row: AlertRow) -> AlertRow:
    row = _without_wait(row)
    if row.alert.state is not AlertState.DEAD_LETTER:
        return row
    return replace(row, alert=replace(row.alert, state=AlertState.WAITING, attempts=0))


def dropped(record: ChatRecord, rows: Collection[AlertRow]) -> ChatRecord:
    """Drop these alerts."""
    return replace(record, alerts=tuple(row for row in record.alerts if row not in rows))


def _paid_with_credit(record: ChatRecord, rows: Iterable[AlertRow]) -> frozenset[int]:
    """Return the invoices of these alerts that credit has paid."""
    known = (record.known.get(row.alert.invoice_id or 0) for row in rows)
    return frozenset(k.id for k in known if k is not None and k.paid_with_credit)


def _settled_in(rows: Iterable[AlertRow]) -> frozenset[int | None]:
    """Return the invoices that these alerts call settled."""
    return frozenset(row.alert.invoice_id for row in rows if row.alert.kind is AlertKind.SETTLED)


def _next_message(record: ChatRecord, now: datetime) -> list[AlertRow]:
    due = [row for row in record.deliverable if row.wait.is_over(now)]
    rows = [row for row in due if row.alert.kind not in EDITS] or due  # what is new goes first
    if not rows:
        return []
    first = rows[0]
    if first.may_be_seen:
        # A dead letter that is sent after all has lost its batch.
        return [row for row in rows if row.batch == first.batch] if first.batch else [first]
    if first.alert.attempts or first.tries:
        return [first]
    return list(takewhile(lambda row: _can_join(row, first), rows))[:ALERTS_PER_MESSAGE]


def _can_join(row: AlertRow, first: AlertRow) -> bool:
    untried = not row.may_be_seen and row.alert.attempts == row.tries == 0
    return untried and row.alert.account == first.alert.account
