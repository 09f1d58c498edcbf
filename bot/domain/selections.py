"""Choosing several invoices to pay together."""

from __future__ import annotations

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

    def toggled(self, invoice_id: int) -> Selection:
        """With an offered invoice chosen, or no longer."""
        flipped = {invoice_id} & {offer.id for offer in self.offers}
        chosen = set(self.chosen) ^ flipped
        return replace(self, chosen=tuple(offer.id for offer in self.offers if offer.id in chosen))

    def with_all(self) -> Selection:
        """With all chosen, or none where all were."""
        every = tuple(offer.id for offer in self.offers)
        return replace(self, chosen=() if self.chosen == every else every)
