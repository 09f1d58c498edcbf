"""Topping up: where, by which bank transfer, and with which reference. All of it is the operator's or the person's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from bot.domain.credit import Coverage, Credit, Debt, coverage
from bot.domain.invoices import CENT

REFERENCE_LENGTH = 140
"""How long the text of a SEPA transfer can be (EPC069-12, unstructured remittance information)."""
NAME_LENGTH = 70
"""How long the name of a payee can be there."""

_NO_TEXT = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "So", "Sk", "Zl", "Zp"})
"""Unicode's categories of signs that no bank carries: controls, pictures, and what has no meaning."""


@dataclass(frozen=True, slots=True)
class Payee:
    """Who gets a bank transfer. ``iban`` is without blanks."""

    iban: str
    name: str

    @property
    def written_iban(self) -> str:
        """The IBAN as people write it, in groups of four."""
        return " ".join(self.iban[at : at + 4] for at in range(0, len(self.iban), 4))


@dataclass(frozen=True, slots=True)
class TopUpWays:
    """How credit can be topped up, as far as the operator has set it: on a ``page``, by a transfer to the ``payee``."""

    page: str = ""
    payee: Payee | None = None


@dataclass(frozen=True, slots=True)
class TopUpSubject:
    """What credit is missing for: one invoice, with ``earlier`` also all that is due until then, or all open ones.

    As text it stands in callback data: ``4711``, ``4711:earlier`` or ``all``.
    """

    invoice_id: int | None = None
    earlier: bool = False

    def __str__(self) -> str:
        if self.invoice_id is None:
            return "all"
        return f"{self.invoice_id}:earlier" if self.earlier else str(self.invoice_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what :meth:`__str__` wrote. Raise ValueError for anything else."""
        if text == "all":
            return cls()
        number, _, more = text.partition(":")
        if not (number.isascii() and number.isdecimal()) or more not in {"", "earlier"}:
            raise ValueError(text)
        return cls(int(number), bool(more))

    def chosen(self, debts: Iterable[Debt]) -> list[Debt]:
        """Return which of these open invoices it is about. None, if the one that it names is not among them."""
        every = list(debts)
        if self.invoice_id is None:
            return every
        named = [one for one in every if one.id == self.invoice_id]
        if not named or not self.earlier:
            return named
        last = named[0].due or date.max
        return [one for one in every if (one.due or date.max) <= last]


@dataclass(frozen=True, slots=True)
class Needed:
    """What there is and what is to be paid. ``credit`` None: it can't be read. ``debts`` None: not all can be read."""

    credit: Credit | None
    debts: tuple[Debt, ...] | None

    def amount(self, currency: str) -> Decimal | None:
        """Return what is to be topped up: what the credit lacks, or all that is to be paid if nobody knows the credit.

        None: the invoices' own figures don't tell.
        """
        if self.debts is None:
            return None
        if covers := self._covered(currency):
            return _in_cents(covers.short)
        known = [debt.left for debt in self.debts if debt.left is not None]
        return _in_cents(sum(known, start=Decimal(0))) if len(known) == len(self.debts) else None

    def is_whole_sum(self, currency: str) -> bool:
        """Return whether the amount is all that is to be paid, since nobody knows what the credit covers."""
        return bool(self.debts) and self._covered(currency) is None

    def _covered(self, currency: str) -> Coverage | None:
        return coverage(self.credit, self.debts or (), currency)


def _in_cents(amount: Decimal) -> Decimal:
    """Round a sum as people read it: nobody can transfer less than a cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def as_reference(text: str) -> str:
    """Return what a person wrote as the reference of a transfer, on one line."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_plain(reference: str) -> bool:
    """Return whether banks carry every sign of it. An empty one says nothing."""
    return bool(reference) and not any(unicodedata.category(sign) in _NO_TEXT for sign in reference)
