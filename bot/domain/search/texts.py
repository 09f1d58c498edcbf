"""The texts of all invoices, to look for words in."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cached_property

from bot.domain.invoices import Invoice
from bot.domain.search.spelling import spellings

IN_ONE_PIECE = 2000
"""So many lines are searched in one step: more would hold up others."""

_LETTERS = re.compile(r"\w+")
_ENDS = re.compile("\n")

Numbers = frozenset[int]
"""Invoices, by their place in the list."""


class Part(IntEnum):
    """Where in a word of a text a word has to stand. The values are how many letters it needs at least."""

    WHOLE = 1
    BEGINNING = 3
    WITHIN = 4


class Texts:
    """What all invoices say, line by line. Most lines stand in many invoices, and are searched once."""

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        self._saying = defaultdict[str, list[int]](list)
        for number, invoice in enumerate(invoices):
            for item in invoice.items:
                for line in f"{item.type}\n{item.title}\n{item.description}".splitlines():
                    self._saying[line].append(number)
        # Only lines with umlauts have two spellings.
        lines = sorted(self._saying, key=str.isascii)
        self._lines = lines
        self._pieces = [
            (at, text)
            for at in range(0, len(lines), IN_ONE_PIECE)
            for text in spellings("\n".join(lines[at : at + IN_ONE_PIECE]))
        ]

    def having(self, words: Iterable[str], part: Part) -> Numbers:
        """Return the invoices that say one of the words, wholly or as a part of a word."""
        found = set[int]()
        for pattern in [_pattern(word, part) for word in words]:
            for start, text in self._pieces:
                ends: list[int] = []
                for match in pattern.finditer(text):
                    ends = ends or [end.start() for end in _ENDS.finditer(text)]
                    found.add(start + bisect_right(ends, match.start()))
        return frozenset().union(*(self._saying[self._lines[line]] for line in found))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, split at every sign that is no letter and no digit."""
        return frozenset().union(*(_LETTERS.findall(text) for _, text in self._pieces))


def _pattern(word: str, part: Part) -> re.Pattern[str]:
    """Return where a word stands. It comes first in the pattern, because that is searched for fast."""
    written = re.escape(word)
    begins = "" if part is Part.WITHIN else rf"(?<!\w{written})"
    ends = r"(?!\w)" if part is Part.WHOLE else ""
    return re.compile(written + begins + ends)
