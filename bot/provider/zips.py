"""The directory of a ZIP: what is in it, name by name.

``zipfile`` reads a whole directory into memory at once. Within 50 MB that can be a million entries, which takes 400 MB
and many seconds.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_END = 22 + 65_535
"""Bytes of the record at the end, with the longest comment."""

END = struct.Struct("<4s8x2L2x")
"""The record at the end: its signature, the directory's length, and where it begins."""
END_64 = struct.Struct("<4s36x2Q4s16x")
"""What a large archive has before it: the same, and the signature of what points to this."""
ENTRY = struct.Struct("<4s24x3H12x")
"""An entry of the directory: its signature, and the lengths of the name and of two more fields."""


class NoDirectory(Exception):
    """The file has no directory that can be read."""


def names_in(content: BinaryIO) -> Iterator[bytes]:
    """Yield each name in the directory. A folder's name ends with a slash. Raise :class:`NoDirectory`."""
    position, end = _directory(content)
    while position < end:
        content.seek(position)
        signature, *lengths = _read(content, ENTRY)
        if signature != b"PK\x01\x02":
            raise NoDirectory
        yield content.read(lengths[0])
        position += ENTRY.size + sum(lengths)


def _directory(content: BinaryIO) -> tuple[int, int]:
    """Return where the directory begins and ends, whatever stands before the archive.

    If it begins earlier than it says, something is missing before it.
    """
    size = content.seek(0, os.SEEK_END)
    begin = content.seek(max(0, size - LONGEST_END))
    at = content.read().rfind(b"PK\x05\x06")
    if at < 0:
        raise NoDirectory
    end = content.seek(begin + at)
    _, length, told = _read(content, END)
    if end >= END_64.size:
        content.seek(end - END_64.size)
        signature, length_64, told_64, pointer = _read(content, END_64)
        if (signature, pointer) == (b"PK\x06\x06", b"PK\x06\x07"):
            length, told, end = length_64, told_64, end - END_64.size
    if length + told > end:
        raise NoDirectory
    return end - length, end


def _read(content: BinaryIO, form: struct.Struct) -> tuple[Any, ...]:
    read = content.read(form.size)
    if len(read) < form.size:
        raise NoDirectory
    return form.unpack(read)
