"""Dates of the provider's JSON, in every form that PHP and its libraries write without ambiguity.

Absent and unreadable are two things: a date that is there and can't be read may be the day on which a server is
switched off. So :func:`is_missing` tells the two apart.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

PLAUSIBLE_YEARS = range(1990, 2200)
"""A date outside these years is no real date."""

EPOCH = date(1970, 1, 1)

MAX_SPELLING_LENGTH = 64
"""Of a date. A longer one makes no sense, and must not fill the caches."""

CACHE_SIZE = 8192
"""Spellings in each cache: the same dates come again with every check."""

_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%d %b %y", "%d-%b-%Y", "%d-%b-%y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y.%m.%d",
)  # fmt: skip
"""How a day may be written. 05/11/2026 is not among them: nobody knows whether it is in May or in November."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?=[T ]|$)")
_TIME = re.compile(r"(?:^|[T ,]) ?(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?([AaPp][Mm])?(?![\d:])")
_WEEKDAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +", re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)?")
_ORDINAL = re.compile(r"\b(\d\d?)(?:st|nd|rd|th)(?: of)?\b")
_COMPACT_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
_COMPACT = re.compile(r"(\d{8})T?(\d{6}(?:Z|[+-]\d{4})?)")
_SECONDS = re.compile(r"@?(\d{9,11})(?:\.\d+)?|(\d{12,13})|(\d{15,16})")
"""Seconds, milliseconds or microseconds since 1970."""

_NEVER = re.compile(r"-\d.*|[0 .:/TZ+-]*(?:UTC|GMT)?|.*(?<!\d)-0{3,5}1(?!\d).*")
"""A year before Christ, or nothing but zeros: how PHP and databases write that there is no date.

Inference: ``-000001-11-29T23:06:32Z`` is such a zero date, and means "never".
"""


def day(value: object, zone: ZoneInfo) -> date | None:
    """Return a calendar day. The provider sends the instant of its midnight in ``zone``, or a bare date."""
    return _day_in(*_spelled(value), zone)


@lru_cache(CACHE_SIZE)
def _day_in(text: str, zone_name: str, zone: ZoneInfo) -> date | None:
    found = _read(text, zone_name, zone)
    if found is None or found.year not in PLAUSIBLE_YEARS:
        return None
    # A bare date is not read from its midnight: in some zones a midnight is skipped.
    return found.astimezone(zone).date() if isinstance(found, datetime) else found


def instant(value: object, zone: ZoneInfo) -> datetime | None:
    """Return an instant, in UTC.

    Inference: a date-time without an offset is local to ``zone``, and a bare date means its midnight there.
    """
    return _instant_in(*_spelled(value), zone)


@lru_cache(CACHE_SIZE)
def _instant_in(text: str, zone_name: str, zone: ZoneInfo) -> datetime | None:
    found = _read(text, zone_name, zone)
    if found is None or found.year not in PLAUSIBLE_YEARS:
        return None
    moment = found if isinstance(found, datetime) else datetime.combine(found, time(), zone)
    return moment.astimezone(UTC)


def is_missing(value: object, zone: ZoneInfo) -> bool:
    """Return whether no date was meant: nothing is there, or one of the known values for "never".

    Inference: besides a zero date these are the beginning of Unix time, and a date far ahead.
    """
    if not value or (isinstance(value, str) and not value.strip(" 0")):
        return True
    text, zone_name = _spelled(value)
    if text and _NEVER.fullmatch(text):
        return True
    found = _read(text, zone_name, zone)
    if found is None:
        return False
    is_epoch = abs(found.toordinal() - EPOCH.toordinal()) <= 1  # wherever it was midnight
    return is_epoch or found.year <= 1 or found.year >= PLAUSIBLE_YEARS.stop


def _spelled(value: object) -> tuple[str, str]:
    """Return a date's spelling, and the name of its zone if that stands beside it. Empty: no date has this form."""
    text, zone = (value, "") if isinstance(value, str) else _spelled_otherwise(value)
    if len(text) + len(zone) > MAX_SPELLING_LENGTH or not text.isascii():
        return "", ""
    return text.strip(), zone


def _spelled_otherwise(value: object) -> tuple[str, str]:
    """Return the spelling, and the name of the zone, of a date that is no text."""
    match value:
        case bool():
            return "", ""
        case int() | float():
            return f"{value:.0f}", ""
        case {"date": str(text), **others}:  # how PHP writes a DateTime
            return text, given if isinstance(given := others.get("timezone"), str) else ""
        case {"timestamp": int(seconds)}:  # how Carbon writes its fields
            return str(seconds), ""
    return "", ""


def _read(text: str, zone_name: str, zone: ZoneInfo) -> datetime | date | None:
    """Return an aware date-time, or a date if no time of day is given. It need not be plausible."""
    if _ISO.match(text) and not zone_name:  # the common case, and the fastest
        with suppress(ValueError):
            return _from_iso(text, zone)
    try:
        if seconds := _SECONDS.fullmatch(text):
            return _since_1970(*seconds.groups())
        if compact := _COMPACT.fullmatch(text):
            return _from_iso("T".join(compact.groups()), zone)
        clock = _TIME.search(text)
        if clock is None:
            return _day(text)
        return _moment(_day(text[: clock.start()]), clock, text[clock.end() :].strip(" ()") or zone_name, zone)
    except (ValueError, OverflowError, OSError):  # ZoneInfo also raises OSError
        return None


def _from_iso(text: str, zone: ZoneInfo) -> datetime | date:
    if len(text) == len("2026-11-26"):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _since_1970(seconds: str | None, millis: str | None, micros: str | None) -> datetime:
    since = timedelta(seconds=int(seconds or 0), milliseconds=int(millis or 0), microseconds=int(micros or 0))
    return datetime(1970, 1, 1, tzinfo=UTC) + since


def _day(text: str) -> date:
    """Return a day. Raise ValueError if it has no known form."""
    text = _ORDINAL.sub(r"\1", _WEEKDAY.sub("", text.strip(" ,"), count=1))
    if compact := _COMPACT_DAY.fullmatch(text):
        return date(*map(int, compact.groups()))
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    raise ValueError("no known form of a day")


def _moment(day: date, clock: re.Match[str], zone_name: str, zone: ZoneInfo) -> datetime:
    hour, minute, second, fraction, half = clock.groups()
    hours = int(hour) if half is None else int(hour) % 12 + (12 if half.casefold() == "pm" else 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    local = datetime(day.year, day.month, day.day, hours, int(minute), int(second or 0), micros)  # noqa: DTZ001  # below
    return local.replace(tzinfo=_zone(zone_name, local, zone))


def _zone(name: str, local: datetime, zone: ZoneInfo) -> tzinfo:
    """Return the zone of this name or offset; the provider's, if there is none. Raise ValueError if it is unknown."""
    if not name or name == local.replace(tzinfo=zone).tzname():
        return zone
    if name in {"Z", "z", "UTC", "GMT"}:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-span if sign == "-" else span)
    try:
        return ZoneInfo(name)
    except KeyError:
        raise ValueError("unknown zone") from None
