"""The customers: they get invoices, ask about them, press buttons, and ask again if the bot tells them to."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person, Press

AGAIN_LATER = "Please try again in a few minutes"
"""The bot's words when its store is unavailable."""
PATIENCE = 0.5
"""Seconds after which somebody presses a button again that nothing came of; then after twice as long, and so on. Who
presses faster than the bot can answer is flooding, and much of that is passed over."""


@dataclass(slots=True)
class Customer:
    """A person with an account of their own. They ask one question at a time, and one about each invoice.

    ``told`` are the invoices for which an alert must come. The invoices of a customer who ``pays`` are ``payable``
    instead, since alerts about paid invoices are edited or dropped.
    """

    person: Person
    chat: Chat
    account: Account
    pays: bool
    told: list[int] = field(default_factory=list)
    payable: list[int] = field(default_factory=list)
    to_ask: deque[int] = field(default_factory=deque)
    asks: int | None = None
    asked: Message | None = None
    answered: int = 0
    presses: list[Press] = field(default_factory=list)
    patience: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Until when the person waits after the last press below a message, and for how long the next time."""

    def get_invoice(self, number: int) -> None:
        (self.payable if self.pays else self.told).append(number)
        self.to_ask.append(number)

    def ask(self) -> None:
        """Ask about the current invoice, for the first time or again."""
        command = "pay" if self.pays else ("invoice", "pdf")[(self.asks or 0) % 2]
        self.asked = self.person.send(self.chat, f"/{command} {self.asks}")

    def listen(self) -> bool:
        """Note an answer. Return whether the bot could not answer and wants to be asked again."""
        if self.asks is None or self.asked is None:
            return False
        since = [m for m in self.chat.messages if m.sender.is_bot and m.id > self.asked.id]
        if any(str(self.asks) in (m.document.name if m.document else m.text) and not is_alert(m) for m in since):
            self.asks, self.answered = None, self.answered + 1
        return self.asks is not None and any(AGAIN_LATER in m.text for m in since)

    def press(self, message: Message) -> None:
        """Press the button that pays, unless that was done a moment ago. The press reaches the bot twice."""
        waits_until, waits = self.patience.get(message.id, (0.0, PATIENCE))
        if time.monotonic() < waits_until:
            return
        for button in message.buttons:
            if button.data and button.data.startswith("yes:"):
                self.presses += self.person.press_twice_delivered(message, button.data)
                self.patience[message.id] = (time.monotonic() + waits, 2 * waits)

    def words_about(self, number: int) -> Iterator[Message]:
        """Return the bot's messages about an invoice in their present form, except for alerts."""
        return (m for m in self.chat.messages if m.sender.is_bot and str(number) in m.text and not is_alert(m))

    def alerts_of(self, number: int) -> list[Message]:
        """Return the alerts about an invoice."""
        return [m for m in self.chat.messages if m.sender.is_bot and str(number) in m.text and is_alert(m)]


class People:
    """All customers. They act at random."""

    def __init__(self, sandbox: Sandbox, rng: random.Random) -> None:
        self.customers: list[Customer] = []
        self._provider = sandbox.provider
        self._rng = rng

    async def live(self) -> None:
        """Act until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.05, 0.4))
            customer = self._rng.choice(self.customers)
            if self._rng.random() < 0.6:
                invoice = self._provider.create_invoice(customer.account, Decimal("7.95"), due_in_days=20)
                customer.get_invoice(invoice.id)
            elif customer.asks is None and customer.to_ask:
                customer.asks = customer.to_ask.popleft()
                customer.ask()
            self.attend()

    def attend(self) -> None:
        """Let all customers read their answers, press buttons, and perhaps ask again if the bot told them to."""
        for customer in self.customers:
            if customer.listen() and self._rng.random() < 0.1:
                customer.ask()
            for message in customer.chat.messages[-5:]:
                if self._rng.random() < 0.5:
                    customer.press(message)


def is_alert(message: Message) -> bool:
    """Return whether a message is an alert about one or several new invoices, even if it was edited since."""
    return "New invoice" in message.text or "on your invoices" in message.text.partition("\n")[0]
