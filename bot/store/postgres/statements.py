"""Statements on the database, within one transaction. What each part of the store is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.store.postgres.connections import Cursor


class Statements:
    """Run statements on a cursor, whose transaction somebody else begins and ends."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    async def rows(self, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        await self.cursor.execute(statement.encode(), named or values)
        return await self.cursor.fetchall()

    async def value(self, statement: str, *values: object) -> Any:
        """Return the first column of the first row. None: there is no row."""
        rows = await self.rows(statement, *values)
        return rows[0][0] if rows else None

    async def insert(self, table: str, rows: Sequence[dict[str, Any]], on_conflict: str = "") -> None:
        """Insert rows. Those that are there already stay, unless ``on_conflict`` says something else."""
        if rows:
            names, values = ", ".join(rows[0]), ", ".join(f"%({name})s" for name in rows[0])
            statement = f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT {on_conflict or 'DO NOTHING'}"
            await self.cursor.executemany(statement.encode(), rows)
