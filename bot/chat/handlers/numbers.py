"""Reading what people type behind a command."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import InvoiceNumberMissing

LONGEST = 18  # digits; more than any database's id has


def invoice_number(words: Sequence[str], command: str) -> int:
    """The invoice number in ``words``; ``#4711`` and ``No. 4711`` do as well. Raises :class:`InvoiceNumberMissing`."""
    for word in words:
        digits = word.strip("#.,;:")
        if digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST and int(digits) > 0:
            return int(digits)
    raise InvoiceNumberMissing(command)
