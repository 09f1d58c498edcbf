"""Invoices as the bot understands them: decimal money, real dates, and what is left to pay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from bot.domain.credit import Debt
from bot.domain.service_names import Service
from bot.domain.standings import Standing, is_plain, standing_of
from bot.domain.unchanged import ListAnswer

CENT = Decimal("0.01")
ZERO = Decimal(0)

OTHER_INVOICE = "invoice"
"""The type of an item that stands for another invoice, in any letter case."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an invoice. ``title`` is the short description, ``description`` may have several lines.

    ``relates_to`` is the id of what it is for: a service or, by its ``type``, another invoice. ``taxed``: tax is asked
    for it. None: nobody says.
    """

    type: str
    title: str
    description: str
    amount: Decimal | None
    relates_to: int | None = None
    taxed: bool | None = None

    @property
    def names_invoice(self) -> bool:
        """Whether it stands for another invoice, which is paid with this one."""
        return self.type.casefold() == OTHER_INVOICE

    @property
    def service(self) -> Service | None:
        """The service that it is for. None: it is for none, or does not say for which."""
        if not self.type or not self.relates_to or self.names_invoice:
            return None
        return Service(self.type.casefold(), self.relates_to)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as the provider gave it. Money is in the operator's currency, with all digits that were given.

    ``due`` and ``issued`` are calendar days in the provider's time zone, ``paid_at`` is an instant. Each is None if the
    provider gave no real date. ``subtotal`` and ``tax`` are None if they are missing. ``due_unreadable``: it gave a due
    date that can't be read. ``items_unreadable``: it gave items that can't be read, and that are left out. ``is_open``
    is never true of a credit note, whatever the provider says: nothing is to be paid on it.

    ``parts`` are the other open invoices that it collects, as far as they were read with it, and ``in_parts`` is how
    much of it is counted with them.
    """

    id: int
    status: str
    status_label: str
    is_open: bool
    issued: date | None
    due: date | None
    paid_at: datetime | None
    subtotal: Decimal | None
    tax: Decimal | None
    tax_rate: Decimal | None
    credit: Decimal
    total: Decimal
    items: tuple[Item, ...]
    due_unreadable: bool = False
    items_unreadable: bool = False
    parts: tuple[int, ...] = ()
    in_parts: Decimal = ZERO

    @property
    def gross(self) -> Decimal | None:
        """The sum before any credit. None: the invoice's own figures don't tell.

        ``total`` can be before or after the applied credit. The invoice's arithmetic decides: the nearer one of
        ``subtotal + tax`` and ``subtotal + tax - credit`` counts, if ``total`` is within a cent of it.
        """
        if self.credit == 0:
            return self.total
        if self.net_and_tax is None:
            return None
        off_before = abs(self.total - self.net_and_tax)
        off_after = abs(self.total - (self.net_and_tax - self.credit))
        if off_before <= CENT and off_before < off_after:
            return self.total
        if off_after <= CENT and off_after < off_before:
            return self.total + self.credit
        return None

    @property
    def full_total(self) -> Decimal:
        """The sum before any credit, or the total as it was given where that is unclear."""
        gross = self.gross
        return self.total if gross is None else gross

    @property
    def is_credit_note(self) -> bool:
        """Whether its sum is in the customer's favour."""
        return self.full_total < 0

    @property
    def net_and_tax(self) -> Decimal | None:
        """What both make together. None: one of them is missing."""
        return None if self.subtotal is None or self.tax is None else self.subtotal + self.tax

    @property
    def left_to_pay(self) -> Decimal | None:
        """What is still to be paid; 0 if the invoice is not open. None: its own figures don't tell."""
        if not self.is_open:
            return ZERO
        gross = self.gross
        return None if gross is None else max(gross - self.credit, ZERO)

    @property
    def is_collective(self) -> bool:
        """Whether it collects other invoices: its items name some."""
        return OTHER_INVOICE in {kind.casefold() for kind in {item.type for item in self.items}}

    @property
    def own_left(self) -> Decimal | None:
        """What is left to pay of it, without what is counted with its parts."""
        return left_or_total(self.left_to_pay, self.total) - self.in_parts if self.parts else self.left_to_pay

    @property
    def counts(self) -> bool:
        """Whether it counts as an open invoice: it is not wholly counted with its parts."""
        return self.is_open and (not self.parts or self.own_left != 0)

    @property
    def may_be_owed(self) -> bool:
        """Whether something is, or may be, left to pay that is counted with no other invoice."""
        return self.is_open and self.own_left != 0

    @property
    def display_amount(self) -> Decimal:
        """The sum to show first: what is left of an open invoice; the full total of a closed one.

        If that is unclear, it is the total as it was given.
        """
        return left_or_total(self.left_to_pay, self.total) if self.is_open else self.full_total

    @property
    def standing(self) -> Standing:
        """How it stands, as far as its status, its date of payment and its sum tell."""
        standing = standing_of(self.status, is_open=self.is_open, has_paid_date=self.paid_at is not None)
        return Standing.CREDIT_NOTE if standing is Standing.CLOSED and self.is_credit_note else standing

    @property
    def is_paid(self) -> bool:
        """Whether it is closed because it was paid."""
        return self.standing is Standing.PAID

    @property
    def odd_status(self) -> str:
        """The provider's word for its status, unless that just says that it is unpaid, paid, cancelled or refunded."""
        is_plainly_so = is_plain(self.status, self.standing) or self.is_credit_note
        return "" if is_plainly_so else self.status_label

    @property
    def is_paid_with_credit(self) -> bool:
        """Whether its own figures say that it is paid, and that credit covers all of it."""
        if self.credit <= 0 or not self.is_paid or (gross := self.gross) is None:
            return False
        return gross > 0 and self.credit > gross - CENT

    @property
    def debt(self) -> Debt:
        """What is to be paid of it, and is counted with no other invoice."""
        return Debt(self.id, self.due, self.own_left)

    @property
    def can_be_paid(self) -> bool:
        """Whether it can be paid with credit: it is open, and a known sum above zero is left.

        Beside its parts it is not offered: both would pay the same.
        """
        left = self.left_to_pay
        return self.is_open and not self.parts and left is not None and left > 0

    @property
    def can_return_credit(self) -> bool:
        """Whether applied credit can be taken back. The provider does so for unpaid invoices only."""
        return self.is_open and self.credit > 0

    @property
    def title(self) -> str:
        """The first item's short description, or an empty text."""
        return self.items[0].title if self.items else ""

    @property
    def title_service(self) -> Service | None:
        """The service that the title speaks of."""
        return self.items[0].service if self.items else None

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its items, each once."""
        return tuple(dict.fromkeys([item.type for item in self.items if item.type]))

    def has_type(self, kind: str) -> bool:
        """Return whether any item is of this type. Letter case does not matter."""
        wanted = kind.casefold()
        return any(item.type.casefold() == wanted for item in self.items)


UNREADABLE_NAMED = 20
"""How many of the invoices that can't be read are named at most."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The provider's list, as far as it could be read.

    ``unreadable`` invoices could not be read; where at least their numbers could, these are the first
    ``unreadable_ids``. ``missing`` ones were not there, though the provider counts them.
    ``rest`` is where the list goes on, if it was not read to its end; empty, if nobody knows where. ``resumed``: it was
    not read from its beginning. Of a list that is not whole, nothing follows from what it lacks. ``hides_unclear``: an
    invoice of which nobody knows whether it is still to be paid was there, and is left out because nobody asked for it.
    ``answer`` are the bytes it was read from, if it lacks nothing and is of a usual size.
    """

    invoices: tuple[Invoice, ...]
    unreadable: int = 0
    missing: int = 0
    rest: str | None = None
    resumed: bool = False
    hides_unclear: bool = False
    unreadable_ids: tuple[int, ...] = ()
    answer: ListAnswer | None = field(default=None, compare=False)

    @property
    def is_read_to_end(self) -> bool:
        return self.rest is None

    @property
    def is_whole(self) -> bool:
        """Whether it holds all invoices, be it that some can't be read."""
        return self.is_read_to_end and not self.missing and not self.resumed

    @property
    def lacks_nothing(self) -> bool:
        """Whether it shows all invoices, so that one which is not here does not exist."""
        return self.is_whole and not self.unreadable

    @property
    def has_unclear(self) -> bool:
        """Whether an invoice is no longer open, and nobody knows whether it is still to be paid."""
        return self.hides_unclear or any(invoice.standing is Standing.CLOSED for invoice in self.invoices)

    @property
    def lost(self) -> int:
        """How many invoices nobody can read, as far as this list tells. More may follow where it was not read on."""
        return self.unreadable + (self.missing if self.is_read_to_end else 0)


def sums_differ(one: Decimal | None, other: Decimal | None) -> bool:
    """Return whether two sums differ by more than the cent that rounding explains. An unknown sum never differs."""
    return one is not None and other is not None and abs(one - other) > CENT


def left_or_total(left: Decimal | None, total: Decimal) -> Decimal:
    """Return the sum to show of an open invoice: what is left to pay, or the total where that is unclear."""
    return total if left is None else left


def size_of(invoices: Iterable[Invoice]) -> int:
    """Return how many they are together with their items."""
    return sum(1 + len(invoice.items) for invoice in invoices)


def open_first(invoices: Iterable[Invoice]) -> list[Invoice]:
    """Return open invoices by due date (those without one last), then the others, newest first."""
    return sorted(invoices, key=list_order)


def list_order(invoice: Invoice) -> tuple[int, int, int]:
    """Return the place of an invoice in a list, for sorting: see :func:`open_first`."""
    if invoice.is_open:
        return (0, (invoice.due or date.max).toordinal(), invoice.id)
    return (1, -(invoice.issued or date.min).toordinal(), -invoice.id)


def sum_left(invoices: Iterable[Invoice]) -> Decimal:
    """Return the sum left over all open invoices, each counted once. One whose remainder is unclear counts in full."""
    return sum((i.display_amount - i.in_parts for i in invoices if i.is_open), start=ZERO)
