"""Which invoices somebody wants to see listed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
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

    ``search`` is the id of a search, if the list is its result: ``all.any.0.2.q83vEjRW``. With a ``month``, given by
    its first day, page 0 begins with it. Pages before it have negative numbers: ``all.any.0.-1..202611``.
    """

    query: Query = Query()
    number: int = 0
    search: str = ""
    month: date | None = None

    def __str__(self) -> str:
        page = f"{self.query.status}.{self.query.kind}.{int(self.query.with_transactions)}.{self.number}"
        if self.month is not None:
            return f"{page}.{self.search}.{self.month.year:04}{self.month.month:02}"
        return f"{page}.{self.search}" if self.search else page

    @classmethod
    def parse(cls, text: str) -> ListPage:
        """Return the page that ``str()`` wrote. Raise ValueError on anything else."""
        status, kind, with_transactions, number, *rest = text.split(".")
        search, month = [*rest, *[""] * (2 - len(rest))]
        query = Query(StatusFilter(status), ItemKind(kind), with_transactions == "1")
        return cls(query, int(number), search, date.fromisoformat(f"{month[:4]}-{month[4:]}-01") if month else None)


def read_page(text: str) -> ListPage | None:
    """Return the page that a button names, or None if it names none."""
    with suppress(ValueError):
        return ListPage.parse(text)
    return None
