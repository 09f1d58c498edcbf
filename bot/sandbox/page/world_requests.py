"""What moves the world around the bot. Each move is a form in JSON, as an act of a person is."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bot.sandbox.page.controls import Controls, Ending, Making, Step

MOST = 100_000_00
"""Cents."""


class Issue(Struct):
    """The provider writes an invoice over so many cents, tax included, due in ``days`` (below 0: it was due).

    It is open, was paid on creation, or is written so that it can't be read.
    """

    cents: Annotated[int, Meta(ge=1, le=MOST)]
    days: Annotated[int, Meta(ge=-365, le=3650)]
    kind: Literal["Hosting", "Domain", "Donation"]
    making: Making = "open"

    def do(self, controls: Controls) -> None:
        controls.issue(_euros(self.cents), self.days, self.kind, self.making)


class Settle(Struct):
    """An invoice is paid some other way, cancelled or refunded."""

    invoice: int
    status: Ending

    def do(self, controls: Controls) -> None:
        controls.settle(self.invoice, self.status)


class Amend(Struct):
    """An open invoice's sum changes by so many cents, and its due date by so many days."""

    invoice: int
    cents: Annotated[int, Meta(ge=-MOST, le=MOST)]
    days: Annotated[int, Meta(ge=-3650, le=3650)]

    def do(self, controls: Controls) -> None:
        controls.amend(self.invoice, _euros(self.cents), self.days)


class Hide(Struct):
    """An invoice vanishes from the account, or comes back."""

    invoice: int
    hidden: bool

    def do(self, controls: Controls) -> None:
        controls.hide(self.invoice, hidden=self.hidden)


class Credit(Struct):
    """The account has this much credit now."""

    cents: Annotated[int, Meta(ge=0, le=MOST)]

    def do(self, controls: Controls) -> None:
        controls.demo.account.credit = _euros(self.cents)


class Switch(Struct):
    """A fault begins, or ends."""

    fault: str
    on: bool

    def do(self, controls: Controls) -> None:
        controls.switch(self.fault, on=self.on)


class Wait(Struct):
    """Time passes."""

    step: Step

    def do(self, controls: Controls) -> None:
        controls.pass_time(self.step)


def _euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
