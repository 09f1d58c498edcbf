"""Slow answers are announced, and slow work blocks nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot import application
from bot.application import InvoiceBot
from bot.chat import dispatch
from bot.sandbox.telegram import ActionShown, Chat, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, link
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import invoice
from tests.sandbox_bot import until

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "TYPING_AFTER", 0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("text", "call"), [("/invoices", "list_invoices"), ("/invoice 1", "invoice"), ("/pay", "list_invoices")]
)
async def test_an_answer_that_takes_its_time_is_announced(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider, text: str, call: str
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates[call] = asyncio.Event()
    with telegram.subscribe() as changes:
        sent = ada.send(chat, text)
        async with asyncio.timeout(10):
            shown = await anext(change async for change in changes if isinstance(change, ActionShown))
    assert (shown.action, shown.chat.id) == ("typing", chat.id)
    gate.set()
    await chat.wait_for(from_bot(), after=sent)


async def test_a_quick_answer_is_not_announced(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    await ask(ada, chat, "/invoices", "Your invoices")
    assert telegram.calls_of("sendChatAction") == []


@pytest.mark.parametrize(("text", "call"), [("/pdf 1", "pdf"), ("/archive hosting", "archive")])
async def test_a_download_holds_up_no_other_answer(
    ada: Person, chat: Chat, provider: FakeProvider, text: str, call: str
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates[call] = asyncio.Event()
    ada.send(chat, text)
    await provider.reached()
    await ask(ada, chat, "/status", "Linked since")
    gate.set()
    await chat.wait_for(lambda message: message.document is not None)


async def test_a_payment_that_is_carried_out_holds_up_no_other_answer(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    question = await ask(ada, chat, "/pay 1", "Pay €7.95")
    gate = provider.gates["pay"] = asyncio.Event()
    ada.press(question, "✅ Pay €7.95")
    await provider.reached()
    await ask(ada, chat, "/status", "Linked since")
    gate.set()
    await chat.wait_for(from_bot("Invoice 1 is paid"))


async def test_payments_of_a_chat_do_not_wait_for_each_other(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    questions = [await ask(ada, chat, f"/pay {number}", "Pay €7.95") for number in (1, 2)]
    gate = provider.gates["pay"] = asyncio.Event()
    for question in questions:
        await ada.press(question, "✅ Pay €7.95").answered()
    await provider.reached(2)
    gate.set()
    for question in questions:
        await chat.wait_for(lambda m, question=question: m is question and "is paid" in m.text)  # type: ignore[misc]


async def test_a_cancel_that_is_pressed_after_the_confirmation_comes_too_late(
    ada: Person, chat: Chat, provider: FakeProvider, time: Time
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    first, second = [await ask(ada, chat, f"/pay {number}", "Pay €7.95") for number in (1, 2)]
    gate = provider.gates["invoice"] = asyncio.Event()
    ada.press(first, "✅ Pay €7.95")
    await provider.reached()
    cancel = second.button("✖️ Cancel").data or ""
    await ada.press(second, "✅ Pay €7.95").answered()
    time.forward(timedelta(minutes=11))  # what counts is when it was pressed
    assert (await ada.forge(second, cancel).answered()).text == "I'm already on it."
    gate.set()
    await chat.wait_for(lambda m: m is second and "is paid" in m.text)


async def test_a_download_that_waits_goes_by_what_holds_when_its_turn_comes(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    ada.send(chat, "/pdf 2")
    unlinking = await ask(ada, chat, "/unlink", "Remove the link?")
    await ada.press(unlinking, "🗑 Remove the link").answered()
    asked = len(provider.languages)
    gate.set()
    await chat.wait_for(from_bot("not linked"), after=unlinking)
    assert len(provider.languages) == asked


async def test_a_press_is_answered_when_its_download_is_queued(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    details = await ask(ada, chat, "/invoice 2", "Invoice 2")
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    assert (await ada.press(details, "📄 PDF").answered()).text == ""
    gate.set()
    await chat.wait_for(lambda message: message.document is not None and "2" in message.document.name)


async def test_a_chat_can_not_queue_downloads_without_end(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(*(invoice(number) for number in range(1, 8)))
    await link(ada, chat)
    gate = provider.gates["pdf"] = asyncio.Event()
    for number in range(1, 6):
        ada.send(chat, f"/pdf {number}")
    await ask(ada, chat, "/pdf 6", "still busy with your other files")
    await ask(ada, chat, "/archive hosting", "still busy with your other files")
    gate.set()
    await chat.wait_for(lambda message: message.document is not None and "5" in message.document.name)
    ada.send(chat, "/pdf 6")
    await chat.wait_for(lambda message: message.document is not None and "6" in message.document.name)


async def test_a_flood_of_presses_starts_one_download_of_each_and_one_at_a_time(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    details = await ask(ada, chat, "/invoice 1", "Invoice 1")
    gate = provider.gates["pdf"] = asyncio.Event()
    first = ada.press(details, "📄 PDF")
    await provider.reached()
    for _ in range(10):
        answer = await ada.press(details, "📄 PDF").answered()
        assert (answer.text, answer.show_alert) == ("I'm already on it.", False)
    ada.send(chat, "/pdf 2")
    await ask(ada, chat, "/pdf 1", "I'm already on it.")
    assert provider.held == 1
    gate.set()
    await chat.wait_for(lambda message: message.document is not None and "2" in message.document.name)
    await first.answered()
    names = [message.document.name for message in chat.messages if message.document is not None]
    assert names == ["Rechnung-1.pdf", "Rechnung-2.pdf"]


async def test_what_is_slow_ends_the_wait_for_a_token_as_any_command_does(
    ada: Person, chat: Chat, store: Store
) -> None:
    await ask(ada, chat, "/link", "Send me your API token")
    await ask(ada, chat, "/pdf 1", "not linked")
    assert (await store.chat(chat.id)).awaiting_token_until is None


async def test_stopping_lets_a_download_come_to_its_end(
    ada: Person, chat: Chat, provider: FakeProvider, invoice_bot: InvoiceBot
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    asyncio.get_running_loop().call_later(0.05, gate.set)
    await invoice_bot.stop()
    assert chat.messages[-1].document is not None


@pytest.mark.usefixtures("hasty")
async def test_a_download_that_a_stop_cuts_off_is_not_confirmed_and_holds_the_stop_up_no_longer(
    ada: Person, chat: Chat, provider: FakeProvider, invoice_bot: InvoiceBot, telegram: SandboxTelegram
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    ada.send(chat, "/pdf 2")
    last = await ask(ada, chat, "/status")
    await asyncio.wait_for(invoice_bot.stop(), 5)
    assert [message for message in chat.messages if message.id > last.id] == []
    assert telegram.state.updates.pending == 3  # the second download too, and what came behind the first


async def test_a_download_is_confirmed_once_the_file_is_there(
    ada: Person, chat: Chat, provider: FakeProvider, telegram: SandboxTelegram
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    await ask(ada, chat, "/status")
    assert telegram.state.updates.pending == 2
    gate.set()
    await chat.wait_for(lambda message: message.document is not None)
    await until(lambda: not telegram.state.updates.pending)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stop wait for almost nothing."""
    monkeypatch.setattr(application, "GRACE_PERIOD", 0.05)
