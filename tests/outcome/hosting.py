"""The provider's calendar: services whose invoices are made, paid by credit, and which are suspended and deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Item
from bot.domain.provider_calendar import ProviderCalendar, is_weekday
from tests.simulation.history import History
from tests.simulation.life import closed, open_invoice
from tests.simulation.provider import SimAccount
from tests.simulation.world import BERLIN, World

DAY = timedelta(days=1)
CALENDAR = ProviderCalendar(suspend_after=0, delete_after=6, no_grace=frozenset({"domain"}), transfer_days=3)
MADE_BEFORE = 7 * DAY
SUSPENDED_FROM, DAY_ENDS = 18.5, 24.0
"""The hours of the due day at which a service may be suspended. A deletion may come at any hour of its day."""
TRANSFER_BOOKED = time(10)


@dataclass(frozen=True, slots=True)
class Service:
    """What a customer has at the provider. A domain has no grace: it is lost with the suspension."""

    type: str
    price: Decimal
    renewed_after: timedelta

    @property
    def has_grace(self) -> bool:
        return self.type.casefold() not in CALENDAR.no_grace


@dataclass(frozen=True, slots=True)
class Loss:
    """A service was ``suspended``, ``deleted`` after that, or ``lost`` without grace. ``day`` is the provider's."""

    what: str
    at: datetime
    day: date
    number: int


def at_hour(day: date, hours: float) -> datetime:
    """Return when the provider's clock shows so many hours of a day."""
    return datetime.combine(day, time(), BERLIN).astimezone(UTC) + timedelta(hours=hours)


def transfer_arrives(leaves: date) -> datetime:
    """Return when the money of a transfer that leaves on this day is there: after so many banking days."""
    day = leaves
    for _ in range(CALENDAR.transfer_days or 0):
        day = next(day + n * DAY for n in range(1, 5) if is_weekday(day + n * DAY))
    return datetime.combine(day, TRANSFER_BOOKED, BERLIN).astimezone(UTC)


class Hosting:
    """A customer's account at the provider. ``shows_credit``: the token may read it."""

    def __init__(self, world: World, account: SimAccount, name: str, *, shows_credit: bool) -> None:
        self.world = world
        self.account = account
        self.services: dict[int, Service] = {}
        """By invoice."""
        self.losses: list[Loss] = []
        self.credit = History(world.start, Decimal(0))
        self.on_change: Callable[[], None] = lambda: None
        self._name = name
        self._shows_credit = shows_credit
        self._set_credit(Decimal(0))

    def order(self, service: Service, first_due: date) -> None:
        """Have the service renewed for ever. Whatever is deleted is ordered anew, so that all have the same risk."""
        self.world.at(at_hour(first_due - MADE_BEFORE, 4), lambda: self._make_invoice(service, first_due))

    def top_up(self, amount: Decimal) -> None:
        self._set_credit(self.credit.last + amount)

    def short_for(self, number: int) -> Decimal:
        """Return how much is missing for an invoice."""
        invoice = self.account.present()[number]
        return max((invoice.left_to_pay or Decimal(0)) - self.credit.last, Decimal(0))

    def is_open(self, number: int) -> bool:
        return self.account.present()[number].is_open

    def pay(self, number: int) -> None:
        """Pay with credit. A suspended service is back at once."""
        invoice = self.account.present()[number]
        if invoice.is_open and not self.short_for(number):
            self._set_credit(self.credit.last - invoice.total)
            self._put(closed(invoice, "Paid"))

    def _make_invoice(self, service: Service, due: date) -> None:
        number = len(self.account.history) + 1
        self.services[number] = service
        invoice = open_invoice(number, due - MADE_BEFORE, due, service.price)
        self._put(replace(invoice, items=(Item(service.type, f"{service.type} {number}", "", service.price),)))
        self.pay(number)
        rng = Random(f"evening {self._name} {due}")
        self.world.at(
            at_hour(due, rng.uniform(SUSPENDED_FROM, DAY_ENDS)), lambda: self._take_away(number, due, service)
        )
        self.order(service, due + service.renewed_after)

    def _take_away(self, number: int, due: date, service: Service) -> None:
        if not self.is_open(number):
            return
        if not service.has_grace:
            self._lose("lost", due, number)
            return
        self._note_loss("suspended", due, number)
        last = due + (CALENDAR.delete_after or 0) * DAY
        hour = Random(f"deletion {self._name} {due}").uniform(0, DAY_ENDS)
        self.world.at(at_hour(last, hour), lambda: self._delete(number, last))

    def _delete(self, number: int, day: date) -> None:
        if self.is_open(number):
            self._lose("deleted", day, number)

    def _lose(self, what: str, day: date, number: int) -> None:
        self._note_loss(what, day, number)
        self._put(closed(self.account.present()[number], "Cancelled"))

    def _note_loss(self, what: str, day: date, number: int) -> None:
        self.losses.append(Loss(what, self.world.clock(), day, number))
        self.world.note_account(self.account, f"THE SERVICE of invoice {number} is {what}")

    def _put(self, invoice: Invoice) -> None:
        self.account.put(self.world.clock(), invoice.id, invoice)
        words = f"{invoice.status} {invoice.due} {invoice.total}, credit {self.credit.last}"
        self.world.note_account(self.account, f"invoice {invoice.id}: {words}")
        self.on_change()

    def _set_credit(self, amount: Decimal) -> None:
        self.credit.set(self.world.clock(), amount)
        self.account.credit = Credit(amount, "EUR") if self._shows_credit else None
        self.on_change()
