"""Single values of the provider's JSON, read leniently: all traps of its data are handled here.

Each function takes whatever JSON can hold. It returns None if the value is missing or makes no sense.
"""

from __future__ import annotations

import html
import re
import unicodedata
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

import msgspec

from bot.domain.invoices import CENT

MAX_AMOUNT = Decimal(10**9)
"""A larger sum is a mistake, not an invoice."""

MAX_SPELLING_LENGTH = 400
"""Of a number. PHP can write all the digits that a binary number has; a longer text must not fill the caches."""

MEANT_DIGITS = Context(prec=15)
"""The digits of a binary number that were surely meant: 7.950000000000000177635683940025046467781066894531 is 7.95."""

FINEST = Decimal("0.000001")
"""A sum keeps its digits down to this one. Beyond, they come from a binary number that was calculated with."""

MAX_ID = 2**63 - 1

MAX_TEXT_LENGTH = 20_000
"""Characters of a text that are kept. A message shows a fraction of that."""

BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
"""As PHP reads them from texts."""

CACHE_SIZE = 8192
"""Spellings in each cache: the same sums come again with every check."""

_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""A character as HTML writes it: ``&amp;``, ``&uuml;``, ``&#39;``. Without a semicolon it may be part of an address."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+")
"""What PHP's ``number_format`` makes. With a comma alone nobody knows what it separates."""


def money(raw: msgspec.Raw) -> Decimal | None:
    """Return a sum of money in any spelling (``0``, ``7.95``, ``"0.00"``), with at least two decimals, or as given."""
    return _money(_short(raw))


@lru_cache(CACHE_SIZE)
def _money(spelled: bytes) -> Decimal | None:
    amount = _number(spelled)
    if amount is None or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        return None
    exact = amount.quantize(FINEST, ROUND_HALF_UP).normalize() + 0  # turns -0 into 0
    to_cents = exact.quantize(CENT, ROUND_HALF_UP)
    return to_cents if to_cents == exact else exact


def percentage(raw: msgspec.Raw) -> Decimal | None:
    """Return a rate in percent, from 0 to 100."""
    return _percentage(_short(raw))


@lru_cache(CACHE_SIZE)
def _percentage(spelled: bytes) -> Decimal | None:
    rate = _number(spelled)
    return rate if rate is not None and 0 <= rate <= 100 else None  # noqa: PLR2004  # percent


def _short(raw: msgspec.Raw) -> bytes:
    spelled = bytes(raw)
    return spelled if len(spelled) <= MAX_SPELLING_LENGTH else b""


@lru_cache(CACHE_SIZE)
def _number(spelled: bytes) -> Decimal | None:
    """Return the decimal number as spelled, to 15 digits. A binary float in between would round it elsewhere."""
    text = spelled.strip().removeprefix(b'"').removesuffix(b'"').strip()
    try:
        digits = text.decode("ascii")
        digits = digits.replace(",", "") if _GROUPED.fullmatch(digits) else digits
        return MEANT_DIGITS.create_decimal(digits) if _NUMBER.fullmatch(digits) else None
    except (UnicodeDecodeError, ArithmeticError):
        return None


def truth(value: object) -> bool | None:
    """Return a boolean from any spelling that PHP's JSON uses for one."""
    if isinstance(value, str):
        return BOOLEANS.get(value.strip().casefold())
    return value == 1 if value in (0, 1) else None


def text(value: object) -> str:
    """Return a text with plain line breaks, or an empty one if nothing visible is left.

    Providers keep texts as HTML would write them, so ``&amp;`` is ``&``. That is undone once: who wrote ``&amp;amp;``
    meant ``&amp;``.

    All other characters of Unicode's category C are removed: control characters, invisible ones, and those that reverse
    the reading direction.
    """
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    plain = value[:MAX_TEXT_LENGTH]
    if "&" in plain:
        plain = _REFERENCE.sub(lambda found: html.unescape(found[0]), plain)
    if not plain.isprintable() and not plain.replace("\n", "").isprintable():
        lines = plain.replace("\r\n", "\n").replace("\t", " ").split("\n")
        plain = "\n".join(line if line.isprintable() else _visible(line) for line in lines)
    return plain.strip()


def _visible(line: str) -> str:
    return "".join(character for character in line if not unicodedata.category(character).startswith("C"))


def identity(value: object) -> int | None:
    """Return an id: a whole number above zero that fits a database's bigint. Its digits may be a text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_SPELLING_LENGTH:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= MAX_ID else None


def media_type(content_type: str) -> str:
    """Return a ``Content-Type`` header without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().casefold()
