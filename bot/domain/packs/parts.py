"""Where a pack is cut into parts: between months, and within a month only if that alone is too large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

MEGABYTE = 1024 * 1024
PART_LIMIT = 49 * MEGABYTE
"""Bytes of documents in a part. Telegram takes 50 MB: the rest is for tables and the directory."""
FOR_DIRECTORY = 1024
"""Bytes that an entry may take beside its content: twice its name, which is bounded, and its headers."""


@dataclass(frozen=True, slots=True)
class Held:
    """A document that waits for its part: the number of its invoice, its month, and its size in bytes."""

    number: int
    month: date
    size: int

    @property
    def room(self) -> int:
        """Bytes that it takes in a part."""
        return self.size + FOR_DIRECTORY


def fits_alone(size: int, limit: int = PART_LIMIT) -> bool:
    """Return whether a document of this size fits into a part at all."""
    return size + FOR_DIRECTORY <= limit


def cut(held: Sequence[Held], new: Held, limit: int = PART_LIMIT) -> int:
    """Return how many of the first ones that are ``held`` become a part, so that there is room for a ``new`` one.

    Documents come month by month. 0: there is room. If the month of the new one is not all that is held, the months
    before it become a part. Ask again until there is room.
    """
    if sum(each.room for each in held) + new.room <= limit:
        return 0
    before = sum(each.month != new.month for each in held)
    return before or len(held)
