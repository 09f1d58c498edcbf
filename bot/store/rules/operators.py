"""What an operator sees of chats and alerts, and may do to alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from bot.domain.alerts import AlertState
from bot.ports import Overview, WaitingAlert
from bot.store.rules.alerts import retried_at
from bot.store.rules.records import AlertRow, ChatRecord


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: linked ``chats``, how many of them rest, and how many alerts were set aside."""

    chats: int
    resting: int
    set_aside: int


def contents_of(records: Iterable[ChatRecord]) -> Contents:
    """Count what these chats hold."""
    linked = [record for record in records if record.link is not None]
    return Contents(
        chats=len(linked),
        resting=sum(record.chat.resting is not None for record in linked),
        set_aside=sum(record.dead_letters for record in linked),
    )


def overview_of(record: ChatRecord) -> Overview:
    """Return a chat in one line, without its token."""
    link = record.link
    return Overview(
        chat_id=record.id,
        account=link.account if link else None,
        resting=record.chat.resting,
        trouble=link.watch.trouble if link else None,
        checked_at=link.watch.checked_at if link else None,
        next_check_at=link.next_check_at if link else None,
        waiting=len(record.alerts) - record.dead_letters,
        set_aside=record.dead_letters,
    )


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
