"""The customers: invoices come up for them, they ask, they press, and they ask again where the bot asks them to."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person, Press

AGAIN_LATER = "Please try again in a few minutes"
"""How the bot says that its store is away."""


@dataclass(slots=True)
class Customer:
    """Somebody with an account of their own, who asks one thing at a time, and of each invoice once.

    ``told`` are the invoices of which an alert is to come. Of who ``pays`` they are ``payable`` instead, since alerts
    of what is paid are edited, or dropped.
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

    def get_invoice(self, number: int) -> None:
        (self.payable if self.pays else self.told).append(number)
        self.to_ask.append(number)

    def ask(self) -> None:
        """Ask about the invoice in mind, for the first time or again."""
        command = "pay" if self.pays else ("invoice", "pdf")[(self.asks or 0) % 2]
        self.asked = self.person.send(self.chat, f"/{command} {self.asks}")

    def listen(self) -> bool:
        """Take note of an answer; True: the bot could not give one, and asks to be asked again."""
        if self.asks is None or self.asked is None:
            return False
        since = [m for m in self.chat.messages if m.sender.is_bot and m.id > self.asked.id]
        if any(str(self.asks) in (m.document.name if m.document else m.text) and not is_alert(m) for m in since):
            self.asks, self.answered = None, self.answered + 1
        return self.asks is not None and any(AGAIN_LATER in m.text for m in since)

    def press(self, message: Message) -> None:
        """Press the button that pays, which reaches the bot twice."""
        for button in message.buttons:
            if button.data and button.data.startswith("yes:"):
                self.presses += self.person.press_twice_delivered(message, button.data)

    def words_about(self, number: int) -> Iterator[Message]:
        """The bot's messages that name an invoice, as they read now, but for alerts."""
        return (m for m in self.chat.messages if m.sender.is_bot and str(number) in m.text and not is_alert(m))

    def alerts_of(self, number: int) -> list[Message]:
        """The alerts that name an invoice."""
        return [m for m in self.chat.messages if m.sender.is_bot and str(number) in m.text and is_alert(m)]


class People:
    """All customers, and chance."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.customers: list[Customer] = []
        self._provider = sandbox.provider
        self._chance = chance

    async def live(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))
            customer = self._chance.choice(self.customers)
            if self._chance.random() < 0.6:
                invoice = self._provider.create_invoice(customer.account, Decimal("7.95"), due_in_days=20)
                customer.get_invoice(invoice.id)
            elif customer.asks is None and customer.to_ask:
                customer.asks = customer.to_ask.popleft()
                customer.ask()
            self.attend()

    def attend(self) -> None:
        """Look at the phone: read what was answered, press, and ask again after a while where that is called for."""
        for customer in self.customers:
            if customer.listen() and self._chance.random() < 0.1:
                customer.ask()
            for message in customer.chat.messages[-5:]:
                if self._chance.random() < 0.5:
                    customer.press(message)


def is_alert(message: Message) -> bool:
    """Whether a message of the bot's is an alert of new invoices, single or several, also where it was edited since."""
    return "New invoice" in message.text or "on your invoices" in message.text.partition("\n")[0]
