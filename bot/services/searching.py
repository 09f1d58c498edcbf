"""Search a chat's invoices by what somebody typed."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA


def similar(word: str, words: Iterable[str], typos: int) -> list[str]:
    """Return the nearest of these words, if they are at most so many typing errors away.

    A letter too much, a missing one, a wrong one, and two that are swapped are one error each.
    """
    near = process.extract_iter(word, words, scorer=OSA.distance, score_cutoff=typos)
    found = {choice: distance for choice, distance, _ in near}
    nearest = min(found.values(), default=0)
    return sorted(choice for choice, distance in found.items() if distance == nearest)
