"""kill -9 at each step of a payment, and a restart: with a real process, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TOKEN, ask, process, until

pytestmark = pytest.mark.timeout(150)  # two processes are started in each

LATER = 660
"""Seconds by which the clock of the second process is ahead: whatever is still open then comes to its end."""

Reached = Callable[[], object]
Prepare = Callable[[Sandbox], Reached]


def _requests(sandbox: Sandbox, method: str) -> int:
    return sum(1 for request in sandbox.provider.requests if request.method == method and request.path[-1].isdigit())


def while_the_press_is_answered(sandbox: Sandbox) -> Reached:
    sandbox.telegram.faults.silence(delivered=False, method="answerCallbackQuery")
    return lambda: sandbox.telegram.calls_of("answerCallbackQuery")


def while_it_shows_that_it_pays(sandbox: Sandbox) -> Reached:
    sandbox.telegram.faults.silence(delivered=False, method="editMessageText")
    return lambda: sandbox.telegram.calls_of("editMessageText")


def while_it_reads_the_invoice_again(sandbox: Sandbox) -> Reached:
    sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.INVOICE)
    before = _requests(sandbox, "GET")
    return lambda: _requests(sandbox, "GET") > before


def before_the_request_is_carried_out(sandbox: Sandbox) -> Reached:
    sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.PAY)
    return lambda: any(request.method == "POST" for request in sandbox.provider.requests)


def after_the_request_was_carried_out(sandbox: Sandbox) -> Reached:
    sandbox.provider.faults.switch_on(Fault.HANG_AFTER, Call.PAY)
    return lambda: sandbox.provider.executions


def while_it_reads_how_it_ended(sandbox: Sandbox) -> Reached:
    before = _requests(sandbox, "GET")
    _once_paid(sandbox, lambda: sandbox.provider.faults.switch_on(Fault.HANG_BEFORE, Call.INVOICE))
    return lambda: _requests(sandbox, "GET") > before + 1


def while_it_tells_the_end(sandbox: Sandbox) -> Reached:
    _once_paid(sandbox, lambda: sandbox.telegram.faults.silence(delivered=False, method="editMessageText"))
    return lambda: len(sandbox.telegram.calls_of("editMessageText")) > 1


def after_the_end_was_shown_before_that_is_noted(sandbox: Sandbox) -> Reached:
    _once_paid(sandbox, lambda: sandbox.telegram.faults.silence(delivered=True, method="editMessageText"))
    return lambda: len(sandbox.telegram.calls_of("editMessageText")) > 1


def after_all(sandbox: Sandbox) -> Reached:
    return lambda: len(sandbox.telegram.calls_of("editMessageText")) > 1


def _once_paid(sandbox: Sandbox, then: Callable[[], object]) -> None:
    pay = sandbox.provider.pay

    def pay_and_then(account: Account, invoice: SandboxInvoice) -> None:
        pay(account, invoice)
        then()

    sandbox.provider.pay = pay_and_then  # type: ignore[method-assign]


STEPS: list[Prepare] = [
    while_the_press_is_answered,
    while_it_shows_that_it_pays,
    while_it_reads_the_invoice_again,
    before_the_request_is_carried_out,
    after_the_request_was_carried_out,
    while_it_reads_how_it_ended,
    while_it_tells_the_end,
    after_the_end_was_shown_before_that_is_noted,
    after_all,
]


ENDED_BEFORE_THE_KILL = {while_it_tells_the_end, after_the_end_was_shown_before_that_is_noted, after_all}
"""Where the payment ended while the person still watched. A later end is told in a message of its own as well."""


async def came_to_its_end(question: Message) -> str:
    """Wait for the end in the question's message. Return its text."""
    await question.chat.wait_for(lambda m: m is question and "⏳" not in m.text and "Please confirm" not in m.text, 20)
    return question.text


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_after_kill_minus_nine_at_any_step_it_pays_at_most_once_and_tells_the_truth(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, step: Prepare
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)
    async with process(sandbox, tmp_path):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €12.34")
        reached = step(sandbox)
        ada.press(question, "✅ Pay €12.34")
        await until(reached)
    sandbox.provider.faults.switch_off()
    sandbox.telegram.faults.clear()
    async with process(sandbox, tmp_path, LATER):
        text = await came_to_its_end(question)
        if step not in ENDED_BEFORE_THE_KILL:
            await chat.wait_for(lambda message: message is not question and message.text == text)
        await ask(chat, ada, "/status", "Linked since")  # it works on
    assert [message.text for message in chat.messages].count(text) == 1 + (step not in ENDED_BEFORE_THE_KILL)
    executed = sandbox.provider.executed(Call.PAY, invoice.id)
    assert executed <= 1
    assert sum(1 for request in sandbox.provider.requests if request.method == "POST") <= 1
    if executed:
        assert text.startswith(f"✅ Invoice {invoice.id} is paid: €12.34")
    else:
        assert "was not paid. Nothing was done." in text or "could not find out whether €12.34 was paid" in text


async def test_after_kill_minus_nine_in_a_batch_the_rest_is_not_paid_and_that_is_told(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    account.invoices.clear()
    numbers = [sandbox.provider.create_invoice(account, Decimal(5), due_in_days=n).id for n in (3, 4, 5)]
    async with process(sandbox, tmp_path):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        question = await ask(chat, ada, "/pay", "Which invoice")
        await ada.press(question, "☑ All of them").answered()
        _once_paid(sandbox, lambda: sandbox.provider.faults.switch_on(Fault.HANG_AFTER, Call.PAY))
        ada.press(question, "✅ Pay €15.00")
        await until(lambda: sandbox.provider.executed(Call.PAY, numbers[1]))
    sandbox.provider.faults.switch_off()
    async with process(sandbox, tmp_path, LATER):
        text = await came_to_its_end(question)
    assert [sandbox.provider.executed(Call.PAY, number) for number in numbers] == [1, 1, 0]
    assert text.splitlines()[2:] == [
        f"✅ {numbers[0]} · €5.00",
        f"✅ {numbers[1]} · €5.00",
        f"➖ {numbers[2]} · €5.00: not carried out.",
    ]
