"""The credit on an account, as far as its token may read it, and what it covers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

ASK_AGAIN_AFTER = timedelta(days=1)
"""After this time a token that could not read the credit is tried once more: its permissions may have changed."""

FRESH_FOR = timedelta(minutes=1)
"""For a person who looks, credit that was read so lately is not read again."""


WATCH_CLOSELY_FOR = timedelta(hours=1)
CLOSELY = timedelta(minutes=1)
"""How long, and how often, an account is read after somebody wished to hear when the credit suffices."""


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount of credit. ``currency`` is the provider's code, or empty if it names none."""

    amount: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class CreditWatch:
    """What is known of an account's credit. ``credit`` is None until it could be read.

    ``asked_at`` is when the provider was last asked, and ``read_at`` when it last said how much there is. ``denied``:
    it said that this token may not read it.
    """

    credit: Credit | None = None
    asked_at: datetime | None = None
    denied: bool = False
    read_at: datetime | None = None

    def is_due(self, now: datetime, every: timedelta) -> bool:
        """Return whether to ask the provider: ``every`` so often, or rarely once it has denied it.

        If somebody waits for the answer (``every`` is 0), ask in any case: a token may be refused in passing.
        """
        if self.asked_at is None or not every:
            return True
        return not timedelta(0) <= now - self.asked_at < (ASK_AGAIN_AFTER if self.denied else every)

    def says_as(self, other: CreditWatch) -> bool:
        """Return whether both say the same, be it at other times."""
        return (self.credit, self.denied) == (other.credit, other.denied)

    def read(self, credit: Credit, now: datetime) -> CreditWatch:
        return CreditWatch(credit, now, read_at=now)

    def denied_at(self, now: datetime) -> CreditWatch:
        """Forget what was read: it would grow old without a word."""
        return CreditWatch(None, now, denied=True)

    def outdated(self) -> CreditWatch:
        """Let it be read again as soon as somebody needs it. It was not denied, so it can be."""
        return self if self.denied else replace(self, asked_at=None)

    def failed_at(self, now: datetime) -> CreditWatch:
        """Keep what is known: an outage says nothing about the credit."""
        return replace(self, asked_at=now)


@dataclass(frozen=True, slots=True)
class CreditWish:
    """Somebody wants to hear when the credit suffices for an invoice."""

    invoice_id: int
    since: datetime


def watches_closely(wishes: Iterable[CreditWish], now: datetime) -> bool:
    """Return whether the account is to be read every :data:`CLOSELY`: a wish is not old yet."""
    return any(timedelta(0) <= now - wish.since < WATCH_CLOSELY_FOR for wish in wishes)


class Debt(NamedTuple):
    """An open invoice. ``left`` is what is left to pay, or None if its own figures don't tell."""

    id: int
    due: date | None
    left: Decimal | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an amount of credit covers of some open invoices, in the order of their dates.

    ``short`` is what is missing for all of them, or 0. ``covered`` are the invoices that it suffices for.
    """

    credit: Credit
    short: Decimal
    covered: Sequence[int]


def coverage(credit: Credit | None, debts: Iterable[Debt], currency: str) -> Coverage | None:
    """Return what the credit covers. None: the credit or one of the sums is unknown, or in another currency."""
    ordered = sorted(debts, key=lambda one: (one.due or date.max, one.id))
    if credit is None or credit.currency not in {"", currency}:
        return None
    total, covered = Decimal(0), list[int]()
    for one in ordered:
        if one.left is None:
            return None
        total += one.left
        if total <= credit.amount:
            covered.append(one.id)
    return Coverage(credit, max(total - credit.amount, Decimal(0)), covered)


def suffices(credit: Credit | None, debt: Debt, currency: str) -> bool:
    """Return whether the credit is known to suffice for this invoice alone."""
    found = coverage(credit, [debt], currency)
    return found is not None and not found.short


@dataclass(frozen=True, slots=True)
class Funds:
    """The invoices that the credit suffices for, in the order of their dates. For ``wished`` ones somebody waits."""

    covered: Collection[int] = ()
    wished: Collection[int] = ()


NO_FUNDS = Funds()
