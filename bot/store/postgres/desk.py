"""What is kept for minutes only. The promises are those of :class:`bot.ports.DeskStore`."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from bot.domain.invitations import Invitation
from bot.domain.selections import Selection
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part
from bot.store.postgres.rows import encode

Paper = TypeVar("Paper", Invitation, Selection)


class PostgresDesk(Part):
    """Each method is one transaction."""

    async def put_invitation(self, invitation: Invitation, now: datetime) -> None:
        async def put(cursor: Cursor) -> None:
            await cursor.execute(
                "DELETE FROM papers WHERE kind = %s AND chat_id = %s AND user_id = %s",
                [_kind(Invitation), invitation.place.chat_id, invitation.user_id],
            )
            await _put(cursor, invitation, now)

        await self._db.run(put)

    async def invitation(self, invitation_id: str) -> Invitation | None:
        return await self._read(Invitation, invitation_id)

    async def take_invitation(self, invitation_id: str) -> bool:
        return await self._take(Invitation, invitation_id)

    async def put_selection(self, selection: Selection, now: datetime) -> None:
        await self._db.run(lambda cursor: _put(cursor, selection, now))

    async def selection(self, selection_id: str) -> Selection | None:
        return await self._read(Selection, selection_id)

    async def take_selection(self, selection_id: str) -> bool:
        return await self._take(Selection, selection_id)

    async def _read(self, kind: type[Paper], paper_id: str) -> Paper | None:
        async def read(cursor: Cursor) -> Paper | None:
            await cursor.execute("SELECT paper FROM papers WHERE kind = %s AND id = %s", [_kind(kind), paper_id])
            row = await cursor.fetchone()
            return None if row is None else msgspec.json.decode(row[0], type=kind)

        return await self._db.run(read)

    async def _take(self, kind: type[Paper], paper_id: str) -> bool:
        async def take(cursor: Cursor) -> bool:
            await cursor.execute("DELETE FROM papers WHERE kind = %s AND id = %s", [_kind(kind), paper_id])
            return cursor.rowcount > 0

        return await self._db.run(take)


async def clear_desk(cursor: Cursor, chat_id: int) -> None:
    """Throw away what belongs to a chat."""
    await cursor.execute(
        "DELETE FROM papers WHERE chat_id = %s OR (kind = %s AND user_id = %s)",
        [chat_id, _kind(Invitation), chat_id],
    )


async def use_up_invitation(cursor: Cursor, invitation_id: str) -> Invitation | None:
    """Take an invitation, which nobody else gets then; None where it is gone."""
    await cursor.execute(
        "DELETE FROM papers WHERE kind = %s AND id = %s RETURNING paper", [_kind(Invitation), invitation_id]
    )
    row = await cursor.fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Invitation)


async def _put(cursor: Cursor, paper: Invitation | Selection, now: datetime) -> None:
    await cursor.execute("DELETE FROM papers WHERE expires_at <= %s", [now])
    await cursor.execute(
        """
        INSERT INTO papers (kind, id, paper, chat_id, user_id, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (kind, id) DO UPDATE SET (paper, chat_id, user_id, expires_at) =
            (excluded.paper, excluded.chat_id, excluded.user_id, excluded.expires_at)
        """,
        [
            _kind(type(paper)),
            paper.id,
            encode(paper),
            paper.place.chat_id,
            paper.user_id,
            paper.expires_at,
        ],
    )


def _kind(kind: type[Invitation | Selection]) -> str:
    return kind.__name__.lower()
