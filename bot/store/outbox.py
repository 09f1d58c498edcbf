"""The alerts on their way out, in the store's thread. The promises are those of :class:`bot.ports.Outbox`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts import AlertState, KnownInvoice
from bot.ports import Claim, Delivery
from bot.store.database import Database
from bot.store.records import AlertRow, ChatRecord, chat_of

log = structlog.get_logger()


class AlertQueue:
    """Each method is one transaction. The lease is the chat's, so its alerts go out one after the other."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """That an alert is being sent is on the disk before it is given out.

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

    def sent(self, claim: Claim) -> bool:
        return self._finish(claim, None, None)

    def failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        again = row.again or uncertain
        alert = replace(
            row.alert,
            state=AlertState.UNCERTAIN if again else AlertState.WAITING,
            attempts=row.alert.attempts + counts,
        )
        return self._finish(claim, AlertRow(alert, again=again), retry_at)

    def set_aside(self, claim: Claim) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        return self._finish(claim, replace(row, alert=replace(row.alert, state=AlertState.SET_ASIDE)), None)

    def _begin(self, chat_id: int, epoch: int) -> Delivery | None:
        record = self._db.chat(chat_id)
        if record is None or (row := record.next_alert) is None:
            return None
        # Found as being sent, it was given out before and nobody has said what became of it.
        again = row.again or row.alert.state is AlertState.SENDING
        sending = AlertRow(replace(row.alert, state=AlertState.SENDING), again=again)
        chat = chat_of(record, self._db.vault)
        with self._db.change() as change:
            change.save_chat(record.with_alert(row.alert.id, sending))
        return Delivery(
            claim=Claim(row.alert.id, epoch),
            alert=sending.alert,
            chat=chat,
            known=_known(record, row),
            again=again,
        )

    def _record(self, claim: Claim) -> ChatRecord | None:
        chat_id = self._db.chats.alerts.holder(claim.epoch)
        return None if chat_id is None else self._db.chat(chat_id)

    def _held(self, claim: Claim) -> AlertRow | None:
        record = self._record(claim)
        if record is None:
            return None
        return next((row for row in record.alerts if row.alert.id == claim.key), None)

    def _finish(self, claim: Claim, row: AlertRow | None, retry_at: datetime | None) -> bool:
        record = self._record(claim)
        if record is None:
            return False
        record = record.with_alert(claim.key, row)
        record = replace(record, chat=replace(record.chat, alerts_at=retry_at))
        with self._db.change() as change:
            change.save_chat(record)
        self._db.chats.alerts.release(record.id)
        self._db.chats.sync(record.id, record)
        return True


def _known(record: ChatRecord, row: AlertRow) -> KnownInvoice | None:
    invoice_id = row.alert.invoice_id
    if invoice_id is None or record.link is None or record.link.account != row.alert.account:
        return None
    return record.known.get(invoice_id)
