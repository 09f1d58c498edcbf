"""TinyDB on crash-safe files: what one transaction changes, in however many tables and files, is one write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document

from bot.store.tinydb.files import DamagedFile, DataFolder

Tables = dict[str, dict[str, dict[str, Any]]]
"""TinyDB's layout: table name → document id → document."""


class FileStorage(Storage):
    """TinyDB's view of one file within a transaction: read once when first needed, written by the commit."""

    def __init__(self, folder: DataFolder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._before: Tables | None = None
        self._tables: Tables | None = None
        self._loaded = False

    def read(self) -> Tables | None:
        """Return the tables as this transaction sees them. None: the file does not exist."""
        if not self._loaded:
            content = self._folder.read(self._name)
            self._tables = None if content is None else self._decode(content)
            self._before = None if self._tables is None else dict(self._tables)  # TinyDB replaces whole tables
            self._loaded = True
        return self._tables

    def write(self, data: Tables) -> None:
        """Keep the tables for the commit."""
        self._tables = data

    def changed(self) -> bytes | None:
        """Return the file's new content. None: it is as it was."""
        return None if self._tables == self._before else msgspec.json.encode(self._tables)

    def _decode(self, content: bytes) -> Tables:
        try:
            return msgspec.json.decode(content, type=Tables)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedFile(self._folder.root / self._name, str(error)) from error


class FileTransaction:
    """Files that are read and changed together. Nothing reaches the disk before :meth:`commit`."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._databases: dict[str, TinyDB] = {}
        self._deleted: set[str] = set()

    @property
    def names(self) -> set[str]:
        """The files that this transaction has to do with."""
        return self._databases.keys() | self._deleted

    def open(self, name: str) -> TinyDB:
        """Return the file as a database. A missing file is an empty database."""
        database = self._databases.get(name)
        if database is None:
            database = self._databases[name] = TinyDB(self._folder, name, storage=FileStorage)
        return database

    def delete(self, name: str) -> None:
        """Delete the file, whatever else this transaction did to it."""
        self._deleted.add(name)

    def commit(self) -> None:
        """Make all changes at once. Where nothing changed, nothing is written."""
        changes: dict[str, bytes | None] = {}
        for name, database in self._databases.items():
            content = database.storage.changed()  # type: ignore[attr-defined]  # it is a FileStorage
            if content is not None and name not in self._deleted:
                changes[name] = content
        changes |= dict.fromkeys(sorted(self._deleted))
        if changes:
            self._folder.apply(changes)


def replace_rows(database: TinyDB, name: str, rows: Mapping[int, Any]) -> None:
    """Put rows into a table in the place of those that are there. Without rows the table is empty."""
    table = database.table(name)
    table.truncate()
    if rows:
        table.insert_multiple(Document(msgspec.to_builtins(row), number) for number, row in rows.items())
