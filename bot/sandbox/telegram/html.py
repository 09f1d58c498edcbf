"""Telegram's HTML dialect: a few nested tags, and four named character references.

https://core.telegram.org/bots/api#html-style. The parser refuses what the server refuses, in the same words, with
the offset in bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.sandbox.telegram.errors import ApiError, bad_request
from bot.sandbox.telegram.formatting import Entity, Formatted, ordered, units

_ENTITY_OF_TAG = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "",
}  # fmt: skip
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,8})|#[xX]([0-9a-fA-F]{1,6}));?")
_PLAIN = re.compile(r"[^<&]+")
_NAME = re.compile(r"[^\s>]*")
_SPACE = re.compile(r"\s*")
_ATTRIBUTE_NAME = re.compile(r"[^\s=>]*")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_WORD = re.compile(r"[A-Za-z0-9.-]*")
_LARGEST_CHARACTER = 0x10FFFF
_LANGUAGE = "language-"


def parse_html(html: str) -> Formatted:
    """Parse ``html``. Raise :class:`ApiError` if the server would refuse it."""
    return _Parser(html).parse()


@dataclass
class _Open:
    """A tag whose end tag is still to come."""

    tag: str
    start: int
    attributes: dict[str, str] = field(default_factory=dict)


class _Parser:
    def __init__(self, html: str) -> None:
        self._html = html
        self._at = 0
        self._parts: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def parse(self) -> Formatted:
        while self._at < len(self._html):
            if self._html.startswith("</", self._at):
                self._end_tag()
            elif self._html[self._at] == "<":
                self._start_tag()
            elif self._html[self._at] == "&":
                self._reference()
            else:
                self._text(self._take(_PLAIN))
        if self._open:
            raise _refused(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return Formatted("".join(self._parts), ordered(self._entities))

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._html, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _text(self, text: str) -> None:
        self._parts.append(text)
        self._length += units(text)

    def _reference(self) -> None:
        """Read a character reference. An invalid one remains plain text."""
        match = _REFERENCE.match(self._html, self._at)
        character = _character(match) if match else ""
        if match and character:
            self._at = match.end()
            self._text(character)
        else:
            self._at += 1
            self._text("&")

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        tag = self._take(_NAME).lower()
        if self._at >= len(self._html):
            raise self._error("Unclosed start tag", begin)
        if tag not in _ENTITY_OF_TAG:
            raise self._error(f'Unsupported start tag "{tag}"', begin)
        attributes = self._attributes(tag, begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self._error('Tag "span" must have class "tg-spoiler"', begin)
        self._open.append(_Open(tag, self._length, attributes))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        while True:
            self._take(_SPACE)
            if self._at >= len(self._html):
                raise self._error("Unclosed start tag", begin)
            if self._html[self._at] == ">":
                self._at += 1
                return attributes
            name = self._take(_ATTRIBUTE_NAME).lower()
            if not name:
                raise self._error(f'Empty attribute name in the tag "{tag}"', begin)
            attributes[name] = self._value(tag, begin)

    def _value(self, tag: str, begin: int) -> str:
        self._take(_SPACE)
        has_value = self._html.startswith("=", self._at)
        if has_value:
            self._at += 1
            self._take(_SPACE)
        if self._at >= len(self._html):
            raise self._error(f'Unclosed start tag "{tag}"', begin)
        if not has_value:
            return ""
        if self._html[self._at] not in "'\"":
            return self._word()
        match = _QUOTED.match(self._html, self._at)
        if match is None:
            raise self._error("Unclosed start tag", begin)
        self._at = match.end()
        return _REFERENCE.sub(lambda found: _character(found) or found.group(), match.group(match.lastindex or 0))

    def _word(self) -> str:
        """Read a value without quotes. A space or the end of the tag follows it."""
        begin = self._at
        word = self._take(_WORD).lower()
        if not self._html[self._at : self._at + 1].isspace() and not self._html.startswith(">", self._at):
            raise self._error("Unexpected end of name token", begin)
        return word

    def _end_tag(self) -> None:
        begin = self._at
        self._at += len("</")
        tag = self._take(_NAME).lower()
        self._take(_SPACE)
        if not self._html.startswith(">", self._at):
            raise self._error("Unclosed end tag", begin)
        self._at += 1
        if not self._open:
            raise self._error("Unexpected end tag", begin)
        opened = self._open.pop()
        if tag and tag != opened.tag:
            raise self._error(f'Unmatched end tag, expected "</{opened.tag}>", found "</{tag}>"', begin)
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        if opened.start == self._length or not _ENTITY_OF_TAG[opened.tag]:
            return
        outer = next((tag for tag in self._open if tag.tag in {"pre", "code"}), None)
        if outer is not None:
            # Nothing is formatted inside code. `<pre><code class="language-…">` sets the language of the whole block.
            if opened.tag == "code" and outer.tag == "pre" and outer.start == opened.start:
                outer.attributes.update(opened.attributes)
            return
        entity = self._entity(opened)
        if entity is not None:
            # The server lists an outer tag first if it covers the same text.
            self._entities.insert(0, entity)

    def _entity(self, opened: _Open) -> Entity | None:
        kind, length = _ENTITY_OF_TAG[opened.tag], self._length - opened.start
        if kind == "text_link":
            url = opened.attributes.get("href", "")
            return Entity(kind, opened.start, length, url=url) if url else None
        if kind == "blockquote" and "expandable" in opened.attributes:
            kind = "expandable_blockquote"
        language = opened.attributes.get("class", "").removeprefix(_LANGUAGE) if kind == "pre" else None
        return Entity(kind, opened.start, length, language=language)

    def _error(self, text: str, begin: int) -> ApiError:
        offset = len(self._html[:begin].encode("utf-8", "surrogatepass"))
        place = f" at byte offset {offset}"
        head, comma, tail = text.partition(", ")
        return _refused(head + place + comma + tail)


def _character(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        return _CHARACTERS[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code <= _LARGEST_CHARACTER and not 0xD800 <= code <= 0xDFFF else ""  # noqa: PLR2004  # surrogates


def _refused(text: str) -> ApiError:
    return bad_request(f"can't parse entities: {text}")
