"""Pending items: what lies on the desk for minutes, such as invitations and selections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from bot.domain.invitations import Invitation
from bot.ports import Pending, PendingItem
from bot.store.backend import OF_PERSONS, PENDING_KINDS, SEVERAL
from bot.store.postgres.columns import encode
from bot.store.postgres.statements import Statements

PUT_PENDING = """
    INSERT INTO papers (kind, id, paper, chat_id, user_id, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (kind, id) DO UPDATE SET (paper, chat_id, user_id, expires_at) =
        (excluded.paper, excluded.chat_id, excluded.user_id, excluded.expires_at)
"""


class PendingTable(Statements):
    """The part of :class:`bot.store.backend.Transaction` for pending items."""

    async def put_pending(self, item: Pending, now: datetime) -> None:
        kind, chat_id = _kind(type(item)), item.place.chat_id
        await self.cursor.execute("DELETE FROM papers WHERE expires_at <= %s", [now])
        if not isinstance(item, SEVERAL):
            same_person = "DELETE FROM papers WHERE kind = %s AND chat_id = %s AND user_id = %s"
            await self.cursor.execute(same_person, [kind, chat_id, item.user_id])
        await self.cursor.execute(PUT_PENDING, [kind, item.id, encode(item), chat_id, item.user_id, item.expires_at])

    async def pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        item = await self.value("SELECT paper FROM papers WHERE kind = %s AND id = %s", _kind(kind), item_id)
        return None if item is None else msgspec.json.decode(item, type=kind)

    async def pending_of(self, kind: type[PendingItem], chat_id: int, user_id: int) -> Sequence[PendingItem]:
        statement = "SELECT paper FROM papers WHERE kind = %s AND chat_id = %s AND user_id = %s"
        papers = await self.rows(statement, _kind(kind), chat_id, user_id)
        return [msgspec.json.decode(paper, type=kind) for (paper,) in papers]

    async def take_pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        statement = "DELETE FROM papers WHERE kind = %s AND id = %s RETURNING paper"
        item = await self.value(statement, _kind(kind), item_id)
        return None if item is None else msgspec.json.decode(item, type=kind)

    async def move_pending(self, old_id: int, new_id: int) -> None:
        for kind in PENDING_KINDS:
            papers = await self.rows("SELECT paper FROM papers WHERE kind = %s AND chat_id = %s", _kind(kind), old_id)
            for (paper,) in papers:
                item: Any = msgspec.json.decode(paper, type=kind)
                moved = replace(item, place=item.place.in_chat(new_id))
                statement = "UPDATE papers SET paper = %s, chat_id = %s WHERE kind = %s AND id = %s"
                await self.cursor.execute(statement, [encode(moved), new_id, _kind(kind), item.id])

    async def clear_pending(self, chat_id: int) -> None:
        statement = "DELETE FROM papers WHERE kind <> ALL(%s) AND (chat_id = %s OR (kind = %s AND user_id = %s))"
        await self.cursor.execute(statement, [[*map(_kind, OF_PERSONS)], chat_id, _kind(Invitation), chat_id])


def _kind(kind: type[PendingItem]) -> str:
    return kind.__name__.lower()
