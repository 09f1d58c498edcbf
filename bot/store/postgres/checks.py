"""The queue of due checks. The promises are those of :class:`bot.ports.CheckStore`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.ports import Check, Checked, Claim
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part
from bot.store.postgres.rows import COLUMNS, lock_chats, save_chat, stored_of
from bot.store.rules.chats import after_check, due_at, hastened
from bot.store.rules.records import ChatRecord, chat_of

log = structlog.get_logger()

LEASED = "check_epoch = nextval('epochs'), check_due = %(until)s, check_until = %(until)s"

CLAIM_DUE = f"""
    WITH due AS (
        SELECT id AS due_id, check_due AS since FROM chats WHERE check_due <= %(now)s
        ORDER BY check_due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE chats SET {LEASED} FROM due WHERE id = due_id RETURNING {COLUMNS}, since
"""

CLAIM_ONE = f"""
    UPDATE chats SET {LEASED}
    WHERE id = %(id)s AND check_due IS NOT NULL AND (check_until IS NULL OR check_until <= %(now)s) RETURNING {COLUMNS}
"""


class PostgresChecks(Part):
    """Each method is one transaction."""

    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        """A chat that can't be read is logged and left out until its lease ends; it holds up nobody else."""

        async def claim(cursor: Cursor) -> list[Check]:
            await cursor.execute(CLAIM_DUE, {"now": now, "limit": limit, "until": now + lease})
            rows = sorted(await cursor.fetchall(), key=lambda row: (row[-1], row[0]))
            checks = [self._readable_check(row[:-1]) for row in rows]
            return [check for check in checks if check is not None]

        return await self._db.run_claim(claim, lambda check: self.postpone_check(check.claim, now))

    async def claim_check(self, chat_id: int, now: datetime, lease: timedelta) -> Check | None:
        async def claim(cursor: Cursor) -> list[Check]:
            await cursor.execute(CLAIM_ONE, {"id": chat_id, "now": now, "until": now + lease})
            row = await cursor.fetchone()
            return [] if row is None else [self._check(row)]

        claimed = await self._db.run_claim(claim, lambda check: self.postpone_check(check.claim, now))
        return claimed[0] if claimed else None

    async def hasten_checks(self, account: str, now: datetime) -> None:
        async def hasten(cursor: Cursor) -> None:
            await cursor.execute("SELECT id FROM chats WHERE account = %s", [account])
            stored = await lock_chats(cursor, *(chat_id for (chat_id,) in await cursor.fetchall()))
            for chat in stored.values():
                if chat.record.link is not None and chat.record.link.account == account:
                    await save_chat(cursor, chat, hastened(chat.record, now), message=chat.message)

        await self._db.run(hasten)

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        return await self._finish_check(claim, lambda record: after_check(record, checked))

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        return await self._finish_check(claim, lambda record: due_at(record, until))

    async def _finish_check(self, claim: Claim, change: Callable[[ChatRecord], ChatRecord]) -> bool:
        async def finish(cursor: Cursor) -> bool:
            held = f"SELECT {COLUMNS} FROM chats WHERE id = %s AND check_epoch = %s FOR UPDATE"
            await cursor.execute(held, [int(claim.key), claim.fencing_token])
            row = await cursor.fetchone()
            if row is None:
                return False
            stored = stored_of(row)
            await save_chat(cursor, stored, change(stored.record), message=stored.message)
            return True

        return await self._db.run(finish)

    def _readable_check(self, row: tuple[Any, ...]) -> Check | None:
        try:
            return self._check(row)
        except Exception:
            log.exception("chat can't be read for its check", chat=row[0])
            return None

    def _check(self, row: tuple[Any, ...]) -> Check:
        stored = stored_of(row)
        record, fencing_token = stored.record, stored.check.fencing_token if stored.check else 0
        return Check(Claim(str(record.id), fencing_token), chat_of(record, self._vault), record.known, record.sent)
