"""One transaction on the database."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from bot.ports import Backlog
from bot.store.postgres.claims import ChatClaims
from bot.store.postgres.payments import PaymentTable
from bot.store.postgres.pending import PendingTable

EXPIRED = (
    "DELETE FROM chats WHERE fleeting_until <= %(now)s",
    "DELETE FROM papers WHERE expires_at <= %(now)s",
    "DELETE FROM budgets WHERE full_at <= %(now)s",
    "DELETE FROM leases WHERE until <= %(now)s - interval '1 day'",
)

# A leased chat is due when its lease ends, so it counts again from then on only.
BACKLOG = """
    SELECT
        (SELECT min(check_due) FROM chats WHERE check_due <= %(now)s),
        (SELECT min(message_since) FROM chats WHERE message_due <= %(now)s AND message_since <= %(now)s),
        (SELECT coalesce(sum(waiting), 0) FROM chats WHERE waiting > 0 OR set_aside > 0),
        (SELECT coalesce(sum(set_aside), 0) FROM chats WHERE waiting > 0 OR set_aside > 0)
"""


class PostgresTransaction(ChatClaims, PaymentTable, PendingTable):
    """Implement :class:`bot.store.backend.Transaction`: what concerns the store as a whole, and all its parts."""

    backend_errors: tuple[type[Exception], ...] = (psycopg.Error,)

    async def sealed_secret(self) -> str | None:
        """Return the secret, locked, so that only one of several first starts makes it."""
        sealed: str | None = await self.value("SELECT fingerprint_secret FROM store FOR UPDATE")
        return sealed

    async def put_sealed_secret(self, sealed: str) -> None:
        await self.cursor.execute(
            "INSERT INTO store (fingerprint_secret) VALUES (%s) "
            "ON CONFLICT (only_row) DO UPDATE SET fingerprint_secret = excluded.fingerprint_secret",
            [sealed],
        )

    async def is_moving(self) -> bool:
        return bool(await self.value("SELECT EXISTS (SELECT FROM store WHERE moving)"))

    async def set_moving(self, moving: bool) -> None:  # noqa: FBT001  # what is set
        await self.cursor.execute(
            "INSERT INTO store (moving) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET moving = excluded.moving",
            [moving],
        )

    async def drop_expired(self, now: datetime) -> None:
        for statement in EXPIRED:
            await self.cursor.execute(statement, {"now": now})

    async def backlog(self, now: datetime) -> Backlog:
        [(check, message, waiting, dead_letters)] = await self.rows(BACKLOG, now=now)
        return Backlog(_utc(check), _utc(message), waiting, dead_letters)

    async def newest_wait(self) -> datetime | None:
        return _utc(await self.value("SELECT greatest(max(check_set_at), max(message_set_at)) FROM chats"))


def _utc(instant: datetime | None) -> datetime | None:
    """Return the same instant in UTC, whatever time zone the database gives it in."""
    return instant and instant.astimezone(UTC)
