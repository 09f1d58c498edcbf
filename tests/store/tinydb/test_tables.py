"""The text of a file is the same whether it is read and written in one step or row by row."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, strategies as st

from bot.offload import HEAVY_COUNT
from bot.store.tinydb import tables

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


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": 1}', b'{"a": {"1": 2}}', b'{"a": {"1": {}}', b'{"a": {"1": {"b":"\xff"}}}']
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        tables.decoded(content)
