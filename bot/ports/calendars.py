"""What a calendar's file is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """An entry that lasts a whole day, wherever its reader is.

    ``alarms`` are counted from the day's beginning. ``cancelled``: an earlier file held it, and it is no more.
    ``url`` leads to what it is about.
    """

    uid: str
    day: date
    summary: str
    sequence: int
    changed_at: datetime
    description: str = ""
    alarms: tuple[timedelta, ...] = ()
    cancelled: bool = False
    url: str = ""


WriteCalendar = Callable[[str, Sequence[CalendarEvent]], bytes]
"""Write a calendar of this name. It takes long: call it in a thread."""
