"""E-invoices: the XML in or instead of a PDF, what was checked of it, and where it differs from the provider's list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from bot.domain.invoices import CENT, Invoice


class Check(StrEnum):
    """What comparing the XML with the schema of its form has shown. Rules beyond the schema are never checked.

    ``unchecked``: there is no schema for it here. ``unreadable``: it is no XML that can be read safely.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "unchecked"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class EInvoice:
    """The XML of an invoice. ``form`` is its standard's name, such as "ZUGFeRD (EN 16931)"; empty: it can't be told.

    ``number``, ``total`` and ``tax`` are what it says; empty or None: nothing that can be read. A ``credit_note`` has
    its sums without a sign. ``embedded``: it is within a PDF, else it comes in its place.
    """

    form: str
    check: Check
    number: str = ""
    total: Decimal | None = None
    tax: Decimal | None = None
    credit_note: bool = False
    embedded: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the XML says something else than the provider's list: ``what`` is ``number``, ``total`` or ``tax``."""

    what: str
    in_xml: str | Decimal
    in_list: int | Decimal


def differences(einvoice: EInvoice, invoice: Invoice) -> Iterator[Difference]:
    """Yield where an e-invoice and the provider's list differ. What one of them does not say never differs."""
    numbers = {int(digits) for digits in re.findall(r"\d{1,19}", einvoice.number)}
    if einvoice.number and invoice.id not in numbers:
        yield Difference("number", einvoice.number, invoice.id)
    for what, in_xml, in_list in (
        ("total", einvoice.total, invoice.gross),
        ("tax", einvoice.tax, invoice.tax),
    ):
        if in_xml is None or in_list is None:
            continue
        signed = -abs(in_xml) if einvoice.credit_note and invoice.is_credit_note else in_xml
        if _to_cent(signed) != _to_cent(in_list):
            yield Difference(what, signed, in_list)


def _to_cent(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
