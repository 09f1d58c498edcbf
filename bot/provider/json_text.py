"""JSON as it arrives, mended where a decoder would give up although all that matters can be read."""

from __future__ import annotations

import codecs
import re

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""They say how a text is encoded, and are no part of it."""

MAX_DEPTH = 64
"""How deep JSON may nest. An invoice nests four levels deep; what lies deeper is nothing that is read here."""

CROWD = 1024 * 1024
"""Bytes from which on JSON may be crowded. Less does no harm."""
BYTES_PER_COMMA = 8
"""Invoices have fewer commas. Each part that a decoder finds takes ten times the memory of its bytes, or more."""

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""A pair of surrogates, half a pair alone (this is the group), or any other escape."""

_NESTING = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]++|[\]}]++', re.DOTALL)
"""A text, or brackets in a row that all open or all close."""


def is_crowded(body: bytes) -> bool:
    """Return whether it has so many parts, and so small ones, that decoding it would take gigabytes."""
    return len(body) > CROWD and body.count(b",") * BYTES_PER_COMMA > len(body)


def readable(body: bytes) -> str:
    """Return the JSON with U+FFFD in place of each character cut in two, as UTF-8 or as an escaped surrogate."""
    mark = next((mark for mark in BYTE_ORDER_MARKS if body.startswith(mark)), b"")
    text = body[len(mark) :].decode(BYTE_ORDER_MARKS.get(mark, "utf-8"), errors="replace")
    if not _HALF.search(text):
        return text
    return _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], text)


def without_depths(text: str) -> str:
    """Return the JSON with null in place of everything that lies deeper than :data:`MAX_DEPTH`."""
    kept, begin, depth = [], 0, 0
    for found in _NESTING.finditer(text):
        brackets = found[0]
        if brackets[0] in "[{":
            if depth <= MAX_DEPTH < depth + len(brackets):
                kept += [text[begin : found.start() + MAX_DEPTH - depth], "null"]
            depth += len(brackets)
        elif brackets[0] in "]}":
            if depth - len(brackets) <= MAX_DEPTH < depth:
                begin = found.start() + depth - MAX_DEPTH
            depth -= len(brackets)
    return "".join([*kept, text[begin:]]) if depth <= MAX_DEPTH else ""
