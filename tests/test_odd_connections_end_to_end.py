"""Two customers on shared connections, over real HTTP: nobody ever sees the other's invoices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Fault
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, ask

ROUNDS = 6


@pytest.mark.parametrize("fault", [Fault.ANSWERED_TWICE, Fault.IDLE_408, Fault.LATE_CONTINUE])
async def test_two_customers_ask_in_turns_while_the_provider_sends_what_nobody_asked_for(
    sandbox: Sandbox, ada: Person, chat: Chat, tmp_path: Path, fault: Fault
) -> None:
    bob = sandbox.telegram.add_user("Bob", language_code="en")
    chats = {ada: chat, bob: sandbox.telegram.private_chat(bob)}
    numbers = {}
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        for person, own in chats.items():
            token = f"sandbox-token-of-{person.user.first_name}-0123456789"
            account = sandbox.provider.add_account(token)
            numbers[person] = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=20).id
            await ask(own, person, f"/link {token}", "linked")
        sandbox.provider.faults.switch_on(fault, interval=0.001)
        for _ in range(ROUNDS):
            for person, own in chats.items():
                listing = await ask(own, person, "/invoices", "Your invoices")
                for other, number in numbers.items():
                    assert (str(number) in listing.text) is (other is person)
