"""Open the stores under test. An opener can open the same stored data again and again."""

from __future__ import annotations

from pathlib import Path

from bot.store.postgres.opening import open_store as open_postgres
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.examples import NOW


class TinyOpener:
    """Opens the store in ``folder``. Closing writes nothing, so it has the same effect as a crash."""

    def __init__(self, folder: Path, *keys: str) -> None:
        self.folder = folder
        self.keys = keys or (new_key(),)
        self.now = NOW
        self._store: Store | None = None

    async def open(self) -> Store:
        self._store = open_store(self.folder, self.keys, lambda: self.now)
        return self._store

    async def crash(self) -> None:
        if self._store is not None:
            await self._store.close()


class PostgresOpener:
    """Opens the store in the database at ``url``. Each open store acts as one more process on the database."""

    def __init__(self, url: str, *keys: str) -> None:
        self.url = url
        self.keys = keys or (new_key(),)
        self.now = NOW
        self._stores: list[Store] = []

    async def open(self) -> Store:
        store = await open_postgres(self.url, self.keys, connections=4, timeout=5, clock=lambda: self.now)
        self._stores.append(store)
        return store

    async def crash(self) -> None:
        """Close all open stores. Closing gives no lease back, so all leases stay valid."""
        for store in self._stores:
            await store.close()
        self._stores.clear()
