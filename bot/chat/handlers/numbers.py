"""Reading an invoice's number as people type it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import InvoiceNumberMissing

MAX_DIGITS = 18
"""More than any id in a database has."""


def invoice_number(words: Sequence[str], command: str) -> int:
    """Return the number in ``words``, also from ``#4711`` or ``No. 4711``. Raise :class:`InvoiceNumberMissing`."""
    for word in words:
        digits = word.strip("#.,;:")
        if digits.isascii() and digits.isdecimal() and len(digits) <= MAX_DIGITS and int(digits) > 0:
            return int(digits)
    raise InvoiceNumberMissing(command)
