"""Odd answers of the provider, over real HTTP: nobody sees another's data, and files are whole or not sent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from bot.sandbox.telegram.models import StoredFile
from tests.sandbox_bot import TICK, TOKEN, ask, checked, says

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


async def test_a_file_is_sent_whole_under_its_own_name_or_a_sentence_says_why_not(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    faults = sandbox.provider.faults

    def new() -> int:
        """Return an invoice whose PDF nobody has got yet."""
        return sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=20).id

    async def fetch(command: str) -> StoredFile:
        sent = ada.send(chat, command)
        document = (await chat.wait_for(lambda message: message.document is not None, after=sent)).document
        assert document is not None
        return document

    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")

        faults.switch_on(Fault.CUT_FILE, on=Call.PDF, times=1)
        whole = await fetch(f"/pdf {new()}")
        assert whole.content.startswith(b"%PDF-")
        assert whole.content.rstrip().endswith(b"%%EOF")

        faults.switch_on(Fault.CUT_FILE, on=Call.PDF)
        await ask(chat, ada, f"/pdf {new()}", "an answer that I don't understand")
        faults.switch_off()

        faults.switch_on(Fault.WRONG_TYPE, on=Call.PDF)
        assert (await fetch(f"/pdf {new()}")).content.startswith(b"%PDF-")
        faults.switch_off()

        faults.switch_on(Fault.WRAPPED_FILE, on=Call.PDF)
        await ask(chat, ada, f"/pdf {new()}", "an answer that I don't understand")
        faults.switch_off()

        faults.switch_on(Fault.OTHER_NAME, on=Call.PDF)
        number = new()
        assert (await fetch(f"/pdf {number}")).name == f"invoice-{number}.pdf"
        faults.switch_off()

        faults.switch_on(Fault.EMPTY_ARCHIVE, on=Call.ARCHIVE)
        await ask(chat, ada, "/archive hosting", "no invoice in it")
        faults.switch_off()

        faults.switch_on(Fault.CUT_FILE, on=Call.ARCHIVE, times=1)
        assert (await fetch("/archive hosting")).content.startswith(b"PK")


@pytest.mark.parametrize("fault", [Fault.LONG_HEADER, Fault.BYTE_ORDER_MARK])
async def test_a_long_header_and_a_byte_order_mark_are_nothing(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault)
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        await ask(chat, ada, "/invoices", "Your invoices", str(max(account.invoices)))


async def test_what_the_http_library_refuses_is_logged_by_name(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        sandbox.provider.faults.switch_on(Fault.BREAKS_HTTP)
        with capture_logs() as logs:
            await ask(chat, ada, "/invoices", "an answer that I don't understand")
            await ask(chat, ada, "/check", "an answer that I don't understand")
    named = [line["event"] for line in logs if line["log_level"] != "debug" and "Duplicate Content-Length" in str(line)]
    assert named == ["request can't be met", "account can't be read", "request can't be met"]


async def test_an_invoice_that_cannot_be_read_is_named_in_alert_list_and_check(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        greeting = await ask(chat, ada, f"/link {TOKEN}", "linked")
        sandbox.provider.faults.switch_on(Fault.BROKEN_INVOICE)
        await chat.wait_for(says("1 of your invoices can't be read", "It is invoice 99."), after=greeting)
        await ask(chat, ada, "/invoices", "could not be read", "It is invoice 99.")
        await checked(chat, lambda: ada.send(chat, "/check"), "It is invoice 99.")
