"""TinyDB on crash-safe files: what one transaction changes, in however many tables and files, is one write."""

from __future__ import annotations

from typing import Any

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage

from bot.store.tinydb.files import DamagedFile, DataFolder

Tables = dict[str, dict[str, dict[str, Any]]]
"""TinyDB's layout: table name → document id → document."""


class FileStorage(Storage):
    """TinyDB's view of one file within a transaction: read once when first needed, written by the commit."""

    def __init__(self, folder: DataFolder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._content: bytes | None = None
        self._tables: Tables | None = None
        self._loaded = False
        self._written = False

    def read(self) -> Tables | None:
        """The tables as this transaction sees them, or None for a file that does not exist."""
        if not self._loaded:
            self._content = self._folder.read(self._name)
            self._tables = None if self._content is None else self._decode(self._content)
            self._loaded = True
        return self._tables

    def write(self, data: Tables) -> None:
        """Keep the tables for the commit."""
        self._tables = data
        self._written = True

    def changed(self) -> bytes | None:
        """The file's new content, or None where it holds the same already."""
        if not self._written or (self._content is not None and self._decode(self._content) == self._tables):
            return None
        return msgspec.json.encode(self._tables)

    def _decode(self, content: bytes) -> Tables:
        try:
            return msgspec.json.decode(content, type=Tables)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedFile(self._folder.root / self._name, str(error)) from error


class Transaction:
    """Files that are read and changed together. Nothing reaches the disk before :meth:`commit`."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._storages: dict[str, FileStorage] = {}
        self._deleted: set[str] = set()

    @property
    def names(self) -> set[str]:
        """The files that this transaction has to do with."""
        return self._storages.keys() | self._deleted

    def open(self, name: str) -> TinyDB:
        """The file as a database; a missing one is an empty database."""
        database = TinyDB(self._folder, name, storage=FileStorage)
        if name in self._storages:
            raise ValueError(f"{name} is open already in this transaction")
        storage = database.storage
        assert isinstance(storage, FileStorage)  # noqa: S101  # we have just said so
        self._storages[name] = storage
        return database

    def delete(self, name: str) -> None:
        """Delete the file, whatever else this transaction did to it."""
        self._deleted.add(name)

    def commit(self) -> None:
        """Make all changes at once; no change, no write."""
        changes: dict[str, bytes | None] = {}
        for name, storage in self._storages.items():
            content = storage.changed()
            if content is not None and name not in self._deleted:
                changes[name] = content
        changes |= dict.fromkeys(sorted(self._deleted))
        if changes:
            self._folder.apply(changes)
