"""A person whom the operator takes off ALLOWED_USERS, over real HTTP: the real bot in the sandbox, restarted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bot.application import running
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

FAREWELL = "can no longer use this bot"


async def test_who_is_taken_off_the_list_is_told_once_and_gets_alerts_again_once_back_on_it(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        linked = await ask(chat, ada, f"/link {TOKEN}", "linked")
    asked = len(sandbox.provider.requests)
    for _ in range(2):
        async with running(sandbox.settings(tmp_path, allowed_users="1"), clock=sandbox.clock, tick=TICK):
            farewell = await chat.wait_for(says(FAREWELL, "/unlink"), after=linked)
            assert not farewell.silent
            sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=5)
            sandbox.clock.put_forward(timedelta(hours=2))
            await ask(chat, ada, "/check", "not open to everyone")
    assert len([m for m in chat.messages if FAREWELL in m.text]) == 1
    assert not [m for m in chat.messages if "New invoice" in m.text]
    assert len(sandbox.provider.requests) == asked
    async with running(sandbox.settings(tmp_path, allowed_users=str(ada.id)), clock=sandbox.clock, tick=TICK):
        await chat.wait_for(says("2 updates on your invoices", "New invoice"), after=linked)


async def test_who_was_told_so_can_still_have_everything_deleted(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        linked = await ask(chat, ada, f"/link {TOKEN}", "linked")
    async with running(sandbox.settings(tmp_path, allowed_users="1"), clock=sandbox.clock, tick=TICK):
        await chat.wait_for(says(FAREWELL), after=linked)
        question = await ask(chat, ada, "/unlink", "Remove")
        await ada.press(question, question.buttons[0].text).answered()
    assert not list((tmp_path / "chats").glob("*.json"))
