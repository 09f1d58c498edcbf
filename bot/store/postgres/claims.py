"""Claims of due checks and messages, and how they end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot.domain.deliveries import Claim
from bot.domain.unchanged import Unchanged
from bot.domain.waits import CLOCKS_AGREE_WITHIN
from bot.store.backend import FoundChat, Held, StoredChat, StoredGlance, note_void_waits
from bot.store.postgres.chats import ChatTable, found_in
from bot.store.postgres.claimed import ClaimedChat
from bot.store.postgres.columns import (
    CHAT_COLUMNS,
    GLANCE_COLUMNS,
    chat_columns,
    encode,
    glance_of,
    stored_chat,
)
from bot.store.postgres.connections import Cursor
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
    AND (check_until IS NULL OR check_until <= %(now)s) RETURNING xmin, {CHAT_COLUMNS}
"""

DUE_MESSAGES = f"""
    SELECT {CHAT_COLUMNS}, nextval('epochs') FROM (
        SELECT * FROM chats WHERE message_due <= %s
        ORDER BY message_due, message_since, id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY message_due, message_since, id
"""

HELD = {
    Held.CHECK: "FROM chats WHERE check_epoch = ANY(%(tokens)s) AND id = ANY(%(ids)s)",
    Held.MESSAGE: "FROM chats WHERE message_epoch = ANY(%(tokens)s)",
}

BEGUN = ("alerts", "unchanged", "message_due", "message_epoch", "message_until", "message_set_at")
"""What of a chat changes when its message begins."""


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
    """The part of :class:`bot.store.backend.Transaction` for claims. Chats are locked in the order of their ids.

    ``claimed`` are the chats that were read under their claims.
    """

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self.claimed = list[ClaimedChat]()

    async def claim_checks(
        self, now: datetime, limit: int, until: datetime, rules: str | None = None
    ) -> list[FoundChat | StoredGlance]:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_DUE_CHECKS, now=now, limit=limit, until=until)
        glances = {row[0]: glance_of(row[:-1], row[-1].astimezone(UTC)) for row in rows}
        spared = {number: g for number, g in glances.items() if g is not None and g.suffices(now, rules)}
        rest = [number for number in glances if number not in spared]
        whole = await self.rows(f"SELECT xmin, {CHAT_COLUMNS} FROM chats WHERE id = ANY(%s)", rest) if rest else []
        chats = {row[1]: self._claimed(Held.CHECK, row) for row in whole}
        order = [row[0] for row in sorted(rows, key=lambda row: (row[-1], row[0]))]
        return [spared.get(number) or chats[number] for number in order]

    async def claim_check(self, chat_id: int, now: datetime, until: datetime) -> StoredChat | None:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_CHECK, id=chat_id, now=now, until=until)
        return self._claimed(Held.CHECK, rows[0]).load() if rows else None

    async def claim_messages(self, now: datetime, limit: int, until: datetime) -> list[FoundChat]:
        await self._end_void_waits("message", now)
        rows = await self.rows(DUE_MESSAGES, now, limit)
        return found_in(
            [(*row[:-4], row[-1], until, now) for row in rows]
        )  # under the new lease, not under an older one

    async def _end_void_waits(self, work: str, now: datetime) -> None:
        rows = await self.rows(END_VOID_WAITS.format(work=work), now=now, agreed=now + CLOCKS_AGREE_WITHIN)
        note_void_waits(len(rows), max((set_at for (set_at,) in rows), default=now) - now)

    async def save_begun(self, chats: Sequence[StoredChat], left: Collection[int], until: datetime) -> set[int]:
        rows = []
        for stored in chats:
            columns = {"alerts": encode(stored.record.alerts), "unchanged": None, **chat_columns(stored)}
            rows.append({"id": stored.record.id, **{name: columns[name] for name in BEGUN}})
        versions = await self.save_columns(rows, "message_leased_at = now()")
        for stored in chats:
            if stored.message is not None:
                begun = replace(stored, unchanged=None)
                self.claimed.append(ClaimedChat(begun, stored.message, versions[stored.record.id]))
        if left:
            statement = "UPDATE chats SET message_due = %s WHERE id = ANY(%s)"
            await self.cursor.execute(statement, [until, list(left)])
        return {*versions}

    async def held(self, what: Held, claim: Claim) -> StoredChat | None:
        found = await self.read_held(what, [claim], "FOR UPDATE")
        return found[claim.fencing_token].load() if found else None

    async def lock_held(self, what: Held, claims: Collection[Claim]) -> dict[int, str]:
        """Lock the chats that are still leased under these claims. Return their rows' versions by fencing token.

        Leave out those that others have locked: nobody is waited for.
        """
        return dict(await self._held(what, claims, "xmin", "ORDER BY id FOR UPDATE SKIP LOCKED"))

    async def read_held(self, what: Held, claims: Collection[Claim], lock: str = "") -> dict[int, FoundChat]:
        """Return by fencing token the chats that are still leased under these claims."""
        rows = await self._held(what, claims, f"xmin, {CHAT_COLUMNS}", lock)
        return {token: self._claimed(what, row) for token, *row in rows}

    async def _held(self, what: Held, claims: Collection[Claim], columns: str, lock: str) -> list[tuple[Any, ...]]:
        ids = [int(claim.key) for claim in claims] if what is Held.CHECK else []
        tokens = [claim.fencing_token for claim in claims]
        return await self.rows(f"SELECT {what}_epoch, {columns} {HELD[what]} {lock}", ids=ids, tokens=tokens)

    def _claimed(self, what: Held, row: Sequence[Any]) -> FoundChat:
        """Return a chat that is held under a claim. Its row begins with its version."""
        version, *columns = row

        def load() -> StoredChat:
            stored = stored_chat(columns)
            hold = stored.check if what is Held.CHECK else stored.message
            if hold is not None:
                self.claimed.append(ClaimedChat(stored, hold, version))
            return stored

        return FoundChat(columns[0], load)

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
