"""The text of a file is the same whether it is read and written in one step or row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st
from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from bot.offload import HEAVY_COUNT
from bot.store.tinydb import tables


@dataclass(frozen=True)
class Line:
    text: str


LINES = st.builds(Line, st.sampled_from("abc"))
documents = st.dictionaries(st.text(max_size=5), st.none() | st.integers(-9, 9) | st.text(max_size=5), max_size=3)
layouts = st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), documents, max_size=4), max_size=3)


@pytest.fixture(params=[True, False], ids=["row by row", "in one step"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(tables, "HEAVY_BYTES", -1)
        monkeypatch.setattr(tables, "HEAVY_COUNT", -1)


@given(layouts)
def test_a_row_by_row_text_is_that_of_one_step(layout: tables.Tables) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "HEAVY_COUNT", -1)
        assert tables.encoded(layout) == msgspec.json.encode(layout)
        patched.setattr(tables, "HEAVY_BYTES", -1)
        assert tables.decoded(tables.encoded(layout)) == layout


def test_a_large_file_comes_back_as_it_was() -> None:
    layout: tables.Tables = {"known": {str(n): {"id": n, "title": "Größe " * 50} for n in range(HEAVY_COUNT + 1)}}
    assert tables.decoded(tables.encoded(layout)) == layout


@given(layouts, st.sampled_from(["known", "chat", "nowhere"]))
def test_a_file_can_be_read_without_a_table(layout: tables.Tables, left_out: str) -> None:
    layout |= {"known": {"1": {"id": 1}}, "chat": {}}
    others = {name: rows for name, rows in layout.items() if name != left_out}
    assert tables.decoded(tables.encoded(layout), left_out) == others


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("left_out", ["", "a", "b"])
@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": 1}', b'{"a": {"1": 2}}', b'{"a": {"1": {}}', b'{"a": {"1": {"b":"\xff"}}}']
)
def test_a_damaged_file_is_refused(content: bytes, left_out: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        tables.decoded(content, left_out)


@given(layouts, st.data())
def test_damage_is_found_in_the_table_that_is_left_out_just_as_well(layout: tables.Tables, data: st.DataObject) -> None:
    content = bytearray(tables.encoded(layout | {"known": {"1": {"id": 1, "title": "Größe"}}}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert is_readable(bytes(content), "") == is_readable(bytes(content), "known")


def is_readable(content: bytes, left_out: str) -> bool:
    try:
        tables.decoded(content, left_out)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


@given(st.dictionaries(st.integers(1, 6), LINES), st.dictionaries(st.integers(1, 6), LINES))
def test_rows_that_are_as_before_stay_as_they_are_stored(before: dict[int, Line], after: dict[int, Line]) -> None:
    def table(*written: dict[int, Line], known: bool) -> Mapping[str, Mapping[str, Any]]:
        database = TinyDB(storage=MemoryStorage)
        for old, rows in zip(({}, *written), written, strict=False):
            tables.replace_rows(database, "lines", rows, old if known else {})
        return tables.rows_in(database, "lines")

    assert table(before, after, known=True) == table(after, known=False)


def test_fields_of_a_newer_version_stay_in_rows_that_do_not_change() -> None:
    database = TinyDB(storage=MemoryStorage)
    stored = {"text": "a", "added later": 1}
    database.storage.write({"lines": {"1": stored, "2": {"text": "b"}}})
    tables.replace_rows(database, "lines", {1: Line("a"), 2: Line("c")}, {1: Line("a"), 2: Line("b")})
    assert tables.rows_in(database, "lines") == {"1": stored, "2": {"text": "c"}}


def test_what_is_written_row_by_row_is_read_by_tinydb_itself() -> None:
    database = TinyDB(storage=MemoryStorage)
    tables.replace_rows(database, "lines", {7: Line("a")})
    assert [(each.doc_id, dict(each)) for each in database.table("lines").all()] == [(7, {"text": "a"})]
    tables.replace_rows(database, "lines", {})
    assert database.table("lines").all() == []
