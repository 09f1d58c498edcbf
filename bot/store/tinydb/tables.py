"""TinyDB's tables as the text of a file.

A large file is read and written row by row, because the decoder gives no other thread a turn before it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from tinydb import TinyDB

from bot.offload import HEAVY_BYTES, HEAVY_COUNT

Tables = dict[str, dict[str, dict[str, Any]]]
"""TinyDB's layout: table name → document id → document."""

_tables = msgspec.json.Decoder(Tables)


class _Row(msgspec.Struct):
    """A row whose fields nobody wants to know."""


_raw_tables = msgspec.json.Decoder(dict[str, msgspec.Raw])
_table = msgspec.json.Decoder(dict[str, dict[str, Any]])
_rows = msgspec.json.Decoder(dict[str, _Row])
_tables_of_raw_rows = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]])
_row = msgspec.json.Decoder(dict[str, Any])


def decoded(content: bytes, without: str = "") -> Tables:
    """Return the tables in a file. Raise :class:`msgspec.DecodeError`, or :class:`UnicodeDecodeError`.

    One of them can be left empty. Damage in it is found nevertheless.
    """
    if without:
        content.decode()  # fields that are passed over may hold bytes that are no text
        tables = _raw_tables.decode(content)
        _rows.decode(tables.pop(without, b"{}"))
        return {name: _table.decode(rows) for name, rows in tables.items()}
    if len(content) <= HEAVY_BYTES:
        return _tables.decode(content)
    raw = _tables_of_raw_rows.decode(content)
    return {name: {number: _row.decode(row) for number, row in rows.items()} for name, rows in raw.items()}


def encoded(tables: Mapping[str, Mapping[str, Any]] | None) -> bytes:
    """Return the content of a file with these tables."""
    if tables is None or sum(map(len, tables.values())) <= HEAVY_COUNT:
        return msgspec.json.encode(tables)
    return _object(
        {name: _object({n: msgspec.json.encode(row) for n, row in rows.items()}) for name, rows in tables.items()}
    )


def _object(values: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in values.items()) + b"}"


def rows_in(database: TinyDB, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return a table's rows as they are stored, by their numbers."""
    return (database.storage.read() or {}).get(name, {})


def replace_rows(
    database: TinyDB, name: str, rows: Mapping[int, Any], before: Mapping[int, Any] = MappingProxyType({})
) -> None:
    """Put rows into a table in the place of those that are there. One that is as ``before`` stays as it is stored.

    This goes to TinyDB's storage, since its tables would copy all rows of a chat because one has changed.
    """
    tables, stored = database.storage.read() or {}, rows_in(database, name)
    numbers = ((str(number), number, row) for number, row in rows.items())
    tables[name] = {
        spelled: stored[spelled] if spelled in stored and before.get(number) == row else msgspec.to_builtins(row)
        for spelled, number, row in numbers
    }
    database.storage.write(tables)
