"""The names in a ZIP's directory are those that the standard library finds, and cost no memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from itertools import islice

import pytest
from hypothesis import given, strategies as st

from bot.provider.zips import NoDirectory, names_in

NAMES = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=20), max_size=5)


def archive(names: list[str], comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for name in names:
            bundle.writestr(zipfile.ZipInfo(name), b"content")
        bundle.comment = comment
    return file.getvalue()


def large(content: bytes) -> bytes:
    """Return the archive with the records that large ones have, and that some programs always write."""
    at = content.rfind(b"PK\x05\x06")
    count, length, begin = struct.unpack("<10xHLL", content[at : at + 20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, begin)
    pointer = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:at] + record + pointer + end


COMMENTS = st.binary(max_size=30).filter(lambda comment: b"PK" not in comment)
"""The standard library itself takes a signature in a comment for the archive's end."""


@given(NAMES, COMMENTS, st.binary(max_size=100), st.booleans())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_names_are_those_of_the_standard_library(
    names: list[str], comment: bytes, before: bytes, big: bool
) -> None:
    content = archive(names, comment)
    content = before + (large(content) if big else content)
    expected = [info.orig_filename for info in zipfile.ZipFile(io.BytesIO(content)).infolist()]
    assert [name.decode() for name in names_in(io.BytesIO(content))] == expected


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_any_bytes_have_names_or_no_directory(junk: bytes, begin: int, length: int) -> None:
    content = archive(["a.pdf", "b/"])
    changed = content[:begin] + junk + content[begin + length :]
    try:
        names = list(names_in(io.BytesIO(changed)))
    except NoDirectory:
        return
    assert all(isinstance(name, bytes) for name in names)


def test_a_million_entries_take_no_memory() -> None:
    count = 1_000_000
    entry = struct.pack("<4s24x3H12x", b"PK\x01\x02", 1, 0, 0) + b"/"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, count * len(entry), 0, 0)
    content = io.BytesIO(entry * count + end)
    tracemalloc.start()
    assert list(islice(names_in(content), 3)) == [b"/"] * 3
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1024 * 1024
