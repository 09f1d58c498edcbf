"""The alerts on their way out, in the store's thread. The promises are those of :class:`bot.ports.Outbox`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts import SentMessage
from bot.ports import Claim, Delivery
from bot.store.database import Database
from bot.store.rules.alerts import (
    account_to_read,
    after_edit,
    after_failure,
    after_sending,
    batch_of,
    begun,
    delivery_of,
    held_until,
    set_aside,
)
from bot.store.rules.records import ChatRecord

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
        for chat_id, fencing_token in self._db.chats.alerts.claim(now, limit, lease):
            try:
                delivery = self._begin(chat_id, fencing_token)
            except Exception:
                log.exception("chat can't be read for its alert", chat=chat_id)
            else:
                deliveries += [delivery] if delivery else []
        return deliveries

    def sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        self._finish(after_sending(record, claim.key, message, resolved))
        return True

    def edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        with self._db.change() as change:
            change.save_chat(after_edit(record, message_id, resolved))
        return True

    def failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        self._finish(after_failure(record, claim.key, retry_at, uncertain=uncertain, counts=counts))
        return True

    def hold(self, claim: Claim, until: datetime) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        self._finish(held_until(record, claim.key, until))
        return True

    def set_aside(self, claim: Claim) -> bool:
        record = self._held(claim)
        if record is None:
            return False
        self._finish(set_aside(record, claim.key))
        return True

    def _begin(self, chat_id: int, fencing_token: int) -> Delivery | None:
        record = self._db.chat(chat_id)
        begun_record = record and begun(record)
        if begun_record is None:
            return None
        account = account_to_read(begun_record)
        payments = self._db.payments_of(account) if account is not None else []
        delivery = delivery_of(begun_record, fencing_token, self._db.vault, payments)
        with self._db.change() as change:
            change.save_chat(begun_record)
        return delivery

    def _held(self, claim: Claim) -> ChatRecord | None:
        """The record of the chat that is leased under this claim."""
        chat_id = self._db.chats.alerts.holder(claim.fencing_token)
        record = None if chat_id is None else self._db.chat(chat_id)
        return record if record and batch_of(record, claim.key) else None

    def _finish(self, record: ChatRecord) -> None:
        with self._db.change() as change:
            change.save_chat(record)
        self._db.chats.alerts.release(record.id)
        self._db.chats.sync(record.id, record)
