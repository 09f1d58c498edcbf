"""Payments over real HTTP: whatever happens, each is carried out at most once, and its true end is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.application import running
from bot.provider.client import ProviderClient
from bot.provider.request import RetryPolicy
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.provider.responses import buffered, hang
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.settings import Settings
from tests.sandbox_bot import TICK, TOKEN, ask

QUICK_RETRIES = RetryPolicy(deadline=1.0, attempts=2, first_wait=0.05, longest_wait=0.1, jitter=0.0, drain_timeout=0.2)
YES = "✅ Pay €12.34"
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("bot.factories.ProviderClient", partial(ProviderClient, retries=QUICK_RETRIES))
    return sandbox.settings(tmp_path)


@pytest.fixture
def invoice(sandbox: Sandbox, account: Account) -> SandboxInvoice:
    return sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)


@pytest.fixture
async def question(
    sandbox: Sandbox, settings: Settings, invoice: SandboxInvoice, ada: Person, chat: Chat
) -> AsyncIterator[Message]:
    """The question of a running bot."""
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield await ask(chat, ada, f"/pay {invoice.id}", "Pay €12.34")


async def test_after_a_payment_every_message_that_shows_the_invoice_is_drawn_anew(
    question: Message, ada: Person, chat: Chat, invoice: SandboxInvoice
) -> None:
    details = await ask(chat, ada, f"/invoice {invoice.id}", "Left to pay: €12.34")
    listing = await ask(chat, ada, "/invoices open", f"{invoice.id}")
    ada.press(question, YES)
    await chat.wait_for(lambda m: m is details and "Left to pay" not in m.text)
    await chat.wait_for(lambda m: m is listing and str(invoice.id) not in m.text)
    assert not [button for button in details.buttons if (button.data or "").startswith("pay:")]


class Proxy:
    """Stands before the provider. Something can happen before or after a POST is carried out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.posts = 0
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], Awaitable[object]] | None = None
        self.doubles = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self.posts += 1
        body = await receive()  # so small that it comes in one piece

        async def first() -> object:
            return body

        self.before()
        if self.doubles or self.after is not None:
            await buffered(self._app, scope, first)  # type: ignore[arg-type]
        if self.after is not None:
            await self.after()
            await hang(receive)
        else:
            await self._app(scope, first, send)  # type: ignore[arg-type]


@pytest.fixture
def proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    proxy = Proxy(sandbox.provider.faults)
    monkeypatch.setattr(sandbox.provider, "faults", proxy)
    return proxy


def executions(sandbox: Sandbox, invoice: SandboxInvoice) -> int:
    return sandbox.provider.executed(Call.PAY, invoice.id)


async def becomes(question: Message, *parts: str) -> str:
    """Wait until the question's message says this. It is then the last message in the chat."""
    await question.chat.wait_for(lambda m: m is question and all(part in m.text for part in parts))
    assert question.chat.messages[-1] is question
    return question.text


# --- Presses --------------------------------------------------------------------------------------------------------


async def test_a_double_tap_pays_once(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    data = question.button(YES).data or ""
    taps = ada.press(question, YES), ada.press(question, YES)
    await becomes(question, "is paid", "€12.34")
    assert (await ada.forge(question, data).answered()).show_alert
    assert [bool((await tap.answered()).text) for tap in taps] == [False, True]
    assert executions(sandbox, invoice) == 1
    assert "is paid" in question.text


async def test_one_press_under_two_update_ids_pays_once(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.HANG_AFTER, Call.PAY)
    for press in ada.press_twice_delivered(question, YES):
        await press.answered()
    await becomes(question, "is paid", "€12.34")
    assert executions(sandbox, invoice) == 1


async def test_somebody_elses_press_pays_nothing(sandbox: Sandbox, invoice: SandboxInvoice, question: Message) -> None:
    before, bob = question.text, sandbox.telegram.add_user("Bob", language_code="en")
    answer = await bob.forge(question, question.button(YES).data or "").answered()
    assert (answer.show_alert, "Only the person" in answer.text) == (True, True)
    assert (executions(sandbox, invoice), question.text) == (0, before)


async def test_a_press_forwarded_to_a_group_pays_nothing(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    elsewhere = await ask(group, ada, "/help", "/unlink")
    assert (await ada.forge(elsewhere, question.button(YES).data or "").answered()).show_alert
    assert executions(sandbox, invoice) == 0
    ada.press(question, YES)
    await becomes(question, "is paid")


@pytest.mark.parametrize("data", ["yes", "yes:", "yes:4711", "yes:../1", f"yes:{'x' * 60}", "sum:1", "pick:1:all"])
async def test_forged_callback_data_pays_nothing(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message, data: str
) -> None:
    before = question.text
    assert (await ada.forge(question, data).answered()).show_alert
    assert (executions(sandbox, invoice), question.text) == (0, before)


async def test_two_chats_of_one_account_pressing_at_once_pay_once_and_both_are_told_the_truth(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    bob = sandbox.telegram.add_user("Bob", language_code="en")
    other = sandbox.telegram.private_chat(bob)
    await ask(other, bob, f"/link {TOKEN}", "linked")
    second = await ask(other, bob, f"/pay {invoice.id}", "Pay €12.34")
    sandbox.provider.faults.switch_on(Fault.DRIP, Call.PAY)
    presses = [(ada.press(question, YES), question), (bob.press(second, YES), second)]
    refused = [message for press, message in presses if "already running" in (await press.answered()).text]
    ends = []
    for _, message in presses:
        if message not in refused:
            await message.chat.wait_for(lambda m, shown=message: m is shown and m.text[0] not in "💳⏳")  # type: ignore[misc]
            ends.append("is paid" in message.text)
    # A press while the other payment runs is told so. A press right after it is told that the invoice has changed.
    assert ends in ([True], [True, False], [False, True])
    assert all(message.text.startswith("💳 Pay €12.34") for message in refused)
    assert executions(sandbox, invoice) == 1


async def test_an_expired_question_pays_nothing_and_can_be_asked_anew(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    sandbox.clock.put_forward(TEN_MINUTES)
    ada.press(question, YES)
    await becomes(question, "has expired. Nothing was done.")
    assert executions(sandbox, invoice) == 0
    ada.press(question, f"pay:{invoice.id}")
    anew = await question.chat.wait_for(lambda m: "Pay €12.34" in m.text, after=question)
    ada.press(anew, YES)
    await becomes(anew, "is paid")
    assert executions(sandbox, invoice) == 1


# --- Answers --------------------------------------------------------------------------------------------------------

SPOILED = {
    "time-out after execution": Fault.HANG_AFTER,
    "connection cut after execution": Fault.CUT_AFTER,
    "500 after execution": Fault.ERROR_AFTER,
    "200 with HTML": Fault.HTML_INSTEAD,
    "200 with an empty body": Fault.EMPTY,
    "204": Fault.NO_CONTENT,
    "200 cut off in its body": Fault.CUT_BODY,
    "200 of another type": Fault.WRONG_TYPE,
}
LOST = {
    "time-out before execution": Fault.HANG_BEFORE,
    "connection cut before execution": Fault.CUT_BEFORE,
    "500 with HTML before execution": Fault.DOWN_HTML,
    "a redirect": Fault.REDIRECT,
}


@pytest.mark.parametrize("fault", SPOILED.values(), ids=SPOILED)
async def test_if_the_invoice_is_paid_it_is_told_as_paid_whatever_the_answer(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault, Call.PAY)
    ada.press(question, YES)
    await becomes(question, f"Invoice {invoice.id} is paid", "€12.34")
    assert executions(sandbox, invoice) == 1


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
async def test_if_the_invoice_stays_unpaid_after_a_lost_answer_the_end_is_unclear(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault, Call.PAY)
    ada.press(question, YES)
    await becomes(question, "asked the provider to pay €12.34", "no confirmation yet")
    sandbox.clock.put_forward(TEN_MINUTES + timedelta(seconds=1))
    await becomes(question, "could not find out whether €12.34 was paid")
    assert executions(sandbox, invoice) == 0


async def test_a_request_that_arrives_twice_is_told_as_paid_although_the_answer_is_a_refusal(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, proxy: Proxy, question: Message
) -> None:
    proxy.doubles = True
    ada.press(question, YES)
    await becomes(question, f"Invoice {invoice.id} is paid", "€12.34")
    assert executions(sandbox, invoice) == 1


async def test_a_refusal_is_told_in_the_providers_words(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.REFUSED, Call.PAY, message="Not on Sundays.")
    ada.press(question, YES)
    await becomes(question, "was not paid", "“Not on Sundays.”")
    assert executions(sandbox, invoice) == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.TOKEN_REVOKED, "does not accept this token"),
        (Fault.PERMISSION_MISSING, "lacks the permission access_invoices"),
        (Fault.RATE_LIMIT, "too many requests"),
        (Fault.DOWN, "can't be reached"),
        (Fault.HTML_INSTEAD, "that I don't understand"),
    ],
)
async def test_an_invoice_that_cannot_be_read_again_is_not_paid_and_the_reason_is_told(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message, fault: Fault, words: str
) -> None:
    sandbox.provider.faults.switch_on(fault, Call.INVOICE)
    ada.press(question, YES)
    await becomes(question, f"Invoice {invoice.id} was not paid. Nothing was done.", words)
    assert executions(sandbox, invoice) == 0


# --- What happened meanwhile ----------------------------------------------------------------------------------------


async def test_partial_credit_is_told_as_such(
    sandbox: Sandbox, account: Account, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    account.credit = Decimal("5.00")
    ada.press(question, YES)
    await becomes(question, f"only part of invoice {invoice.id}", "Left to pay: €7.34")
    assert executions(sandbox, invoice) == 1


async def test_an_amount_that_changed_meanwhile_is_not_paid(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    invoice.net += 1
    ada.press(question, YES)
    await becomes(question, "has changed since it was shown to you", "Left to pay now: €")
    assert executions(sandbox, invoice) == 0


async def test_an_invoice_that_was_paid_elsewhere_is_not_paid_again(
    sandbox: Sandbox, account: Account, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    sandbox.provider.pay(account, invoice)
    ada.press(question, YES)
    await becomes(question, "has changed since it was shown to you", "It has already been paid.")
    assert executions(sandbox, invoice) == 1


async def test_an_invoice_that_was_paid_elsewhere_at_the_last_moment_is_told_as_paid(
    sandbox: Sandbox, account: Account, invoice: SandboxInvoice, ada: Person, proxy: Proxy, question: Message
) -> None:
    proxy.before = partial(sandbox.provider.pay, account, invoice)
    ada.press(question, YES)
    await becomes(question, f"Invoice {invoice.id} is paid")
    assert executions(sandbox, invoice) == 1


async def test_an_invoice_that_was_cancelled_meanwhile_is_not_paid(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, question: Message
) -> None:
    sandbox.provider.cancel(invoice.id)
    ada.press(question, YES)
    await becomes(question, "has changed since it was shown to you", "Its status now: Cancelled")
    assert executions(sandbox, invoice) == 0


async def test_an_invoice_that_was_cancelled_at_the_last_moment_is_unclear_and_the_refusal_is_told(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, proxy: Proxy, question: Message
) -> None:
    proxy.before = partial(sandbox.provider.cancel, invoice.id)
    ada.press(question, YES)
    await becomes(question, "could not find out whether €12.34 was paid", "“The invoice is not open.”")
    assert executions(sandbox, invoice) == 0


async def test_a_bot_that_died_halfway_reads_once_it_is_back_and_sends_nothing_again(
    sandbox: Sandbox,
    settings: Settings,
    invoice: SandboxInvoice,
    ada: Person,
    chat: Chat,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.application.GRACE_PERIOD", 0.0)
    carried_out = asyncio.Event()

    async def tell() -> None:
        carried_out.set()

    proxy.after = tell
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €12.34")
        ada.press(question, YES)
        await asyncio.wait_for(carried_out.wait(), 5)
    assert "⏳ Paying €12.34" in question.text
    async with running(settings, clock=sandbox.clock, tick=TICK):
        sandbox.clock.put_forward(timedelta(seconds=10))
        await becomes(question, f"Invoice {invoice.id} is paid", "€12.34")
    assert (proxy.posts, executions(sandbox, invoice)) == (1, 1)
