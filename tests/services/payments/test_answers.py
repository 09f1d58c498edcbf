"""Whatever the provider answers, the end of a payment is what the invoice says afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.chats import Token
from bot.domain.payments import Outcome, State
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    PaymentInProgress,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
)
from tests.fakes import Gate, invoice, settled
from tests.services.world import DUE, MINUTE, OPEN, SECOND, World

REFUSALS = [
    (Refused(422, "not enough credit"), "error.refused", "not enough credit"),
    (Refused(400), "error.refused_without_reason", ""),
    (NotFound(), "error.not_found", ""),
    (TokenRefused(), "error.token_refused", ""),
    (PermissionMissing("access_invoices"), "error.permission_missing", ""),
    (RateLimited(30), "error.rate_limited", ""),
]
HALFWAY = [AnswerNotUnderstood("HTML"), ProviderDown(), RuntimeError("a bug")]


@pytest.mark.parametrize(("error", "key", "reason"), REFUSALS)
async def test_a_clear_refusal_of_an_unchanged_invoice_ends_it_and_its_words_are_kept(
    paying: World, error: ProviderError, key: str, reason: str
) -> None:
    paying.provider.errors["pay"] = error
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.REFUSED]
    assert (paying.messenger.shown[-1].error, paying.messenger.shown[-1].reason) == (key, reason)
    await paying.reconcile_for(15 * MINUTE, MINUTE)
    assert len(paying.provider.posts) == 1
    assert paying.provider.executed == []


@pytest.mark.parametrize("error", [error for error, _, _ in REFUSALS], ids=lambda error: type(error).__name__)
async def test_a_refusal_is_not_believed_if_the_invoice_is_paid(paying: World, error: ProviderError) -> None:
    """The request arrives twice. The second is refused because the first was carried out."""
    paying.provider.lost["pay"] = error
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.DONE]


async def test_a_refusal_with_a_part_paid_means_partly(paying: World) -> None:
    paying.account.balance = Decimal(4)
    paying.provider.lost["pay"] = Refused(422, "not enough credit")
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.PARTLY]


async def test_a_refusal_with_the_invoice_cancelled_is_unclear_and_keeps_its_words(paying: World) -> None:
    paying.provider.errors["pay"] = Refused(422, "not open")
    await confirmed_and_then(paying, lambda: paying.account.put(settled(OPEN, "Cancelled")))
    assert paying.endings() == [Outcome.UNCLEAR]
    assert paying.messenger.shown[-1].reason == "not open"


async def test_a_refusal_with_the_invoice_changed_is_looked_at_further(paying: World) -> None:
    paying.provider.errors["pay"] = Refused(422, "not now")
    await confirmed_and_then(paying, lambda: paying.account.put(replace(OPEN, status="Payment Pending")))
    assert paying.states()[-1] is State.SENT
    paying.account.put(settled(OPEN))
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == [Outcome.DONE]


@pytest.mark.parametrize("paid", [False, True])
async def test_a_refusal_is_reconciled_as_soon_as_the_invoice_can_be_read(paying: World, paid: bool) -> None:
    paying.provider.errors["pay"] = Refused(422, "not open")
    await confirmed_and_then(paying, lambda: paying.provider.errors.update(invoice=ProviderDown()))
    assert paying.states()[-1] is State.SENT
    await paying.restart()
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == []
    del paying.provider.errors["invoice"]
    if paid:
        paying.account.put(settled(OPEN))
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == [Outcome.DONE if paid else Outcome.REFUSED]
    assert paying.messenger.shown[-1].reason == "not open"


async def confirmed_and_then(world: World, happen: Callable[[], None]) -> None:
    """Confirm a payment, and let something happen once its request has arrived."""
    world.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(world.press((await world.ask()).id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    happen()
    gate.open()
    await press


async def test_after_a_refusal_a_fresh_question_can_be_pressed(paying: World) -> None:
    paying.provider.errors["pay"] = Refused(422, "not enough credit")
    await paying.press((await paying.ask()).id)
    paying.provider.errors.clear()
    await paying.press((await paying.ask()).id)
    assert paying.provider.executed == [("pay", 7)]
    assert paying.endings() == [Outcome.REFUSED, Outcome.DONE]


async def test_a_request_that_surely_never_left_is_said_to_have_done_nothing(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderUnreachable()
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.NOT_SENT]
    assert paying.provider.calls[-1][0] == "pay"
    await paying.reconcile_for(15 * MINUTE, MINUTE)
    assert len(paying.provider.posts) == 1


@pytest.mark.parametrize("error", HALFWAY, ids=lambda error: type(error).__name__)
async def test_if_the_answer_is_lost_after_the_payment_reading_finds_it_done(paying: World, error: Exception) -> None:
    paying.provider.lost["pay"] = error
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


@pytest.mark.parametrize("error", HALFWAY, ids=lambda error: type(error).__name__)
async def test_if_the_answer_is_lost_before_the_payment_the_end_is_unclear_once_time_is_up(
    paying: World, error: Exception
) -> None:
    paying.provider.errors["pay"] = error
    question = await paying.ask()
    await paying.press(question.id)
    assert paying.states() == [State.CONFIRMED, State.SENT]
    await paying.reconcile_for(9 * MINUTE)
    assert paying.endings() == []
    with pytest.raises(PaymentInProgress):
        await paying.press((await paying.ask()).id)
    await paying.reconcile_for(3 * MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]
    assert paying.provider.posts == [("pay", 7)]
    await paying.reconcile_for(15 * MINUTE, MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]
    assert (await paying.payment(question.id)).told


async def test_a_payment_that_goes_through_late_is_told_when_it_does(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    await paying.reconcile_for(4 * MINUTE)
    paying.account.put(settled(OPEN))
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]
    # The person has put the phone away by now.
    assert paying.messenger.replies == [[Outcome.DONE]]


@pytest.mark.parametrize("span", [MINUTE, 12 * MINUTE], ids=["still running", "unclear"])
async def test_a_new_question_warns_while_the_end_of_an_earlier_payment_is_unknown(
    paying: World, span: timedelta
) -> None:
    paying.account.put(invoice(8, DUE))
    paying.provider.errors["pay"] = ProviderDown()
    assert not (await paying.ask()).doubtful
    await paying.press((await paying.ask()).id)
    await paying.reconcile_for(span)
    assert (await paying.ask()).doubtful
    assert not (await paying.ask(8)).doubtful
    assert [one.doubtful for one in await paying.ask_several(7, 8)] == [True, False]


async def test_an_end_that_comes_while_the_person_watches_does_not_ring(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN))
    await paying.reconcile_for(MINUTE / 2)
    assert paying.endings() == [Outcome.DONE]
    assert paying.messenger.replies == []


async def test_an_invoice_that_cannot_be_read_afterwards_is_looked_at_until_it_can(paying: World) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    paying.provider.errors["invoice"] = ProviderDown()
    gate.open()
    await press
    assert paying.states()[-1] is State.SENT
    await paying.reconcile_for(5 * MINUTE)
    assert paying.endings() == []
    paying.provider.errors.clear()
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]


@pytest.mark.parametrize("error", [TokenRefused(), ProviderDown(), RuntimeError("a bug")])
async def test_an_invoice_that_can_never_be_read_again_ends_unclear(paying: World, error: Exception) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    paying.provider.errors["invoice"] = error  # the token was revoked in between, say
    gate.open()
    await press
    await paying.reconcile_for(12 * MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]
    assert paying.messenger.shown[-1].error == (error.key if isinstance(error, ProviderError) else "error.unexpected")
    assert len(paying.provider.posts) == 1


async def test_a_chat_unlinked_during_a_payment_is_told_that_the_end_is_unclear(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    await paying.store.unlink(1)
    await paying.reconcile_for(12 * MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]
    assert await paying.store.unsettled_payments() == []


async def test_the_invoice_of_the_same_number_in_another_account_says_nothing_about_the_end(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.provider.account("token-of-another").put(settled(OPEN))
    link = replace(await paying.linked(), account="another", token=Token("token-of-another"))
    await paying.store.unlink(1)
    await paying.store.link(link, {})
    await paying.reconcile_for(12 * MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]


async def test_an_invoice_cancelled_after_the_request_left_is_unclear(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN, "Cancelled"))
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]


async def test_looks_come_soon_at_first_and_rarely_later(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    before = len(paying.provider.calls_of("invoice"))
    await paying.reconcile_for(10 * SECOND, SECOND)
    assert len(paying.provider.calls_of("invoice")) > before
    await paying.reconcile_for(9 * MINUTE, SECOND)
    assert len(paying.provider.calls_of("invoice")) - before < 25
