"""Single values of the provider's JSON, read leniently: every trap of its data has its place here.

Each function takes whatever JSON can hold and gives None where the value is missing or makes no sense.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.invoices import CENT

PLAUSIBLE_YEARS = range(1990, 2200)
"""A year outside is no real date. Inference: ``-000001-11-29T23:06:32Z`` is a database's zero date, and means "never";
dates far ahead stand for "never" elsewhere."""

LARGEST_AMOUNT = Decimal(10**9)
"""A larger sum of money is a mistake, not an invoice."""

LONGEST_NUMBER = 40
"""Characters; longer ones aren't worth reading."""

LARGEST_ID = 2**63 - 1

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # all but the line feed


def instant(value: object, zone: ZoneInfo) -> datetime | None:
    """An instant, in UTC.

    Inference: a date-time without an offset is local to ``zone``, and a bare date is its first moment there.
    """
    if not isinstance(value, str) or not _DAY.match(value.strip()):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.year not in PLAUSIBLE_YEARS:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def day(value: object, zone: ZoneInfo) -> date | None:
    """A calendar day. The provider gives days as the instant of their midnight in ``zone``, or as a bare date."""
    moment = instant(value, zone)
    if moment is None:
        return None
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        return date.fromisoformat(value.strip())  # not by way of the instant: some zones' clocks skip a midnight
    return moment.astimezone(zone).date()


def number(raw: msgspec.Raw) -> Decimal | None:
    """A decimal number exactly as spelled: ``0``, ``7.95`` and ``"0.00"`` alike."""
    text = bytes(raw).strip().removeprefix(b'"').removesuffix(b'"').strip()
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        spelled = text.decode("ascii")
        return Decimal(spelled) if _NUMBER.fullmatch(spelled) else None
    except (UnicodeDecodeError, InvalidOperation):
        return None


def money(raw: msgspec.Raw) -> Decimal | None:
    """A sum of money, rounded to cents, half a cent away from zero."""
    amount = number(raw)
    if amount is None or not -LARGEST_AMOUNT <= amount <= LARGEST_AMOUNT:
        return None
    return amount.quantize(CENT, ROUND_HALF_UP) + 0  # which makes -0.00 0.00


def percentage(raw: msgspec.Raw) -> Decimal | None:
    """A rate in percent."""
    rate = number(raw)
    return rate if rate is not None and 0 <= rate <= 100 else None  # noqa: PLR2004  # percent


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
    """A text with plain line breaks and no other control characters; empty where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _CONTROL.sub("", str(value).replace("\r\n", "\n").replace("\t", " ")).strip()


def identity(value: object) -> int | None:
    """An id: a whole number above zero, that a database can hold, or its digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= LONGEST_NUMBER:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= LARGEST_ID else None
