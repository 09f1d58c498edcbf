"""Which invoices somebody wants to see listed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.invoices import Invoice


class StatusFilter(StrEnum):
    """Which invoices to list: all, or those that are open or paid."""

    ALL = "all"
    OPEN = "open"
    PAID = "paid"


class ItemKind(StrEnum):
    """Which item types to list. The values are the provider's types in lower case."""

    ANY = "any"
    HOSTING = "hosting"
    DOMAIN = "domain"
    DONATION = "donation"


@dataclass(frozen=True, slots=True)
class Query:
    """A choice of invoices."""

    status: StatusFilter = StatusFilter.ALL
    kind: ItemKind = ItemKind.ANY
    with_transactions: bool = False

    @property
    def holds_all_open(self) -> bool:
        """Whether no open invoice is left out."""
        return self.status is not StatusFilter.PAID and self.kind is ItemKind.ANY and not self.with_transactions

    def fits(self, invoice: Invoice) -> bool:
        """Return whether the invoice matches. ``with_transactions`` is left to the provider: invoices don't tell."""
        if self.status is StatusFilter.OPEN and not invoice.is_open:
            return False
        if self.status is StatusFilter.PAID and not invoice.is_paid:
            return False
        return self.kind is ItemKind.ANY or invoice.has_type(self.kind)


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: what is listed, and the page's number from 0. As callback data: ``open.hosting.1.2``.

    ``search`` is the id of a search, if the list is its result: ``all.any.0.2.q83vEjRW``.
    """

    query: Query = Query()
    number: int = 0
    search: str = ""

    def __str__(self) -> str:
        page = f"{self.query.status}.{self.query.kind}.{int(self.query.with_transactions)}.{self.number}"
        return f"{page}.{self.search}" if self.search else page

    @classmethod
    def parse(cls, text: str) -> ListPage:
        """Return the page that ``str()`` wrote. Raise ValueError on anything else."""
        status, kind, with_transactions, number, *search = text.split(".")
        (search_id,) = search or [""]
        return cls(Query(StatusFilter(status), ItemKind(kind), with_transactions == "1"), int(number), search_id)
