"""Choosing several invoices to pay together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from bot.domain.chats import Place


@dataclass(frozen=True, slots=True)
class Offer:
    """An open invoice that can be paid: what is left of it."""

    id: int
    amount: Decimal
    due: date | None
    title: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What one person has chosen so far, of what was offered. ``more``: how many more open invoices there are."""

    id: str
    place: Place
    account: str
    user_id: int
    expires_at: datetime
    offers: tuple[Offer, ...]
    more: int = 0
    chosen: tuple[int, ...] = ()

    @property
    def sum(self) -> Decimal:
        """What the chosen ones cost together."""
        return sum((offer.amount for offer in self.offers if offer.id in self.chosen), start=Decimal(0))

    def with_choice(self, invoice_ids: Iterable[int], *, chosen: bool) -> Selection:
        """With these of the offered invoices chosen, or not; the others stay as they are.

        It says what is wanted, not "the other way round", so that a press that is delivered twice does the same.
        """
        ids = set(invoice_ids)
        now = set(self.chosen) | ids if chosen else set(self.chosen) - ids
        return replace(self, chosen=tuple(offer.id for offer in self.offers if offer.id in now))
