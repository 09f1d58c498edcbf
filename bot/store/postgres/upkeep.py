"""What an operator sees and does. The promises are those of :class:`bot.ports.OperatorStore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog

from bot.errors import StartError
from bot.ports import Overview, WaitingAlert
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part
from bot.store.postgres.rows import COLUMNS, lock_chats, read_chat, save_chat, stored_of
from bot.store.rules.operators import alerts_in, count_of, dropped, overview_of, retried
from bot.store.rules.records import ChatRecord

log = structlog.get_logger()

AT_ONCE = 500
"""How many chats are read together."""

WITH_ALERTS = "(waiting > 0 OR set_aside > 0)"


class PostgresUpkeep(Part):
    """Each method is one transaction a chat."""

    async def overviews(self) -> Sequence[Overview]:
        return [overview_of(record) for record in await self._records("true")]

    async def overview(self, chat_id: int) -> Overview | None:
        try:
            record = await self._db.run(lambda cursor: read_chat(cursor, chat_id))
        except msgspec.ValidationError as error:
            raise StartError(f"Chat {chat_id} can't be read ({error}). It can be forgotten.") from error
        return None if record is None else overview_of(record)

    async def alerts(self) -> Sequence[WaitingAlert]:
        return [alert for record in await self._records(WITH_ALERTS) for alert in alerts_in(record)]

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, retried)

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, dropped)

    async def _change_alerts(
        self, alert_ids: Collection[str], change: Callable[[ChatRecord, Collection[str]], ChatRecord | None]
    ) -> int:
        async def change_chat(cursor: Cursor, chat_id: int) -> int:
            stored = (await lock_chats(cursor, chat_id)).get(chat_id)
            new = change(stored.record, alert_ids) if stored else None
            if stored is None or new is None:
                return 0
            await save_chat(cursor, stored, new, check=stored.check, message=stored.message)
            return count_of(stored.record, alert_ids)

        concerned = [record.id for record in await self._records(WITH_ALERTS) if count_of(record, alert_ids)]
        return sum([await self._db.run(partial(change_chat, chat_id=chat_id)) for chat_id in concerned])

    async def _records(self, condition: str) -> list[ChatRecord]:
        """All chats of which the condition holds, read some at a time; one that can't be read is logged, no more."""

        async def read(cursor: Cursor, after: int) -> list[tuple[Any, ...]]:
            await cursor.execute(
                f"SELECT {COLUMNS} FROM chats WHERE {condition} AND id > %s ORDER BY id LIMIT %s", [after, AT_ONCE]
            )
            return await cursor.fetchall()

        records: list[ChatRecord | None] = []
        after = -(2**63)
        while True:
            rows = await self._db.run(partial(read, after=after))
            records += map(_readable, rows)
            if len(rows) < AT_ONCE:
                return [record for record in records if record is not None]
            after = rows[-1][0]


def _readable(row: tuple[Any, ...]) -> ChatRecord | None:
    try:
        return stored_of(row).record
    except Exception:
        log.exception("chat can't be read", chat=row[0])
        return None
