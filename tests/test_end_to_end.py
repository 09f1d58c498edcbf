"""The main job, over real HTTP: the real bot between the sandbox's provider and the sandbox's Telegram."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot import logs
from bot.application import configure_logs, running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says


def until_noon(sandbox: Sandbox) -> timedelta:
    """So that the reminders of the day have come, whatever the hour at which the test runs."""
    now = sandbox.clock().astimezone(sandbox.provider.zone)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return noon - now if noon > now else noon + timedelta(days=1) - now


async def test_link_alert_list_details_pdf_pay_and_no_second_alert_after_a_restart(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    settings = sandbox.settings(tmp_path)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        greeting = await ask(chat, ada, f"/link {TOKEN}", "linked")
        assert all(TOKEN not in message.text for message in chat.messages)

        new = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)
        alert = await chat.wait_for(says("New invoice", str(new.id)), after=greeting)
        assert "€12.34" in alert.text

        listing = await ask(chat, ada, "/invoices", "Your invoices", str(new.id))
        await ada.press(listing, f"{new.id} · €12.34").answered()
        assert f"Invoice {new.id}" in listing.text

        ada.press(listing, "📄 PDF")
        document = (await chat.wait_for(lambda m: m.document is not None, after=listing)).document
        assert document is not None
        assert document.content.startswith(b"%PDF-")
        assert document.name == f"Invoice-{new.id}.pdf"

        ada.press(alert, f"pay:{new.id}")
        question = await chat.wait_for(says("Pay €12.34", str(new.id)), after=listing)
        ada.press_twice_delivered(question, "✅ Pay €12.34")
        await chat.wait_for(says("is paid", "€12.34"))
        assert sandbox.provider.executed(Call.PAY, new.id) == 1
        seen = len(chat.messages)

    async with running(settings, clock=sandbox.clock, tick=TICK):
        status = await ask(chat, ada, "/status", "Linked since")
        later = sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=20)
        await chat.wait_for(says("New invoice", str(later.id)), after=status)

    said = [message.text for message in chat.messages[seen:] if message.sender is not ada.user]
    assert len(said) == 2, said
    assert sandbox.provider.executed(Call.PAY, new.id) == 1


async def test_reminders_come_at_seven_three_one_and_no_days_and_when_overdue(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    sandbox.clock.put_forward(until_noon(sandbox))
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
    told = []
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        last = await ask(chat, ada, f"/link {TOKEN}", "linked")
        for days, words in ((2, "in 7 days"), (4, "in 3 days"), (2, "tomorrow"), (1, "today"), (1, "yesterday")):
            sandbox.clock.put_forward(timedelta(days=days))
            last = await chat.wait_for(says(f"Invoice {invoice.id} is", words), after=last)
            told.append(last.text)
    sent = [str(call.parameters["text"]) for call in sandbox.telegram.calls_of("sendMessage")]
    assert len([text for text in sent if text.startswith(("⏰", "🔴"))]) == len(set(told)) == 5


async def test_an_invoice_that_was_paid_is_among_the_paid_ones_whatever_the_provider_calls_its_status(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    done = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=9)
    done.status, done.paid_at = "Completed", sandbox.clock()
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        assert f"✅ {done.id}" in (await ask(chat, ada, "/invoices", "Your invoices")).text
        assert f"✅ {done.id}" in (await ask(chat, ada, "/invoices paid", "Paid invoices")).text


async def test_the_logs_of_a_whole_run_hold_no_token(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = sandbox.settings(tmp_path, log_level="DEBUG")
    configure_logs(settings)
    try:
        async with running(settings, clock=sandbox.clock, tick=TICK):
            await ask(chat, ada, "/link", "token")
            await ask(chat, ada, TOKEN, "linked")
            new = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=3)
            await chat.wait_for(says("New invoice", str(new.id)))
            await ask(chat, ada, f"/invoice {new.id}", "Total")
            sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED)
            await ask(chat, ada, "/invoices", "does not accept")
            await ask(chat, ada, "/link wrong-token-0123456789", "does not accept")
    finally:
        logs.configure("WARNING", "console")
    logs.flush()
    output = "".join(capfd.readouterr())
    assert "alerts sent" in output
    assert "wrong-token-0123456789" not in output
    assert TOKEN not in output
    assert BOT_TOKEN.partition(":")[2] not in output
