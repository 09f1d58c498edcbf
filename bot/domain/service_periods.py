"""The period of service that an item is for, as its text names it: "(27.12.2022 - 26.12.2023)".

Providers name the period's last day or the day after it. Where a text names several periods, or one that can't be read
for sure, it names none. The forms are those that billing systems can be set to.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.invoices import Item

DAY = timedelta(days=1)

YEARS = range(1970, 2200)
"""Years in which a period can lie. Others stand for "always" or are a mistake."""

_NAMES = (
    ("january", "jan", "januar", "jänner"),
    ("february", "feb", "februar"),
    ("march", "mar", "märz", "mär", "mrz"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "jun", "juni"),
    ("july", "jul", "juli"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oct", "oktober", "okt"),
    ("november", "nov"),
    ("december", "dec", "dezember", "dez"),
)
_MONTHS: Mapping[str, int] = {name: number for number, names in enumerate(_NAMES, start=1) for name in names}

_DASH = r"\s*(?:-|–|—|bis|to)\s*"
_WORD = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY, _MONTH, _YEAR = r"(?P<d{0}>\d{{1,2}})", r"(?P<m{0}>\d{{1,2}})", r"(?P<y{0}>\d{{4}})"


def _form(*days: str) -> re.Pattern[str]:
    first, last = (day.format(number) for number, day in zip((1, 2), (days[0], days[-1]), strict=True))
    return re.compile(rf"(?<![\d.]){first}{_DASH}{last}(?!\d)", re.IGNORECASE)


_FORMS = (
    _form(rf"{_DAY}\.{_MONTH}\.{_YEAR}"),
    _form(rf"{_DAY}\.{_MONTH}\.", rf"{_DAY}\.{_MONTH}\.{_YEAR}"),
    _form(rf"{_YEAR}-{_MONTH}-{_DAY}"),
    _form(rf"{_YEAR}/{_MONTH}/{_DAY}"),
    _form(rf"{_DAY}/{_MONTH}/{_YEAR}"),
    _form(rf"{_DAY}-{_MONTH}-{_YEAR}"),
    _form(rf"{_DAY}\.?\s+(?P<m{{0}}>{_WORD})\.?\s+{_YEAR}"),
)
_SLASHES = _FORMS[4]
"""The only form whose order differs between countries: day first, or month first."""

_WHOLE_MONTH = re.compile(rf"(?<![\w.])(?<!\d\s)(?P<m>{_WORD})\.?\s+(?P<y>\d{{4}})(?!\d)", re.IGNORECASE)


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
    found = set(_periods_in(text)) or set(_whole_months_in(text))
    return found.pop() if len(found) == 1 else None


def without_period(title: str) -> str:
    """Return a title without the period that it names: what is the same each time."""
    for form in (*_FORMS, _WHOLE_MONTH):
        # What stands before it is looked at from its beginning only: else a long row of signs would take minutes.
        title = re.sub(rf"(?<![-–,\s])[-–,\s]*\(?(?:{form.pattern})\)?", "", title, flags=re.IGNORECASE)
    return title.strip()


def _periods_in(text: str) -> Iterator[Period | None]:
    for form in _FORMS:
        for found in form.finditer(text):
            parts = found.groupdict()
            year, last_year = parts.get("y1") or parts["y2"], parts["y2"]
            first, last = (year, parts["m1"], parts["d1"]), (last_year, parts["m2"], parts["d2"])
            readings = {_period(first, last)}
            if form is _SLASHES:
                readings.add(_period(_turned(first), _turned(last)))
            yield _likeliest(readings - {None})


def _turned(day: tuple[str, str, str]) -> tuple[str, str, str]:
    """Return a day with its month before its day, as it is written in the United States."""
    return day[0], day[2], day[1]


def _likeliest(readings: set[Period | None]) -> Period | None:
    """Return the only reading, or the only one that is whole months long. None: that is in doubt."""
    sound = [each for each in readings if each is not None]
    whole = [each for each in sound if each.length[0] == "months"]
    return next((found[0] for found in (sound, whole) if len(found) == 1), None)


def _period(first: tuple[str, str, str], last: tuple[str, str, str]) -> Period | None:
    try:
        start, end = (date(int(year), _month(month), int(day)) for year, month, day in (first, last))
    except ValueError:
        return None
    return Period(start, end) if start < end and start.year in YEARS and end.year in YEARS else None


def _month(word: str) -> int:
    return _MONTHS.get(word.casefold()) or int(word)


def _whole_months_in(text: str) -> Iterator[Period | None]:
    for found in _WHOLE_MONTH.finditer(text):
        year, month = int(found["y"]), _month(found["m"])
        if year in YEARS:
            yield Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
