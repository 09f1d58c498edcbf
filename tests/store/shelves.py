"""The embedded store under test: the same data folder, opened again and again."""

from __future__ import annotations

from pathlib import Path

from bot.store.tinydb import TinyStore, open_store
from bot.store.vault import new_key
from tests.store.examples import NOW


class TinyShelf:
    """Opens the store in ``folder``. Nothing is written at closing, so a close is as bare as a crash."""

    def __init__(self, folder: Path, *keys: str) -> None:
        self.folder = folder
        self.keys = keys or (new_key(),)
        self.now = NOW
        self._store: TinyStore | None = None

    async def open(self) -> TinyStore:
        self._store = open_store(self.folder, self.keys, lambda: self.now)
        return self._store

    async def crash(self) -> None:
        if self._store is not None:
            await self._store.close()
