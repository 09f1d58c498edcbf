"""kill -9 during a download, and a restart: a real process, over real HTTP."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TOKEN, ask, process, until


@pytest.mark.timeout(150)  # two processes are started
async def test_a_download_that_a_kill_cut_off_comes_after_the_restart(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("12.34"))
    async with process(sandbox, tmp_path):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.PDF)
        ada.send(chat, f"/pdf {invoice.id}")
        await until(lambda: any(request.path.endswith("download") for request in sandbox.provider.requests))
        await ask(chat, ada, "/status", "Linked since")  # not confirmed either, so answered once more
    sandbox.provider.faults.switch_off()
    async with process(sandbox, tmp_path):
        sent = await chat.wait_for(lambda message: message.document is not None)
    assert sent.document is not None
    assert str(invoice.id) in sent.document.name
