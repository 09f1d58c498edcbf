"""A database without a bot on it as an :class:`bot.store.move.Archive`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.housekeeping import is_moving, running
from bot.store.postgres.keys import open_secret, put_sealed_secret, sealed_secret
from bot.store.postgres.rows import COLUMNS, PAYMENT, insert_chats, insert_payments, stored_of
from bot.store.postgres.store import migrate_when_there
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.vault import Vault


class PostgresArchive:
    """What :func:`open_database` gives."""

    name = "the database"

    def __init__(self, connections: Connections, vault: Vault) -> None:
        self._db = connections
        self._vault = vault

    async def is_running(self) -> bool:
        return await self._db.run(running) > 0

    async def is_empty(self) -> bool:
        return await self._db.run(sealed_secret) is None

    async def is_moving(self) -> bool:
        return await self._db.run(is_moving)

    async def set_moving(self, moving: bool) -> None:  # noqa: FBT001  # what is set
        statement = (
            "INSERT INTO store (moving) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET moving = excluded.moving"
        )
        await self._db.run(lambda cursor: cursor.execute(statement, [moving]))

    async def sealed_secret(self) -> str | None:
        sealed = await self._db.run(sealed_secret)
        if sealed is not None:
            await self._db.run(lambda cursor: open_secret(cursor, self._vault))  # whether the keys are the right ones
        return sealed

    async def put_sealed_secret(self, sealed: str) -> None:
        await self._db.run(lambda cursor: put_sealed_secret(cursor, sealed))

    async def chat_ids(self) -> list[int]:
        async def read(cursor: Cursor) -> list[int]:
            await cursor.execute("SELECT id FROM chats ORDER BY id")
            return [row[0] for row in await cursor.fetchall()]

        return await self._db.run(read)

    async def chats(self, chat_ids: Sequence[int]) -> list[ChatRecord]:
        async def read(cursor: Cursor) -> list[ChatRecord]:
            await cursor.execute(f"SELECT {COLUMNS} FROM chats WHERE id = ANY(%s) ORDER BY id", [list(chat_ids)])
            return [stored_of(row).record for row in await cursor.fetchall()]

        return await self._db.run(read)

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        async def put(cursor: Cursor) -> None:
            await cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [[record.id for record in records]])
            await insert_chats(cursor, records)

        await self._db.run(put)

    async def delete_chats(self, chat_ids: Sequence[int]) -> None:
        await self._db.run(lambda cursor: cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [list(chat_ids)]))

    async def accounts(self) -> list[str]:
        async def read(cursor: Cursor) -> list[str]:
            await cursor.execute("SELECT DISTINCT account FROM payments")
            return sorted(row[0] for row in await cursor.fetchall())

        return await self._db.run(read)

    async def payments(self, accounts: Sequence[str]) -> dict[str, list[PaymentRow]]:
        async def read(cursor: Cursor) -> dict[str, list[PaymentRow]]:
            await cursor.execute(
                "SELECT account, payment FROM payments WHERE account = ANY(%s) ORDER BY number", [list(accounts)]
            )
            found: dict[str, list[PaymentRow]] = {}
            for account, payment in await cursor.fetchall():
                found.setdefault(account, []).append(PAYMENT.decode(payment))
            return found

        return await self._db.run(read)

    async def put_payments(self, payments: Mapping[str, Sequence[PaymentRow]]) -> None:
        async def put(cursor: Cursor) -> None:
            await cursor.execute("DELETE FROM payments WHERE account = ANY(%s)", [list(payments)])
            await insert_payments(cursor, [row for rows in payments.values() for row in rows])

        await self._db.run(put)


@asynccontextmanager
async def open_database(url: str, vault: Vault, connections: int, timeout: float) -> AsyncIterator[PostgresArchive]:
    """Bring the schema up to date, and see the database as a whole; one that is away is waited for."""
    await migrate_when_there(url)
    pool = Connections(url, connections, timeout)
    await pool.open()
    try:
        yield PostgresArchive(pool, vault)
    finally:
        await pool.close()
