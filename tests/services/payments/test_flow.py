"""Paying with credit: what is asked, what a press does, and which presses count."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.chats import Place
from bot.domain.payments import Action, Outcome, PaymentRules, State
from bot.errors import (
    AnswerNotUnderstood,
    ConfirmationExpired,
    NoCreditApplied,
    NotFound,
    NothingToPay,
    NotLinked,
    PaymentTooLarge,
    PermissionMissing,
    PressByOther,
    ProviderDown,
    ProviderUnreachable,
    RateLimited,
    TokenRefused,
    UnclearSum,
)
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, BOB, CREDITED, DUE, MESSAGE, MINUTE, OPEN, SECOND, World, member

# --- Asking ----------------------------------------------------------------------------------------------------------


async def test_the_question_binds_who_where_what_and_until_when(paying: World) -> None:
    question = await paying.ask()
    assert await paying.payment(question.id) == question
    assert (question.account, question.invoice_id) == ((await paying.linked()).account, 7)
    assert (question.place, question.user_id) == (Place(1), ADA)
    assert (question.amount, question.credit, question.due) == (Decimal(10), Decimal(0), DUE)
    assert question.expires_at == paying.clock.now + 10 * MINUTE
    assert paying.provider.posts == []


@pytest.mark.parametrize(
    ("asked", "action", "error"),
    [
        (settled(OPEN), Action.PAY, NothingToPay),
        (invoice(7, DUE, "0.00"), Action.PAY, NothingToPay),
        (replace(OPEN, credit=Decimal(10)), Action.PAY, NothingToPay),
        (replace(CREDITED, subtotal=None), Action.PAY, UnclearSum),
        (OPEN, Action.REMOVE_CREDIT, NoCreditApplied),
        (settled(CREDITED), Action.REMOVE_CREDIT, NoCreditApplied),
    ],
)
async def test_there_is_no_question_about_what_makes_no_sense(
    paying: World, asked: object, action: Action, error: type[Exception]
) -> None:
    paying.account.put(asked)  # type: ignore[arg-type]
    with pytest.raises(error):
        await paying.ask(action=action)


async def test_a_chat_that_is_not_linked_cannot_ask(world: World) -> None:
    with pytest.raises(NotLinked):
        await world.ask(chat_id=5)


async def test_no_two_questions_share_an_id(paying: World) -> None:
    ids = {(await paying.ask()).id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(f"yes:{number}".encode()) <= 64 for number in ids)


# --- One press -------------------------------------------------------------------------------------------------------


async def test_a_press_pays_once_and_shows_each_step(paying: World) -> None:
    question = await paying.ask()
    await paying.press(question.id)
    assert paying.provider.executed == [("pay", 7)]
    assert paying.states() == [State.CONFIRMED, State.ENDED]
    assert paying.endings() == [Outcome.DONE]
    assert {payment.message_id for payment in paying.messenger.shown} == {MESSAGE}
    stored = await paying.payment(question.id)
    assert (stored.state, stored.outcome, stored.told) == (State.ENDED, Outcome.DONE, True)


async def test_taking_credit_back_goes_the_same_way(paying: World) -> None:
    paying.account.put(CREDITED)
    await paying.press((await paying.ask(action=Action.REMOVE_CREDIT)).id)
    assert paying.provider.posts == [("remove_credit", 7)]
    assert paying.endings() == [Outcome.DONE]


async def test_credit_that_covers_a_part_only_says_what_is_left(paying: World) -> None:
    paying.account.balance = Decimal("3.50")
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.PARTLY]
    assert paying.messenger.shown[-1].left == Decimal("6.50")


async def test_the_person_sees_that_it_is_being_paid_before_the_request_leaves(paying: World) -> None:
    question = await paying.ask()
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert paying.states() == [State.CONFIRMED]
    assert (await paying.payment(question.id)).state is State.SENT
    gate.open()
    await press


async def test_a_paid_invoice_is_not_looked_at_again(paying: World) -> None:
    await paying.press((await paying.ask()).id)
    calls = len(paying.provider.calls)
    await paying.reconcile_for(30 * MINUTE, MINUTE)
    assert len(paying.provider.calls) == calls
    assert paying.endings() == [Outcome.DONE]


async def test_cancelling_pays_nothing_and_says_so_once(paying: World) -> None:
    question = await paying.ask()
    await paying.payments.cancel(question.id, Place(1), member(ADA), MESSAGE)
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    await paying.reconcile_for(15 * MINUTE, MINUTE)
    assert paying.provider.posts == []
    assert paying.endings() == [Outcome.CANCELLED]


# --- Presses that must not count -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_press_on_an_expired_question_does_nothing_and_says_so_once(paying: World, cancels: bool) -> None:
    question = await paying.ask()
    paying.clock.move(10 * MINUTE)
    if cancels:
        await paying.payments.cancel(question.id, Place(1), member(ADA), MESSAGE)
    else:
        await paying.press(question.id)
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    await paying.reconcile_for(15 * MINUTE, MINUTE)
    assert paying.provider.posts == []
    assert paying.endings() == [Outcome.EXPIRED]
    assert paying.messenger.shown[0].message_id == MESSAGE


async def test_only_the_person_asked_closes_an_expired_question(paying: World) -> None:
    question = await paying.ask()
    paying.clock.move(10 * MINUTE)
    with pytest.raises(PressByOther):
        await paying.press(question.id, user=BOB)
    assert paying.messenger.shown == []


async def test_a_question_holds_until_just_before_it_expires_and_across_a_restart(paying: World) -> None:
    question = await paying.ask()
    await paying.restart()
    paying.clock.move(10 * MINUTE - SECOND)
    await paying.press(question.id)
    assert paying.endings() == [Outcome.DONE]


async def test_only_the_person_asked_can_press(paying: World) -> None:
    question = await paying.ask()
    with pytest.raises(PressByOther):
        await paying.press(question.id, user=BOB)
    with pytest.raises(PressByOther):
        await paying.payments.cancel(question.id, Place(1), member(BOB), MESSAGE)
    assert paying.provider.posts == []
    await paying.press(question.id)
    assert paying.provider.posts == [("pay", 7)]


async def test_a_button_counts_only_in_the_chat_where_it_was_asked(paying: World) -> None:
    await paying.link(2)
    question = await paying.ask()
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id, chat_id=2)
    assert paying.provider.posts == []


@pytest.mark.parametrize("forged", ["", "7", "4711", "' OR 1=1", "../1", "x" * 60])
async def test_a_forged_id_does_nothing(paying: World, forged: str) -> None:
    await paying.ask()
    with pytest.raises(ConfirmationExpired):
        await paying.press(forged)
    assert paying.provider.posts == []


async def test_a_question_does_nothing_once_the_chat_is_linked_to_another_account(paying: World) -> None:
    question = await paying.ask()
    paying.provider.account("token-of-another").put(OPEN)
    await paying.link(token="token-of-another")
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    assert paying.provider.posts == []


async def test_a_question_from_before_the_limit_was_lowered_does_nothing(paying: World) -> None:
    question = await paying.ask()
    paying.rules = PaymentRules(limit=Decimal("9.99"))
    await paying.restart()
    with pytest.raises(PaymentTooLarge):
        await paying.press(question.id)
    assert paying.provider.posts == []


async def test_unlinking_ends_open_questions(paying: World) -> None:
    question = await paying.ask()
    await paying.linking.unlink(await paying.chat())
    await paying.link()
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    assert paying.provider.posts == []


@pytest.mark.parametrize(
    "now",
    [
        invoice(7, DUE, "10.01"),
        invoice(7, DUE + timedelta(days=1), "10.00"),
        CREDITED,
        replace(OPEN, status="Collections"),
        settled(OPEN),
        settled(OPEN, "Cancelled"),
    ],
)
async def test_an_invoice_that_changed_since_it_was_shown_is_not_paid(paying: World, now: object) -> None:
    question = await paying.ask()
    paying.account.put(now)  # type: ignore[arg-type]
    await paying.press(question.id)
    assert paying.provider.posts == []
    assert paying.endings() == [Outcome.CHANGED]


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (ProviderDown(), "error.provider_down"),
        (ProviderUnreachable(), "error.provider_down"),
        (TokenRefused(), "error.token_refused"),
        (PermissionMissing("access_invoices"), "error.permission_missing"),
        (NotFound(), "error.not_found"),
        (RateLimited(), "error.rate_limited"),
        (AnswerNotUnderstood("HTML"), "error.answer_not_understood"),
        (RuntimeError("a bug"), "error.unexpected"),
    ],
)
async def test_an_invoice_that_cannot_be_read_again_is_not_paid_and_the_error_is_kept(
    paying: World, error: Exception, key: str
) -> None:
    question = await paying.ask()
    paying.provider.errors["invoice"] = error
    await paying.press(question.id)
    assert paying.provider.posts == []
    assert paying.endings() == [Outcome.NOT_SENT]
    assert paying.messenger.shown[-1].error == key
