"""What an operator sees of chats and alerts, and may do to alerts. Every store goes by these rules; no I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bot.domain.alerts import AlertState
from bot.ports import Overview, WaitingAlert
from bot.store.rules.alerts import retried_at
from bot.store.rules.chats import waiting_in
from bot.store.rules.records import ChatRecord


def overview_of(record: ChatRecord) -> Overview:
    """A chat in one line; of its token nothing."""
    link, count = record.link, waiting_in(record)
    return Overview(
        chat_id=record.id,
        account=link.account if link else None,
        resting=record.chat.resting,
        trouble=link.watch.trouble if link else None,
        checked_at=link.watch.checked_at if link else None,
        next_check_at=link.next_check_at if link else None,
        waiting=count.waiting,
        set_aside=count.set_aside,
    )


def alerts_in(record: ChatRecord) -> list[WaitingAlert]:
    """A chat's alerts, the oldest first."""
    return [WaitingAlert(record.id, row.alert, row.again, record.chat.next_message_at) for row in record.alerts]


def retried(record: ChatRecord, alert_ids: Collection[str]) -> ChatRecord | None:
    """With these alerts to be sent at once, also those that were set aside; None where none of them is the chat's."""
    rows = [row for row in record.alerts if row.alert.id in alert_ids and row.alert.state is not AlertState.SENDING]
    if not rows:
        return None
    aside = [row for row in rows if row.alert.state is AlertState.DEAD_LETTER]
    again = [replace(row, alert=replace(row.alert, state=AlertState.WAITING, attempts=0)) for row in aside]
    return retried_at(record.with_alerts(again), None)


def dropped(record: ChatRecord, alert_ids: Collection[str]) -> ChatRecord | None:
    """Without these alerts; None where none of them is the chat's. One that is being sent stays."""
    kept = tuple(row for row in record.alerts if row.alert.id not in alert_ids or row.alert.state is AlertState.SENDING)
    return None if len(kept) == len(record.alerts) else replace(record, alerts=kept)


def count_of(record: ChatRecord, alert_ids: Collection[str]) -> int:
    """How many of these alerts are the chat's, and not being sent."""
    return sum(row.alert.id in alert_ids and row.alert.state is not AlertState.SENDING for row in record.alerts)
