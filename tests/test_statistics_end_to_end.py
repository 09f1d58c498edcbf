"""/stats with the sandbox's provider over real HTTP, in German."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.application import running
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask


async def test_what_was_paid_moves_from_what_is_to_come_to_what_was_spent(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("11.90"), due_in_days=10)
    year = sandbox.clock().year
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        await ask(chat, ada, "/language de", "Sprache")
        before = await ask(chat, ada, "/stats", "📊 Ausgaben")
        assert f"{year} bisher: 0,00" in before.text
        assert "· offen 11,90\xa0€ · Verlängerungen 11,90\xa0€\n" in before.text
        assert not before.photo
        sandbox.provider.settle(invoice)
        after = await ask(chat, ada, "/stats", "📊 Ausgaben")
        assert after.photo
        assert f"{year} bisher: 11,90" in after.text
        assert "netto 10,00" in after.text
        assert "· offen 0,00\xa0€ · Verlängerungen 11,90\xa0€\n" in after.text
