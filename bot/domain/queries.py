"""What somebody wants to see listed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.invoices import Invoice


class Show(StrEnum):
    """Which invoices to list, by whether something is to be paid."""

    ALL = "all"
    OPEN = "open"
    PAID = "paid"


class ItemKind(StrEnum):
    """Which item types to list. The values are the provider's types, in small letters."""

    ANY = "any"
    HOSTING = "hosting"
    DOMAIN = "domain"
    DONATION = "donation"


@dataclass(frozen=True, slots=True)
class Query:
    """A choice of invoices."""

    show: Show = Show.ALL
    kind: ItemKind = ItemKind.ANY
    with_transactions: bool = False

    def fits(self, invoice: Invoice) -> bool:
        """Whether the invoice is open or paid, and has an item, as asked. Transactions are not known of an invoice."""
        if self.show is Show.OPEN and not invoice.is_open:
            return False
        if self.show is Show.PAID and not invoice.is_paid:
            return False
        return self.kind is ItemKind.ANY or invoice.has_type(self.kind)


@dataclass(frozen=True, slots=True)
class ListPage:
    """A place in a list: what is listed, and which page of it. As callback data: ``open.hosting.1.2``."""

    query: Query
    number: int = 0

    def __str__(self) -> str:
        return f"{self.query.show}.{self.query.kind}.{int(self.query.with_transactions)}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> ListPage:
        """Return the page that ``str()`` wrote. Raise ValueError on anything else."""
        show, kind, with_transactions, number = text.split(".")
        return cls(Query(Show(show), ItemKind(kind), with_transactions == "1"), int(number))
