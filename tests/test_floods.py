"""One chat's flood is nobody else's: whoever has not flooded gets an answer, and alerts, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import application
from bot.application import InvoiceBot, running
from bot.domain.chats import Link, Place, Token, Watch
from bot.sandbox.provider.faults import Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from bot.sandbox.telegram.limits import SendLimits
from tests.sandbox_bot import TICK, TOKEN, ask, says

WITHIN = 10.0
"""Seconds. On a machine of its own it takes less than one (`benchmarks.floods`); with any flood unchecked, over 20."""


@pytest.fixture
async def bot(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InvoiceBot]:
    """The bot, polling a Telegram with its limits, and stopping without waiting for what a flood has left."""
    monkeypatch.setattr(application, "GRACE_PERIOD", 0.05)
    sandbox.telegram.limits = SendLimits()
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK) as bot:
        yield bot


@pytest.fixture
async def ada_linked(bot: InvoiceBot, account: Account, ada: Person, chat: Chat) -> Person:
    await ask(chat, ada, f"/link {TOKEN}", "linked")
    return ada


def add_person(sandbox: Sandbox, name: str) -> tuple[Person, Chat]:
    person = sandbox.telegram.add_user(name, language_code="en")
    return person, sandbox.telegram.private_chat(person)


def flood(person: Person, chat: Chat, messages: int, text: str = "/help") -> None:
    for _ in range(messages):
        person.send(chat, text)


@pytest.mark.parametrize("messages", [200, 1000])
@pytest.mark.usefixtures("ada_linked")
async def test_behind_a_flood_of_one_chat_customers_and_strangers_are_answered_at_once(
    messages: int, sandbox: Sandbox, ada: Person, chat: Chat
) -> None:
    with capture_logs() as logged:
        flood(*add_person(sandbox, "Flooder"), messages)
        bob, bobs = add_person(sandbox, "Bob")
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(ask(chat, ada, "/status", "Linked since"), ask(bobs, bob, "/help", "/invoices"))
    assert len([entry for entry in logged if entry["log_level"] == "warning"]) == 1
    assert not [call for call in sandbox.telegram.calls if call.status == 429]


async def test_a_customer_who_floods_goes_after_others_too(ada_linked: Person, chat: Chat, sandbox: Sandbox) -> None:
    flood(ada_linked, chat, 1000)
    bob, bobs = add_person(sandbox, "Bob")
    async with asyncio.timeout(WITHIN):
        await ask(bobs, bob, "/help", "/invoices")


async def test_while_a_chat_floods_without_end_others_are_answered_at_once(
    ada_linked: Person, chat: Chat, sandbox: Sandbox
) -> None:
    flooder, floods = add_person(sandbox, "Flooder")

    async def go_on() -> None:
        while True:
            flood(flooder, floods, 10)
            await asyncio.sleep(0.1)

    flooding = asyncio.create_task(go_on())
    for _ in range(6):
        async with asyncio.timeout(WITHIN):
            await ask(chat, ada_linked, "/status", "Linked since")
        await asyncio.sleep(0.5)
    flooding.cancel()
    assert len([message for message in floods.history if message.sender.is_bot]) >= 15  # it is answered, too


async def test_a_flood_of_presses_holds_up_nobody(ada_linked: Person, chat: Chat, sandbox: Sandbox) -> None:
    flooder, floods = add_person(sandbox, "Flooder")
    menu = await ask(floods, flooder, "/settings")
    for _ in range(1000):
        flooder.press(menu, menu.buttons[0].text)
    async with asyncio.timeout(WITHIN):
        await ask(chat, ada_linked, "/status", "Linked since")


async def test_a_crowd_of_newcomers_holds_up_no_customer_and_no_alert(
    ada_linked: Person, account: Account, chat: Chat, sandbox: Sandbox
) -> None:
    newcomers = [add_person(sandbox, f"Newcomer {number}") for number in range(600)]
    for person, theirs in newcomers:
        person.send(theirs, "/start")
    for _ in range(3):
        async with asyncio.timeout(WITHIN):
            await ask(chat, ada_linked, "/status", "Linked since")
    invoice = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=20)
    async with asyncio.timeout(WITHIN + 1):  # and a second until the next check
        await chat.wait_for(says("New invoice", str(invoice.id)))
    answered = [len(theirs.history) > 1 for _, theirs in newcomers]
    assert answered == sorted(answered, reverse=True)  # they are served in the order in which they came
    assert sum(answered) > 20


async def test_a_member_who_floods_a_group_holds_up_no_other_member(bot: InvoiceBot, sandbox: Sandbox) -> None:
    flooder, bob = (sandbox.telegram.add_user(name, language_code="en") for name in ("Flooder", "Bob"))
    group = flooder.create_group("Flat", members=[bob])
    flooder.set_bot_status(group, "member")
    await link_chat(bot, group, flooder, sandbox.clock())
    flood(flooder, group, 200)
    async with asyncio.timeout(WITHIN):
        await ask(group, bob, "/status", "Linked since")


async def link_chat(bot: InvoiceBot, chat: Chat, person: Person, now: datetime) -> None:
    """Link a chat, as if that had been done before."""
    link = Link(
        account=bot._store.account_of("https://provider.example", Token(TOKEN)),
        place=Place(chat.id),
        token=Token(TOKEN),
        linked_by=person.id,
        linked_at=now,
        next_check_at=now + timedelta(days=1),
        watch=Watch(checked_at=now),
    )
    await bot._store.link(link, {})


async def test_a_slow_answer_amid_a_flood_holds_up_nobody(ada_linked: Person, chat: Chat, sandbox: Sandbox) -> None:
    carol, carols = add_person(sandbox, "Carol")
    sandbox.provider.add_account("sandbox-token-of-carol-0123456789")
    await ask(carols, carol, "/link sandbox-token-of-carol-0123456789", "linked")
    sandbox.provider.faults.switch_on(Fault.HANG_BEFORE)
    carol.send(carols, "/invoices")
    flood(*add_person(sandbox, "Flooder"), 1000)
    async with asyncio.timeout(WITHIN):
        await ask(chat, ada_linked, "/help", "/invoices")
