"""The texts of all invoices, to look for words in."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cached_property

from bot.domain.invoices import Invoice
from bot.domain.search.spelling import spellings
from bot.domain.service_names import Service

IN_ONE_PIECE = 2000
"""So many blocks are searched in one step: more would hold up others."""

_LETTERS = re.compile(r"\w+")
_ENDS = re.compile("\0")
_NO_LETTERS = {code: " " for code in range(128) if not _LETTERS.match(chr(code))}

Numbers = frozenset[int]
"""Invoices, by their place in the list."""


class Part(IntEnum):
    """Where in a word of a text a word has to stand. The values are how many letters it needs at least."""

    WHOLE = 1
    BEGINNING = 3
    WITHIN = 4


class Texts:
    """What all invoices say, in blocks of lines. Most blocks stand in many invoices, and are searched once.

    An invoice also says the ``names`` that people gave to its services.
    """

    def __init__(self, invoices: Sequence[Invoice], names: Mapping[Service, str]) -> None:
        self._saying = defaultdict[str, list[int]](list)
        for number, invoice in enumerate(invoices):
            for item in invoice.items:
                # The first line most often repeats the title. What follows is often the same for all.
                first, _, rest = item.description.partition("\n")
                for block in {item.type, item.title, first, rest}:
                    self._saying[block].append(number)
                if names and (name := names.get(item.service) if item.service is not None else None):
                    self._saying[name].append(number)
        # Only blocks with umlauts have two spellings.
        self._blocks = sorted(self._saying, key=str.isascii)
        self._pieces = [
            _Piece(at, text)
            for at in range(0, len(self._blocks), IN_ONE_PIECE)
            for text in spellings(_joined(self._blocks[at : at + IN_ONE_PIECE]))
        ]

    def having(self, words: Iterable[str], part: Part) -> Numbers:
        """Return the invoices that say one of the words, wholly or as a part of a word."""
        patterns = [_pattern(word, part) for word in words]
        found = {number for pattern in patterns for piece in self._pieces for number in piece.having(pattern)}
        return frozenset().union(*(self._saying[self._blocks[number]] for number in found))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, split at every sign that is no letter and no digit."""
        return frozenset().union(*(_words(piece.text) for piece in self._pieces))


class _Piece:
    """Some blocks as one text, in one spelling. ``start`` is the number of the first one."""

    def __init__(self, start: int, text: str) -> None:
        self._start = start
        self.text = text

    @cached_property
    def _ends(self) -> list[int]:
        return [end.start() for end in _ENDS.finditer(self.text)]

    def having(self, pattern: re.Pattern[str]) -> Iterator[int]:
        """Yield the numbers of the blocks in which the pattern is found."""
        for match in pattern.finditer(self.text):
            yield self._start + bisect_right(self._ends, match.start())


def _joined(blocks: Sequence[str]) -> str:
    """Return the blocks with a NUL between each two, and nowhere else."""
    text = "\0".join(blocks)
    if text.count("\0") == len(blocks) - 1:
        return text
    return "\0".join(block.replace("\0", " ") for block in blocks)


def _words(text: str) -> Iterable[str]:
    return text.translate(_NO_LETTERS).split() if text.isascii() else _LETTERS.findall(text)


def _pattern(word: str, part: Part) -> re.Pattern[str]:
    """Return where a word stands. It comes first in the pattern, because that is searched for fast."""
    written = re.escape(word)
    begins = "" if part is Part.WITHIN else rf"(?<!\w{written})"
    ends = r"(?!\w)" if part is Part.WHOLE else ""
    return re.compile(written + begins + ends)
