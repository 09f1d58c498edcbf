"""Links that open the bot at an invoice, in a mail for example: ``https://t.me/NAME_OF_THE_BOT?start=inv_300001``."""

from __future__ import annotations

import re

_TO_INVOICE = re.compile(r"inv_([1-9][0-9]{0,17})")


def invoice_linked(word: str) -> int | None:
    """Return the invoice that the word behind ``start=`` leads to. None: it leads to none."""
    found = _TO_INVOICE.fullmatch(word)
    return int(found[1]) if found else None
