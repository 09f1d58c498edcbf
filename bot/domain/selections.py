"""Several invoices that a person ticks, to pay them together or to get their PDFs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.chats import Place
from bot.domain.invoices import Invoice
from bot.domain.service_names import Service


class Purpose(StrEnum):
    """What invoices are ticked for."""

    PAY = "pay"
    PDF = "pdf"


CHOSEN_AT_MOST = {Purpose.PAY: 10, Purpose.PDF: 100}
"""So that a question names each invoice, and no more PDFs come than one batch sends."""
OFFERED_AT_MOST = 100
OFFERS_PER_PAGE = 6
"""So that on a phone the question still stands above them."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An invoice that can be ticked. ``amount`` is what is left to pay, or for a PDF the invoice's sum.

    ``credit``, ``status`` and what follows are what a question about it binds and says. It ``is_read`` once they are
    known: an older version has stored none of them.
    """

    id: int
    amount: Decimal
    due: date | None
    title: str
    service: Service | None = None
    credit: Decimal = Decimal(0)
    status: str = ""
    odd_status: str = ""
    is_collective: bool = False
    is_read: bool = False

    @property
    def title_service(self) -> Service | None:
        return self.service


def offer_of(invoice: Invoice, amount: Decimal) -> Offer:
    """Return an invoice as it was just read."""
    return Offer(
        invoice.id,
        amount,
        invoice.due,
        invoice.title,
        invoice.title_service,
        invoice.credit,
        invoice.status,
        invoice.odd_status,
        invoice.is_collective,
        is_read=True,
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """What one person has ticked so far, as invoice ids, and the page of the offers that is shown, from 0.

    Invoices that are not offered: ``more`` for which there is no room, and some ``too_large`` for the operator.
    ``asked`` are the payments of the question about the ticked ones, and ``message_id`` shows all of this.
    """

    id: str
    place: Place
    account: str
    user_id: int
    expires_at: datetime
    offers: tuple[Offer, ...]
    more: int = 0
    chosen: tuple[int, ...] = ()
    too_large: int = 0
    purpose: Purpose = Purpose.PAY
    page: int = 0
    asked: tuple[str, ...] = ()
    message_id: int | None = None

    @property
    def sum(self) -> Decimal:
        """What the chosen invoices cost together."""
        return sum((offer.amount for offer in self.chosen_offers), start=Decimal(0))

    @property
    def chosen_offers(self) -> Sequence[Offer]:
        return [offer for offer in self.offers if offer.id in self.chosen]

    @property
    def can_choose_all(self) -> bool:
        return len(self.offers) <= CHOSEN_AT_MOST[self.purpose]

    def page_of(self, invoice_id: int) -> int:
        """Return the page on which an invoice is offered."""
        return [offer.id for offer in self.offers].index(invoice_id) // OFFERS_PER_PAGE

    def with_choice(self, invoice_ids: Iterable[int], *, chosen: bool) -> Selection:
        """Return the selection with these of the offered invoices chosen, or not chosen. The others stay as they are.

        The caller says what is wanted, not "the other way round", so a press that arrives twice does no harm.
        """
        ids = set(invoice_ids)
        now = set(self.chosen) | ids if chosen else set(self.chosen) - ids
        return replace(self, chosen=tuple(offer.id for offer in self.offers if offer.id in now))

    def with_offer(self, offer: Offer) -> Selection:
        """Return the selection with an invoice as it was read anew."""
        return replace(self, offers=tuple(offer if offer.id == each.id else each for each in self.offers))
