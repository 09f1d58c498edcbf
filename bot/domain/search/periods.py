"""Periods of the calendar as people name them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

YEARS = range(1990, 2100)
"""A number of these is a year."""


@dataclass(frozen=True, slots=True)
class Span:
    """All days from the first to the last."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class EachYear:
    """The same months of every year, or the same day."""

    first: int
    last: int
    day: int | None = None

    def holds(self, day: date) -> bool:
        return self.first <= day.month <= self.last and self.day in {None, day.day}

    def of(self, year: int) -> Span | None:
        """Return the part in one year. None: that day does not exist then."""
        return months(year, self.first, self.last) if self.day is None else day_of(year, self.first, self.day)


Period = Span | EachYear


class Unit(StrEnum):
    """What "this" and "last" are said of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def day_of(year: int, month: int, day: int) -> Span | None:
    """Return a single day. None: there is none."""
    try:
        return Span(date(year, month, day), date(year, month, day))
    except ValueError:
        return None


def months(year: int, first: int, last: int) -> Span:
    """Return whole months of a year."""
    return Span(date(year, first, 1), _before(year + last // 12, last % 12 + 1))


def quarter(number: int) -> EachYear:
    """Return a quarter of every year. They count from 1."""
    return EachYear(number * 3 - 2, number * 3)


def relative(unit: Unit, back: int, today: date) -> Span:
    """Return the day, week, month, quarter or year of today, or the one ``back`` before it."""
    match unit:
        case Unit.DAY:
            day = today - timedelta(days=back)
            return Span(day, day)
        case Unit.WEEK:
            monday = today - timedelta(days=today.weekday() + 7 * back)
            return Span(monday, monday + timedelta(days=6))
        case Unit.MONTH:
            year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
            return months(year, month + 1, month + 1)
        case Unit.QUARTER:
            year, number = divmod(today.year * 4 + (today.month - 1) // 3 - back, 4)
            return months(year, number * 3 + 1, number * 3 + 3)
        case Unit.YEAR:
            return months(today.year - back, 1, 12)


def _before(year: int, month: int) -> date:
    return date(year, month, 1) - timedelta(days=1)
