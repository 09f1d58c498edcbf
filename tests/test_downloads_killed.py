"""kill -9 during a download, and a restart: a real process, over real HTTP."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.packs.pack import PACK_LEASE
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


@pytest.mark.timeout(150)  # two processes are started
async def test_several_pdfs_go_on_after_a_kill_and_the_one_under_way_is_named_not_doubled(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    for n in (1, 2):  # a third one is in the account
        sandbox.provider.create_invoice(account, Decimal(n), paid=True)
    async with process(sandbox, tmp_path):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        listing = await ask(chat, ada, "/invoices paid", "Paid invoices")
        ids = [(b.data or "").split(":")[1] for b in listing.buttons if (b.data or "").startswith("show:")]
        sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.PDF)
        ada.press(listing, "📄 All PDFs (3)")
        progress = await chat.wait_for(lambda m: m.text == "📄 1 of 3 …", after=listing)
        await until(lambda: any(request.path.endswith("download") for request in sandbox.provider.requests))
    sandbox.provider.faults.switch_off()
    async with process(sandbox, tmp_path):
        end = await chat.wait_for(lambda m: "2 of 3 PDFs have arrived" in m.text, after=listing)
    assert f"May have arrived (I can't tell): {ids[0]}" in end.text
    sent = [m.document.name for m in chat.messages if m.document is not None]
    assert [name.count(number) for name, number in zip(sent, ids[1:], strict=True)] == [1, 1]
    assert progress.text == "📄 2 of 3"


@pytest.mark.timeout(150)  # two processes are started
async def test_a_pack_goes_on_after_a_kill_and_comes_once(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    for n in (1, 2):
        sandbox.provider.create_invoice(account, Decimal(n), paid=True)
    async with process(sandbox, tmp_path):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.PDF)
        progress = await ask(chat, ada, "/archive this year", "putting it together")
        await until(lambda: any(request.path.endswith("download") for request in sandbox.provider.requests))
    sandbox.provider.faults.switch_off()
    async with process(sandbox, tmp_path, ahead=int(PACK_LEASE.total_seconds())):
        await until(lambda: "documents have arrived" in progress.text)
    sent = [m.document.name.rpartition(".")[2] for m in chat.messages if m.document is not None]
    assert sent == ["zip", "xlsx"]
