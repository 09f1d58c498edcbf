"""Single values of the provider's JSON, read leniently: every trap of its data has its place here.

Each function takes whatever JSON can hold and gives None where the value is missing or makes no sense.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.invoices import CENT

PLAUSIBLE_YEARS = range(1990, 2200)
"""A year outside is no real date. Inference: ``-000001-11-29T23:06:32Z`` is a database's zero date, and means "never";
dates far ahead stand for "never" elsewhere."""

MAX_AMOUNT = Decimal(10**9)
"""A larger sum of money is a mistake, not an invoice."""

MAX_SPELLING_LENGTH = 40
"""Characters of a number or a date; longer ones aren't worth reading, let alone remembering."""

MAX_ID = 2**63 - 1

CACHE_SIZE = 8192
"""Spellings whose meaning is remembered: the same dates and sums come again with every check."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def instant(value: object, zone: ZoneInfo) -> datetime | None:
    """An instant, in UTC.

    Inference: a date-time without an offset is local to ``zone``, and a bare date is its first moment there.
    """
    return _instant(value.strip(), zone) if isinstance(value, str) and len(value) <= MAX_SPELLING_LENGTH else None


@lru_cache(CACHE_SIZE)
def _instant(spelled: str, zone: ZoneInfo) -> datetime | None:
    if not _DAY.match(spelled):
        return None
    try:
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        return None
    if moment.year not in PLAUSIBLE_YEARS:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def day(value: object, zone: ZoneInfo) -> date | None:
    """A calendar day. The provider gives days as the instant of their midnight in ``zone``, or as a bare date."""
    return _day(value.strip(), zone) if isinstance(value, str) and len(value) <= MAX_SPELLING_LENGTH else None


@lru_cache(CACHE_SIZE)
def _day(spelled: str, zone: ZoneInfo) -> date | None:
    moment = _instant(spelled, zone)
    if moment is None:
        return None
    if _DAY.fullmatch(spelled):
        return date.fromisoformat(spelled)  # not by way of the instant: some zones' clocks skip a midnight
    return moment.astimezone(zone).date()


def money(raw: msgspec.Raw) -> Decimal | None:
    """A sum of money, rounded to cents, half a cent away from zero; in any spelling: ``0``, ``7.95``, ``"0.00"``."""
    return _money(_short(raw))


@lru_cache(CACHE_SIZE)
def _money(spelled: bytes) -> Decimal | None:
    amount = _number(spelled)
    if amount is None or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        return None
    return amount.quantize(CENT, ROUND_HALF_UP) + 0  # which makes -0.00 0.00


def percentage(raw: msgspec.Raw) -> Decimal | None:
    """A rate in percent."""
    rate = _number(_short(raw))
    return rate if rate is not None and 0 <= rate <= 100 else None  # noqa: PLR2004  # percent


def _short(raw: msgspec.Raw) -> bytes:
    spelled = bytes(raw)
    return spelled if len(spelled) <= MAX_SPELLING_LENGTH else b""


@lru_cache(CACHE_SIZE)
def _number(spelled: bytes) -> Decimal | None:
    """The decimal number exactly as spelled, never by way of a binary one."""
    text = spelled.strip().removeprefix(b'"').removesuffix(b'"').strip()
    try:
        digits = text.decode("ascii")
        return Decimal(digits) if _NUMBER.fullmatch(digits) else None
    except (UnicodeDecodeError, InvalidOperation):
        return None


def truth(value: object) -> bool | None:
    """A yes or no in any of the spellings that JSON from PHP comes in."""
    match value:
        case bool():
            return value
        case 1 | "1" | "true":
            return True
        case 0 | "0" | "false":
            return False
        case _:
            return None


def text(value: object) -> str:
    """A text with plain line breaks; empty where there is nothing to be seen.

    All else of Unicode's category C goes: control characters, and those that are invisible or turn what follows around.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    plain = str(value)
    if not plain.isprintable():
        lines = plain.replace("\r\n", "\n").replace("\t", " ").split("\n")
        plain = "\n".join(line if line.isprintable() else _visible(line) for line in lines)
    return plain.strip()


def _visible(line: str) -> str:
    return "".join(character for character in line if not unicodedata.category(character).startswith("C"))


def identity(value: object) -> int | None:
    """An id: a whole number above zero, that a database can hold, or its digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_SPELLING_LENGTH:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= MAX_ID else None
