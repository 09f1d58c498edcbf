"""Roles that one process holds, budgets that all share, and the backlog.

The promises are those of :class:`bot.ports.LeaseStore`, :class:`bot.ports.TokenBucketStore` and
:class:`bot.ports.BacklogStore`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.ports import Backlog, Lease
from bot.store.postgres.connections import Cursor
from bot.store.postgres.part import Part

TAKE_LEASE = """
    INSERT INTO leases AS held (name, holder, epoch, until) VALUES (%(name)s, %(holder)s, nextval('epochs'), %(until)s)
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder,
        until = excluded.until,
        epoch = CASE WHEN held.until > %(now)s THEN held.epoch ELSE excluded.epoch END
    WHERE held.until <= %(now)s AND NOT %(free_only)s OR held.holder = excluded.holder
    RETURNING epoch
"""

TAKE_BUDGET = """
    INSERT INTO budgets AS held (name, full_at) VALUES (%(name)s, %(now)s + %(one)s)
    ON CONFLICT (name) DO UPDATE SET full_at = greatest(%(now)s, held.full_at) + %(one)s
    WHERE greatest(%(now)s, held.full_at) + %(one)s <= %(now)s + %(all)s
"""

# What is leased is due when its lease ends, so it counts again from then on only.
BACKLOG = """
    SELECT
        (SELECT min(check_due) FROM chats WHERE check_due <= %(now)s),
        (SELECT min(message_since) FROM chats WHERE message_due <= %(now)s AND message_since <= %(now)s),
        (SELECT coalesce(sum(waiting), 0) FROM chats WHERE waiting > 0 OR set_aside > 0),
        (SELECT coalesce(sum(set_aside), 0) FROM chats WHERE waiting > 0 OR set_aside > 0)
"""


class PostgresSharing(Part):
    """Each method is one transaction. Instants are the caller's."""

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        until = now + duration
        values = {"name": name, "holder": holder, "now": now, "until": until, "free_only": free_only}

        async def take(cursor: Cursor) -> Lease | None:
            await cursor.execute(TAKE_LEASE, values)
            row = await cursor.fetchone()
            return None if row is None else Lease(name, row[0], until)

        return await self._db.run(take)

    async def give_back_lease(self, lease: Lease) -> bool:
        async def give_back(cursor: Cursor) -> bool:
            await cursor.execute("DELETE FROM leases WHERE name = %s AND epoch = %s", [lease.name, lease.fencing_token])
            return cursor.rowcount > 0

        return await self._db.run(give_back)

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int) -> float:
        one, everything = timedelta(seconds=1 / rate), timedelta(seconds=burst / rate)

        async def take(cursor: Cursor) -> float:
            await cursor.execute(TAKE_BUDGET, {"name": name, "now": now, "one": one, "all": everything})
            if cursor.rowcount:
                return 0.0
            await cursor.execute("SELECT full_at FROM budgets WHERE name = %s", [name])
            row = await cursor.fetchone()
            full_at = max(now, row[0] if row else now) + one
            return max(0.001, (full_at - now - everything).total_seconds())

        return await self._db.run(take)

    async def backlog(self, now: datetime) -> Backlog:
        async def read(cursor: Cursor) -> Backlog:
            await cursor.execute(BACKLOG, {"now": now})
            row = await cursor.fetchone()
            check, message, waiting, aside = row or (None, None, 0, 0)
            return Backlog(_utc(check), _utc(message), waiting, aside)

        return await self._db.run(read)


def _utc(instant: datetime | None) -> datetime | None:
    """The same instant, whatever time zone the database gives it in."""
    return instant and instant.astimezone(UTC)
