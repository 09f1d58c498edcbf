"""The alerts on their way out. The promises are those of :class:`bot.ports.Outbox`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from bot.domain.alerts import SentMessage
from bot.ports import Claim, Delivery
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part
from bot.store.postgres.rows import COLUMNS, Hold, Stored, payments_where, save_chat, save_claimed, stored_of
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

DUE = f"""
    SELECT {COLUMNS}, nextval('epochs') FROM (
        SELECT * FROM chats WHERE message_due <= %s
        ORDER BY message_due, message_since, id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY message_due, message_since, id
"""


class PostgresOutbox(Part):
    """Each method is one transaction. The lease is the chat's, so its messages go out one after the other."""

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """That alerts are being sent is in the database before they are given out.

        A chat that can't be read is logged and left out until its lease ends; it holds up nobody else.
        """

        async def claim(cursor: Cursor) -> list[Delivery]:
            await cursor.execute(DUE, [now, limit])
            found = [await self._begin_message(cursor, row, now + lease) for row in await cursor.fetchall()]
            await save_claimed(cursor, [stored for stored, _ in filter(None, found)])
            return [delivery for _, delivery in filter(None, found)]

        def give_back(delivery: Delivery) -> Any:
            return self.alerts_failed(delivery.claim, now, uncertain=False, counts=False)

        return await self._db.run_claim(claim, give_back)

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        return await self._finish_message(claim, lambda record: after_sending(record, claim.key, message, resolved))

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        return await self._change_message(claim, lambda record: after_edit(record, message_id, resolved), ends=False)

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        return await self._finish_message(
            claim, lambda record: after_failure(record, claim.key, retry_at, uncertain=uncertain, counts=counts)
        )

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        return await self._finish_message(claim, lambda record: held_until(record, claim.key, until))

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        return await self._finish_message(claim, lambda record: set_aside(record, claim.key))

    async def _begin_message(
        self, cursor: Cursor, row: tuple[Any, ...], until: datetime
    ) -> tuple[Stored, Delivery] | None:
        """The message of a chat, and the chat's row as it is to be saved; None for one that can't be read."""
        chat_id, fencing_token = row[0], row[-1]
        try:
            stored = stored_of(row[:-1])
            record = begun(stored.record)
            if record is None:
                return None
            account = account_to_read(record)
            payments = await payments_where(cursor, "account = %s", account) if account is not None else []
            delivery = delivery_of(record, fencing_token, self._vault, payments)
        except psycopg.Error:
            raise  # the database's trouble, not this chat's
        except Exception:
            log.exception("chat can't be read for its alert", chat=chat_id)
            await cursor.execute("UPDATE chats SET message_due = %s WHERE id = %s", [until, chat_id])
            return None
        return Stored(record, stored.check, Hold(fencing_token, until)), delivery

    async def _finish_message(self, claim: Claim, change: Callable[[ChatRecord], ChatRecord]) -> bool:
        return await self._change_message(claim, change, ends=True)

    async def _change_message(self, claim: Claim, change: Callable[[ChatRecord], ChatRecord], *, ends: bool) -> bool:
        """Change the record of the chat that is leased under this claim; ``ends``: and give the lease back."""

        async def finish(cursor: Cursor) -> bool:
            held = f"SELECT {COLUMNS} FROM chats WHERE message_epoch = %s FOR UPDATE"
            await cursor.execute(held, [claim.fencing_token])
            row = await cursor.fetchone()
            stored = row and stored_of(row)
            if not stored or not batch_of(stored.record, claim.key):
                return False
            message = None if ends else stored.message
            await save_chat(cursor, stored, change(stored.record), check=stored.check, message=message)
            return True

        return await self._db.run(finish)
