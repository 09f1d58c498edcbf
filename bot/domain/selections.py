"""Choosing several invoices to pay together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from bot.domain.chats import Place


@dataclass(frozen=True, slots=True)
class Offer:
    """An open invoice that can be paid. ``amount`` is what is left to pay."""

    id: int
    amount: Decimal
    due: date | None
    title: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What one person has chosen so far, as invoice ids. ``more`` open invoices exist that are not offered."""

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
        """What the chosen invoices cost together."""
        return sum((offer.amount for offer in self.offers if offer.id in self.chosen), start=Decimal(0))

    def with_choice(self, invoice_ids: Iterable[int], *, chosen: bool) -> Selection:
        """Return the selection with these of the offered invoices chosen, or not chosen. The others stay as they are.

        The caller says what is wanted, not "the other way round", so a press that arrives twice does no harm.
        """
        ids = set(invoice_ids)
        now = set(self.chosen) | ids if chosen else set(self.chosen) - ids
        return replace(self, chosen=tuple(offer.id for offer in self.offers if offer.id in now))
