"""Requests to change the world around the bot, as forms in JSON like those of the user actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bot.sandbox.page.controls import Controls, Ending, Making, Step

MAX_CENTS = 100_000_00


class Issue(Struct):
    """Issue an invoice over so many cents, tax included, due in ``days`` (negative: overdue).

    It is open, paid on creation (perhaps with the credit, by the provider itself), unreadable, a credit note, or
    collects two others.
    """

    cents: Annotated[int, Meta(ge=1, le=MAX_CENTS)]
    days: Annotated[int, Meta(ge=-365, le=3650)]
    kind: Literal["Hosting", "Domain", "Donation"]
    making: Making = "open"

    def do(self, controls: Controls) -> None:
        controls.issue(_euros(self.cents), self.days, self.kind, self.making)


class Settle(Struct):
    """Mark an invoice as paid by other means, or as closed otherwise."""

    invoice: int
    status: Ending

    def do(self, controls: Controls) -> None:
        controls.settle(self.invoice, self.status)


class Amend(Struct):
    """Change an open invoice's sum by so many cents, and its due date by so many days."""

    invoice: int
    cents: Annotated[int, Meta(ge=-MAX_CENTS, le=MAX_CENTS)]
    days: Annotated[int, Meta(ge=-3650, le=3650)]

    def do(self, controls: Controls) -> None:
        controls.amend(self.invoice, _euros(self.cents), self.days)


class Hide(Struct):
    """Hide an invoice from the account, or show it again."""

    invoice: int
    hidden: bool

    def do(self, controls: Controls) -> None:
        controls.hide(self.invoice, hidden=self.hidden)


class Credit(Struct):
    """Set the account's credit."""

    cents: Annotated[int, Meta(ge=0, le=MAX_CENTS)]

    def do(self, controls: Controls) -> None:
        controls.demo.account.credit = _euros(self.cents)


class TopUp(Struct):
    """Top the account's credit up: at once, or by a bank transfer, which takes days."""

    cents: Annotated[int, Meta(ge=1, le=MAX_CENTS)]
    by_transfer: bool

    def do(self, controls: Controls) -> None:
        controls.top_up(_euros(self.cents), by_transfer=self.by_transfer)


class ShowCredit(Struct):
    """Let the token read the account's credit, or not."""

    shown: bool

    def do(self, controls: Controls) -> None:
        controls.demo.account.shows_credit = self.shown


class Switch(Struct):
    """Switch a fault on or off."""

    fault: str
    on: bool

    def do(self, controls: Controls) -> None:
        controls.switch(self.fault, on=self.on)


class Wait(Struct):
    """Let time pass."""

    step: Step

    def do(self, controls: Controls) -> None:
        controls.pass_time(self.step)


def _euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
