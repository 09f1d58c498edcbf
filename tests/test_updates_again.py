"""Updates that a crash left unconfirmed come again, and what they ask for is done once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.application import running
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says


async def test_a_whole_conversation_that_is_handled_twice_pays_once_and_links_once(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    updates = sandbox.telegram.state.updates
    seen = []
    add = updates.add

    def remember(kind: str, content: dict[str, object]) -> int | None:
        number = add(kind, content)
        seen.append(updates._pending[-1])
        return number

    updates.add = remember  # type: ignore[method-assign, assignment]
    invoice = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)
    settings = sandbox.settings(tmp_path)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €12.34")
        ada.press(question, "✅ Pay €12.34")
        await chat.wait_for(says("is paid", "€12.34"))
        await ask(chat, ada, "/language de", "Sprache")
    assert updates.pending == 0

    updates._pending = list(seen)
    count = len(chat.messages)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await chat.wait_for(lambda message: message.sender.is_bot, after=chat.messages[count - 1])
        await sandbox.telegram.wait_until(lambda: not updates.pending or None, 30)
        await ask(chat, ada, "/status", "erknüpft")
    assert len(seen) == 5
    assert sandbox.provider.executed(Call.PAY, invoice.id) == 1
    assert not [m.text for m in chat.messages if "already used" in m.text or "schon benutzt" in m.text]
