"""The period of service that an item is for, as its text names it: "(27.12.2022 - 26.12.2023)".

Providers name the period's last day or the day after it. Where a text names several periods, or one that can't be read
for sure, it names none.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.invoices import Item

DAY = timedelta(days=1)

YEARS = range(1970, 2200)
"""Years in which a period can lie. Others stand for "always" or are a mistake."""

_DAY = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_ISO_DAY = r"(\d{4})-(\d{1,2})-(\d{1,2})"
_DASH = r"\s*(?:-|–|—|bis|to)\s*"
_PERIODS = (re.compile(rf"(?<!\d){_DAY}{_DASH}{_DAY}(?!\d)"), re.compile(rf"(?<!\d){_ISO_DAY}{_DASH}{_ISO_DAY}(?!\d)"))


@dataclass(frozen=True, slots=True)
class Period:
    """What is paid for: from one day until another, as the provider wrote it."""

    start: date
    end: date

    @property
    def length(self) -> tuple[str, int]:
        """How long it is: so many calendar months, or else so many days."""
        months, _ = self._measured
        return ("days", (self.end - self.start).days) if months is None else ("months", months)

    @property
    def next_start(self) -> date:
        """The day after its last one: where the next period begins."""
        return self._measured[1]

    @property
    def last_day(self) -> date:
        """Its last day, whether the provider names that or the day after it."""
        return self.next_start - DAY

    @property
    def following(self) -> Period:
        """The next period, as long as this one and written in the same way."""
        months, start = self._measured
        if months is None:
            return Period(start, start + (self.end - self.start))
        after = _months_later(start, months, max(self.start.day, start.day))
        return Period(start, after - (start - self.end))

    @property
    def _measured(self) -> tuple[int | None, date]:
        """Its calendar months, if it has just so many, and where the next one begins.

        What ends on the same day of the month is preferred to what ends on another month's last day.
        """
        next_starts = (self.end + DAY, self.end)
        for is_aligned in (_is_same_day, _is_cut_short):
            for following in next_starts:
                months = (following.year - self.start.year) * 12 + following.month - self.start.month
                if months and is_aligned(self.start, following):
                    return months, following
        return None, next_starts[0]


def _is_same_day(start: date, end: date) -> bool:
    return start.day == end.day


def _is_cut_short(start: date, end: date) -> bool:
    """Return whether one of two days is a month's last one because that month is shorter than the other."""
    return (_is_last_of_month(start) and end.day > start.day) or (_is_last_of_month(end) and start.day > end.day)


def _months_later(day: date, months: int, wanted: int) -> date:
    """Return the day ``wanted`` of a later month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(wanted, calendar.monthrange(year, month + 1)[1]))


def _is_last_of_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def period_of(item: Item) -> Period | None:
    """Return the period that an item is for. None: its title and its description don't tell."""
    return period_in(item.title) or period_in(item.description)


def period_in(text: str) -> Period | None:
    """Return the period that stands in a text. None: there is none, or there are several."""
    found = set(_periods_in(text))
    return found.pop() if len(found) == 1 else None


def _periods_in(text: str) -> Iterator[Period | None]:
    for form, is_iso in zip(_PERIODS, (False, True), strict=True):
        for groups in form.findall(text):
            numbers = [int(group) for group in groups]
            first, last = numbers[:3], numbers[3:]
            try:
                start, end = (date(*(each if is_iso else each[::-1])) for each in (first, last))
            except ValueError:
                yield None
            else:
                yield Period(start, end) if start < end and start.year in YEARS and end.year in YEARS else None


def without_period(title: str) -> str:
    """Return a title without the period that it names: what is the same each time."""
    for form in _PERIODS:
        title = re.sub(rf"[-–,\s]*\(?(?:{form.pattern})\)?", "", title)
    return title.strip()
