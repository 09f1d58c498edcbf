"""What follows from a due date for one chat, whatever the time is: thresholds, warnings and last evenings.

A threshold says on which day a reminder comes, as the number of days before the due date; it is negative after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

DAYS_PER_WEEK = 7


class LastEvening(NamedTuple):
    """The early evening of a last day, and the midnight that ends it."""

    day: date
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class DueDays:
    """The days of a due date. Thresholds stand in ascending order, so the one that is reached last stands first.

    ``chosen`` are those of the chat's own rhythm and the ``warnings``, which are announced whatever was chosen.
    ``weekly_from`` is the last one of the rhythm: from there on, reminders come every week. One is only there
    ``for_transfer``: a transfer would soon be too late. ``evenings`` are those on which there is another warning. From
    ``lost_at`` on, a payment comes too late.
    """

    chosen: Sequence[int]
    weekly_from: int | None
    warnings: Sequence[int]
    for_transfer: int | None
    evenings: Sequence[LastEvening]
    lost_at: datetime

    def reached(self, days_left: int) -> int | None:
        """Return the latest threshold that is reached when so many days are left."""
        at = bisect_left(self.chosen, days_left)
        first = self.chosen[at] if at < len(self.chosen) else None
        if first is None or self.weekly_from is None or days_left > self.weekly_from:
            return first
        weeks = (self.weekly_from - days_left) // DAYS_PER_WEEK
        return min(first, self.weekly_from - weeks * DAYS_PER_WEEK)

    def next_after(self, threshold: int) -> int | None:
        """Return the next threshold that is reached after this one."""
        following = _next_after(self.chosen, threshold)
        if self.weekly_from is None:
            return following
        weeks = max(0, (self.weekly_from - threshold) // DAYS_PER_WEEK + 1)
        weekly = self.weekly_from - weeks * DAYS_PER_WEEK
        return weekly if following is None else max(following, weekly)

    def next_warning_after(self, threshold: int) -> int | None:
        """Return the next threshold after this one that is announced whatever was chosen."""
        return _next_after(self.warnings, threshold)


def _next_after(thresholds: Sequence[int], threshold: int) -> int | None:
    at = bisect_left(thresholds, threshold)
    return thresholds[at - 1] if at else None
