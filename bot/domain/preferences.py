"""What a chat has chosen for its reminders: which, when, how loud."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FARTHEST_DAY = 365
"""How many days before or after a due date a reminder may come at most."""


class Loudness(StrEnum):
    """Which messages ring: those about invoices that are due or overdue, all, or none."""

    URGENT = "urgent"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one full hour of the wall clock until another. They go over midnight if ``start`` is the later one.

    The two differ, so every day has at least one hour that is not quiet.
    """

    start: int
    end: int

    def __contains__(self, hour: int) -> bool:
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


@dataclass(frozen=True, slots=True)
class Preferences:
    """A chat's choices.

    Reminders come on the days ``before`` the due date and on the days ``after`` it, and every week from the last of
    those on. They come at the full ``hour`` of the chat's wall clock. ``zone`` is an IANA name; None is the provider's
    time zone. ``digest``: a summary every week. ``pdf_after_payment``: the document once an invoice was paid here.
    """

    before: tuple[int, ...] = (7, 3, 1, 0)
    after: tuple[int, ...] = (1, 3, 7)
    hour: int = 9
    quiet: QuietHours | None = QuietHours(22, 8)
    zone: str | None = None
    loudness: Loudness = Loudness.URGENT
    digest: bool = False
    pdf_after_payment: bool = False

    @property
    def reminder_hour(self) -> int:
        """The hour of reminders: the chosen one, or the last one before the quiet hours if it lies in their evening."""
        quiet = self.quiet
        if quiet is not None and quiet.start > quiet.end and self.hour >= quiet.start:
            return quiet.start - 1
        return self.hour
