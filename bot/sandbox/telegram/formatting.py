"""Formatted text: plain text and entities, measured in UTF-16 code units as Telegram does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_COMMAND = re.compile(r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")
_URL = re.compile(r"\bhttps?://[^\s<>\"]*[^\s<>\".,;:!?)\]']")
_LITERAL = frozenset({"code", "pre", "text_link"})


@dataclass(frozen=True, slots=True)
class Entity:
    """A formatted part of a text. ``offset`` and ``length`` are in UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None

    @property
    def end(self) -> int:
        return self.offset + self.length

    def as_json(self) -> dict[str, object]:
        fields: dict[str, object] = {"type": self.type, "offset": self.offset, "length": self.length}
        if self.url is not None:
            fields["url"] = self.url
        if self.language:
            fields["language"] = self.language
        return fields


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text and its entities, sorted by offset, the longer first."""

    text: str = ""
    entities: tuple[Entity, ...] = ()

    def __len__(self) -> int:
        return units(self.text)


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def slice_units(text: str, start: int, end: int) -> str:
    """Return the part of a text between two offsets in UTF-16 code units."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    return encoded[2 * start : 2 * end].decode("utf-16-le", "replace")


def trimmed(formatted: Formatted) -> Formatted:
    """Return the text as the server stores it: without white space at the ends. Entities are moved or dropped."""
    text = formatted.text.strip()
    lead = len(formatted.text) - len(formatted.text.lstrip())
    end = units(text)
    moved = []
    for entity in formatted.entities:
        first, last = max(entity.offset - lead, 0), min(entity.end - lead, end)
        if first < last:
            moved.append(replace(entity, offset=first, length=last - first))
    return Formatted(text, ordered(moved))


def with_found(formatted: Formatted) -> Formatted:
    """Add entities for the commands and URLs that the server detects. It detects none inside code and links."""
    taken = [entity for entity in formatted.entities if entity.type in _LITERAL]
    found = [
        entity
        for kind, pattern in (("url", _URL), ("bot_command", _COMMAND))
        for entity in _matches(kind, pattern, formatted.text)
        if not any(entity.offset < other.end and other.offset < entity.end for other in taken)
    ]
    return Formatted(formatted.text, ordered([*formatted.entities, *found]))


def ordered(entities: list[Entity]) -> tuple[Entity, ...]:
    return tuple(sorted(entities, key=lambda entity: (entity.offset, -entity.length)))


def _matches(kind: str, pattern: re.Pattern[str], text: str) -> list[Entity]:
    return [Entity(kind, units(text[: m.start()]), units(m.group())) for m in pattern.finditer(text)]
