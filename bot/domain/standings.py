"""How an invoice stands: what the provider's statuses mean. Only three words for a closed invoice mean something.

Of any other nobody knows whether it is still to be paid: a debt collector's invoice is closed at the provider, too.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Standing(StrEnum):
    """How an invoice stands: open, or why not. ``gone``: asked for this invoice, the provider no longer has it.

    ``closed``: it is no longer open, and nobody knows why. Whether it is still to be paid is not known either.
    ``credit_note``: its sum is in the customer's favour, and no status says what became of it.
    """

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    CLOSED = "closed"
    CREDIT_NOTE = "credit_note"
    GONE = "gone"


STATUSES_KEPT = 64
"""Of how many statuses is remembered what they mean: a provider has few, and each invoice has one."""

UNPAID = "unpaid"
"""The status of an open invoice, in any letter case. If ``is_open`` is missing, it alone means "open"."""

_MEANINGS = {
    UNPAID: Standing.OPEN,
    "paid": Standing.PAID,
    "cancelled": Standing.CANCELLED,
    "canceled": Standing.CANCELLED,
    "refunded": Standing.REFUNDED,
}

_NOT_PAID = frozenset(
    {UNPAID, "draft", "overdue", "pending", "payment pending", "collections", "inkasso", "chargeback", "disputed"}
)
"""Statuses of closed invoices that are not paid, even if they bear a date of payment from earlier days."""


@lru_cache(STATUSES_KEPT)
def standing_of(status: str, *, is_open: bool, has_paid_date: bool) -> Standing:
    """Return how an invoice stands. ``is_open`` alone decides whether it is open.

    A closed one that bears a date of payment counts as paid, unless its status says something else.
    """
    if is_open:
        return Standing.OPEN
    word = status.casefold()
    meaning = _MEANINGS.get(word, Standing.CLOSED)
    if meaning is Standing.CLOSED and has_paid_date and word not in _NOT_PAID:
        return Standing.PAID
    return Standing.CLOSED if meaning is Standing.OPEN else meaning


@lru_cache(STATUSES_KEPT)
def is_plain(status: str, standing: Standing) -> bool:
    """Return whether a status says just that, so that people need not see the provider's own word for it."""
    return _MEANINGS.get(status.casefold()) is standing
