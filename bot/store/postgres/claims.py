"""Claims of due checks and messages, and how they end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from bot.domain.deliveries import Claim
from bot.domain.unchanged import Unchanged
from bot.domain.waits import CLOCKS_AGREE_WITHIN
from bot.store.backend import FoundChat, Held, StoredChat, StoredGlance, note_void_waits
from bot.store.postgres.chats import ChatTable, found
from bot.store.postgres.columns import (
    CHAT_COLUMNS,
    COLUMNS_BUT_KNOWN,
    GLANCE_COLUMNS,
    chat_columns,
    encode,
    glance_of,
    stored_chat,
)
from bot.store.rules.check_times import CheckTimes

LEASED = (
    "check_epoch = nextval('epochs'), check_due = %(until)s, check_until = %(until)s, "
    "check_set_at = %(now)s, check_leased_at = now()"
)

# Ends waits that were set by a clock that was ahead, and such leases once they are over by the database's clock: their
# holder may be at work. Many at a time, so that the statement stays short.
END_VOID_WAITS = """
    WITH void AS (
        SELECT id AS void_id, {work}_set_at AS set_at FROM chats
        WHERE {work}_set_at > %(agreed)s
        AND ({work}_epoch IS NULL OR {work}_leased_at + ({work}_until - {work}_set_at) <= now())
        LIMIT 2000 FOR UPDATE SKIP LOCKED
    )
    UPDATE chats SET {work}_set_at = %(now)s,
        {work}_due = CASE WHEN {work}_due IS NOT NULL THEN %(now)s END,
        {work}_until = CASE WHEN {work}_until IS NOT NULL THEN %(now)s END
    FROM void WHERE id = void_id RETURNING set_at
"""

CLAIM_DUE_CHECKS = f"""
    WITH due AS (
        SELECT id AS due_id, check_due AS since FROM chats WHERE check_due <= %(now)s
        ORDER BY check_due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE chats SET {LEASED} FROM due WHERE id = due_id RETURNING {GLANCE_COLUMNS}, since
"""

# A chat that somebody else has locked is being changed.
END_GLANCES = """
    WITH ended AS (
        SELECT id AS ended_id, token, due, at, seen, times FROM chats JOIN unnest(
            %(ids)s::bigint[], %(tokens)s::bigint[], %(due)s::timestamptz[], %(at)s::timestamptz[],
            %(seen)s::json[], %(times)s::json[]
        ) AS glance (glance_id, token, due, at, seen, times) ON id = glance_id AND check_epoch = token
        WHERE unchanged IS NOT NULL ORDER BY id FOR UPDATE OF chats SKIP LOCKED
    )
    UPDATE chats SET check_due = due, check_epoch = NULL, check_until = NULL, check_set_at = at, check_times = times,
        unchanged = seen
    FROM ended WHERE id = ended_id RETURNING token
"""

CLAIM_CHECK = f"""
    UPDATE chats SET {LEASED} WHERE id = %(id)s AND check_due IS NOT NULL
    AND (check_until IS NULL OR check_until <= %(now)s) RETURNING {CHAT_COLUMNS}
"""

DUE_MESSAGES = f"""
    SELECT {CHAT_COLUMNS}, nextval('epochs') FROM (
        SELECT * FROM chats WHERE message_due <= %s
        ORDER BY message_due, message_since, id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY message_due, message_since, id
"""

HELD = {
    Held.CHECK: "SELECT check_epoch, {columns} FROM chats WHERE check_epoch = ANY(%(tokens)s) AND id = ANY(%(ids)s)",
    Held.MESSAGE: "SELECT message_epoch, {columns} FROM chats WHERE message_epoch = ANY(%(tokens)s)",
}


class GlanceEnd(NamedTuple):
    """The end of a check that found nothing changed. The next check has to see what was ``seen``."""

    id: int
    now: datetime
    next_check_at: datetime
    seen: Unchanged

    @property
    def times(self) -> CheckTimes:
        return CheckTimes(self.now, self.next_check_at, self.now, self.now, self.seen.credit)


class ChatClaims(ChatTable):
    """The part of :class:`bot.store.backend.Transaction` for claims. Chats are locked in the order of their ids."""

    async def claim_checks(
        self, now: datetime, limit: int, until: datetime, rules: str | None = None
    ) -> list[FoundChat | StoredGlance]:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_DUE_CHECKS, now=now, limit=limit, until=until)
        glances = {row[0]: glance_of(row[:-1], row[-1].astimezone(UTC)) for row in rows}
        spared = {number: g for number, g in glances.items() if g is not None and g.suffices(now, rules)}
        whole = {chat.id: chat for chat in await self.find_chats([n for n in glances if n not in spared])}
        order = [row[0] for row in sorted(rows, key=lambda row: (row[-1], row[0]))]
        return [spared.get(number) or whole[number] for number in order]

    async def claim_check(self, chat_id: int, now: datetime, until: datetime) -> StoredChat | None:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_CHECK, id=chat_id, now=now, until=until)
        return stored_chat(rows[0]) if rows else None

    async def claim_messages(self, now: datetime, limit: int, until: datetime) -> list[FoundChat]:
        await self._end_void_waits("message", now)
        rows = await self.rows(DUE_MESSAGES, now, limit)
        return found([(*row[:-4], row[-1], until, now) for row in rows])  # under the new lease, not under an older one

    async def _end_void_waits(self, work: str, now: datetime) -> None:
        rows = await self.rows(END_VOID_WAITS.format(work=work), now=now, agreed=now + CLOCKS_AGREE_WITHIN)
        note_void_waits(len(rows), max((set_at for (set_at,) in rows), default=now) - now)

    async def save_begun(self, chats: Sequence[StoredChat], left: Collection[int], until: datetime) -> set[int]:
        names = ("alerts", "unchanged", "message_due", "message_epoch", "message_until", "message_set_at")
        assignments = ", ".join([*(f"{name} = %({name})s" for name in names), "message_leased_at = now()"])
        rows = [
            {"id": s.record.id, "alerts": encode(s.record.alerts), "unchanged": None, **chat_columns(s)} for s in chats
        ]
        if rows:
            await self.cursor.executemany(f"UPDATE chats SET {assignments} WHERE id = %(id)s".encode(), rows)
        if left:
            statement = "UPDATE chats SET message_due = %s WHERE id = ANY(%s)"
            await self.cursor.execute(statement, [until, list(left)])
        return {stored.record.id for stored in chats}

    async def held(self, what: Held, claim: Claim) -> StoredChat | None:
        found = await self._held(f"{HELD[what]} FOR UPDATE", CHAT_COLUMNS, what, [claim])
        return found[claim.fencing_token].load() if found else None

    async def lock_held(self, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        """Return by fencing token the chats that are still leased under these claims, locked, without what they know.

        Leave out those that others have locked: nobody is waited for.
        """
        return await self._held(f"{HELD[what]} ORDER BY id FOR UPDATE SKIP LOCKED", COLUMNS_BUT_KNOWN, what, claims)

    async def locked_held(self, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        """Return chats that :meth:`lock_held` has locked, with what they know."""
        return await self._held(HELD[what], CHAT_COLUMNS, what, claims)

    async def _held(self, statement: str, columns: str, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        ids = [int(claim.key) for claim in claims] if what is Held.CHECK else []
        tokens = [claim.fencing_token for claim in claims]
        rows = await self.rows(statement.format(columns=columns), ids=ids, tokens=tokens)
        return {row[0]: FoundChat(row[1], partial(stored_chat, row[1:])) for row in rows}

    async def end_glances(self, ends: Mapping[int, GlanceEnd]) -> set[int]:
        """End checks by their fencing tokens, as :meth:`bot.store.backend.Backend.end_glance` says.

        Return the tokens of those that ended. Nobody is waited for.
        """
        rows = await self.rows(
            END_GLANCES,
            ids=[each.id for each in ends.values()],
            tokens=[*ends],
            due=[each.next_check_at for each in ends.values()],
            at=[each.now for each in ends.values()],
            seen=[encode(each.seen) for each in ends.values()],
            times=[encode(each.times) for each in ends.values()],
        )
        return {token for (token,) in rows}
