"""The queue of due checks, in the store's thread. The promises are those of :class:`bot.ports.CheckStore`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.ports import Check, Checked, Claim
from bot.store.database import Database
from bot.store.rules.chats import after_check, due_at, hastened
from bot.store.rules.records import ChatRecord, LinkRow, chat_of
from bot.store.tinydb.index import Fresh

log = structlog.get_logger()

SAVE_AT_LEAST_EVERY = timedelta(hours=1)
"""A check that found nothing new is saved only if the saved one is older than this. So the age of the knowledge that
is told after a restart can be too high by as much, never too low."""


class CheckQueue:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        """A chat that can't be read is logged and left out until its lease ends; it holds up nobody else."""
        checks = []
        for chat_id, fencing_token in self._db.chats.checks.claim(now, limit, lease):
            try:
                checks.append(self._begin(chat_id, fencing_token))
            except Exception:
                log.exception("chat can't be read for its check", chat=chat_id)
        return [check for check in checks if check is not None]

    def claim_one(self, chat_id: int, now: datetime, lease: timedelta) -> Check | None:
        fencing_token = self._db.chats.checks.claim_key(chat_id, now, lease)
        return None if fencing_token is None else self._begin(chat_id, fencing_token)

    def hasten(self, account: str, now: datetime) -> None:
        """In memory only: after a restart the checks are due again as they were."""
        for chat_id in self._db.chats.chats_of(account):
            record = self._db.chat(chat_id)
            if record is not None:
                self._put_off(record, hastened(record, now))

    def finish(self, claim: Claim, checked: Checked) -> bool:
        """Nothing is written where nothing changed but the time, see :data:`SAVE_AT_LEAST_EVERY`."""
        record = self._held(claim)
        if record is None or record.link is None:
            return False
        new = after_check(record, checked)
        if self._is_worth_a_write(record, new):
            with self._db.change() as change:
                change.save_chat(new)
        else:
            self._keep_times(record, new)
        self._hand_back(new)
        return True

    def postpone(self, claim: Claim, until: datetime) -> bool:
        """In memory only: after a restart the check is due again as it was."""
        record = self._held(claim)
        if record is None or record.link is None:
            return False
        self._put_off(record, due_at(record, until))
        return True

    def _begin(self, chat_id: int, fencing_token: int) -> Check | None:
        record = self._db.chat(chat_id)
        if record is None:
            return None
        chat = chat_of(record, self._db.vault)
        return Check(Claim(str(chat_id), fencing_token), chat, record.known, record.sent)

    def _held(self, claim: Claim) -> ChatRecord | None:
        chat_id = self._db.chats.checks.holder(claim.fencing_token)
        return None if chat_id is None else self._db.chat(chat_id)

    def _hand_back(self, record: ChatRecord) -> None:
        self._db.chats.checks.release(record.id)
        self._db.chats.sync(record.id, record)

    def _put_off(self, old: ChatRecord, new: ChatRecord) -> None:
        self._keep_times(old, new)
        self._hand_back(new)

    def _is_worth_a_write(self, old: ChatRecord, new: ChatRecord) -> bool:
        return (
            (new.known, new.alerts, new.silences) != (old.known, old.alerts, old.silences)
            or old.link is None
            or new.link is None
            or replace(new.link.watch, checked_at=old.link.watch.checked_at) != old.link.watch
            or abs(new.link.watch.checked_at - self._saved_at(old.id, old.link)) >= SAVE_AT_LEAST_EVERY
        )

    def _keep_times(self, old: ChatRecord, new: ChatRecord) -> None:
        if old.link is not None and new.link is not None:
            saved_at = self._saved_at(old.id, old.link)
            self._db.chats.fresh[old.id] = Fresh(new.link.watch.checked_at, new.link.next_check_at, saved_at)

    def _saved_at(self, chat_id: int, link: LinkRow) -> datetime:
        fresh = self._db.chats.fresh.get(chat_id)
        return fresh.saved_at if fresh else link.watch.checked_at
