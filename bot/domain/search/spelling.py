"""Words as they are compared: without case and accents, and with umlauts in either spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

Similar = Callable[[str, Iterable[str], int], list[str]]
"""Return those of the words that are so many typing errors away from a word, at most; only the nearest ones."""

_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa"})
_DIGITS = re.compile(r"\D+")

FIRST_TYPO, SECOND_TYPO = 5, 9
"""From how many letters on a word may have one typing error, and two. Shorter words would become others."""


def plain(text: str) -> str:
    """Return a text without case and accents: ``größe`` and ``Große`` are both ``grosse``."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", folded)).translate({0xF8: "o", 0xE6: "ae"})


def spelt_out(text: str) -> str:
    """Return a text without case and accents, and with its umlauts in two letters: ``größe`` is ``groesse``."""
    if text.isascii():
        return text.lower()
    return plain(unicodedata.normalize("NFKC", text).casefold().translate(_SPELT_OUT))


def spellings(text: str) -> tuple[str, ...]:
    """Return both, or the one if they are alike."""
    return tuple(dict.fromkeys((plain(text), spelt_out(text))))


def typos_allowed(word: str) -> int:
    """Return how many typing errors a word of this length may have."""
    return (len(word) >= FIRST_TYPO) + (len(word) >= SECOND_TYPO)


def meant(word: str, words: Collection[str], similar: Similar) -> list[str]:
    """Return the words that somebody may have meant. Digits are never a typing error: ``web1`` is not ``web2``."""
    allowed = typos_allowed(word)
    if not allowed:
        return []
    digits, lengths = _DIGITS.sub("", word), range(len(word) - allowed, len(word) + allowed + 1)
    alike = [one for one in words if len(one) in lengths and _DIGITS.sub("", one) == digits]
    return similar(word, alike, allowed)
