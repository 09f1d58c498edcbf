"""Chats: how their rows are found, locked and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain.packs.pack import LONGEST_PACK_WAIT
from bot.store.backend import FoundChat, StoredChat
from bot.store.postgres.columns import (
    CHAT_COLUMNS,
    chat_columns,
    documents,
    encode,
    saved_columns,
    stored_chat,
    type_of,
)
from bot.store.postgres.statements import Statements
from bot.store.rules.records import ChatRecord

# A time too far ahead was set by a wrong clock.
DUE_PACKS = f"""
    SELECT {CHAT_COLUMNS} FROM chats WHERE pack_due <= %s OR pack_due > %s
    ORDER BY pack_due, id LIMIT %s FOR UPDATE SKIP LOCKED
"""


class ChatTable(Statements):
    """The part of :class:`bot.store.backend.Transaction` for chats, all but the claims."""

    async def find_chats(self, chat_ids: Collection[int], *, lock: bool = False) -> list[FoundChat]:
        statement = f"SELECT {CHAT_COLUMNS} FROM chats WHERE id = ANY(%s) ORDER BY id {'FOR UPDATE' if lock else ''}"
        return found_in(await self.rows(statement, list(chat_ids)))

    async def chat_ids(self) -> list[int]:
        return [chat_id for (chat_id,) in await self.rows("SELECT id FROM chats ORDER BY id")]

    async def linked_chats(self, account: str) -> list[int]:
        return [chat_id for (chat_id,) in await self.rows("SELECT id FROM chats WHERE account = %s", account)]

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        statement = "SELECT id FROM chats WHERE id = ANY(%s) AND account IS NOT NULL"
        return {chat_id for (chat_id,) in await self.rows(statement, list(chat_ids))}

    async def lock_or_make(self, chat_id: int) -> StoredChat:
        while True:
            if found := await self.find_chats([chat_id], lock=True):
                return found[0].load()
            await self._make_chats([ChatRecord(chat_id)])

    async def save_chat(self, old: StoredChat, new: StoredChat) -> None:
        await self.save_columns([saved_columns(old, new)])

    async def save_columns(self, rows: Sequence[dict[str, Any]], *also: str) -> dict[int, str]:
        """Save locked chats, as :func:`saved_columns` gives them. One statement for all that have the same columns.

        ``also`` is set in all of them. Return the new versions of those that are still there.
        """
        versions = dict[int, str]()
        for names in {tuple(row): None for row in rows}:
            alike = [row for row in rows if tuple(row) == names]
            if names == ("id",):
                await self.cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [[row["id"] for row in alike]])
                continue
            changes = ", ".join([*(f"{name} = new.{name}::{type_of(name)}" for name in names[1:]), *also])
            columns = ", ".join(f"{name} {'text' if type_of(name) == 'json' else type_of(name)}" for name in names)
            statement = (
                f"UPDATE chats SET {changes} FROM json_to_recordset(%s) AS new ({columns}) "
                "WHERE chats.id = new.id AND chats.id = ANY(%s) RETURNING chats.id, chats.xmin"
            )  # the ids once more: the planner can't count what stands in the text
            versions |= dict(await self.rows(statement, encode(alike), [row["id"] for row in alike]))
        return versions

    async def delete_chat(self, chat_id: int) -> None:
        await self.cursor.execute("DELETE FROM chats WHERE id = %s", [chat_id])

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        await self.cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [[record.id for record in records]])
        await self._make_chats(records)

    async def _make_chats(self, records: Sequence[ChatRecord]) -> None:
        chats = [{"id": each.id, **documents(each), **chat_columns(StoredChat(each))} for each in records]
        await self.insert("chats", chats)

    async def chats_with_due_packs(self, now: datetime, limit: int) -> list[FoundChat]:
        return found_in(await self.rows(DUE_PACKS, now, now + LONGEST_PACK_WAIT, limit))

    async def put_off_packs(self, chat_id: int, until: datetime) -> None:
        await self.cursor.execute("UPDATE chats SET pack_due = %s WHERE id = %s", [until, chat_id])

    async def sealed_by_others(self, key_id: str) -> Mapping[str, Collection[int]]:
        statement = "SELECT key_id, array_agg(id) FROM chats WHERE key_id <> %s GROUP BY key_id"
        return dict(await self.rows(statement, key_id))


def found_in(rows: Sequence[tuple[Any, ...]]) -> list[FoundChat]:
    """Return the chats of rows of :data:`CHAT_COLUMNS`."""
    return [FoundChat(row[0], partial(stored_chat, row)) for row in rows]
