"""Accounts of which nothing is to be told until something changes: a check need only see that nothing has.

A check that gets the very bytes of the last answer would find what that one found. If that was nothing new, there is
nothing to do, as long as nothing else changes: the chat (then the store forgets this), the settings (``rules``), or
what follows from the time (``until``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.credit import CreditWatch


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """How the provider answered for a list: the hashes of its pages, and the queries of all but the first."""

    hashes: tuple[bytes, ...]
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What a check saw.

    Before ``until``, a check that sees the same has nothing to note. None: it may have, as one check alone does not
    show that. ``look`` is when there will be something to tell even so, if ever. ``credit`` is what was known of the
    credit, to be read again while something ``is_owed``. ``rules`` is a mark of the settings.
    """

    answer: ListAnswer
    until: datetime | None
    look: datetime | None
    credit: CreditWatch
    is_owed: bool
    rules: str

    def spares(self, since: datetime, now: datetime, rules: str) -> bool:
        """Return whether a check that begins ``now`` need only see whether something has changed.

        ``since`` is when the last check ended. A clock that was put back since then proves nothing.
        """
        return self.until is not None and since <= now < self.until and self.rules == rules
