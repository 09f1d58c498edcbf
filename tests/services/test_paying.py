"""Paying with credit: at most one request for each press, and an end that is true, told once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.chats import Place
from bot.domain.payments import Action, Outcome, Payment, State
from bot.errors import (
    AnswerNotUnderstood,
    ChatGone,
    ConfirmationExpired,
    DeliveryUncertain,
    FloodLimited,
    NoCreditApplied,
    NotFound,
    NothingToPay,
    NotLinked,
    NotSent,
    PaymentInProgress,
    PermissionMissing,
    PressByOther,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    SendRefused,
    TokenRefused,
    UnclearSum,
)
from bot.services.paying import ABANDONED_AFTER, Payments
from bot.services.workers import Workers
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, BOB, DUE, MESSAGE, MINUTE, SECOND, World

OPEN = invoice(7, DUE, "10.00")
CREDITED = replace(OPEN, credit=Decimal(4))
HALFWAY = [AnswerNotUnderstood("HTML"), ProviderDown(), RuntimeError("a bug")]


@pytest.fixture
async def paying(world: World) -> World:
    """Ada's chat is linked to an account with one open invoice."""
    world.account.put(OPEN)
    await world.link()
    return world


async def all_of(*presses: Awaitable[None]) -> list[type[BaseException]]:
    """Run at once; the kinds of what went wrong."""
    results = await asyncio.gather(*presses, return_exceptions=True)
    return [type(result) for result in results if result is not None]


async def look_for(world: World, span: timedelta, step: timedelta = 10 * SECOND) -> None:
    end = world.clock.now + span
    while world.clock.now < end:
        world.clock.move(step)
        await world.settle()


def endings(world: World) -> list[Outcome]:
    """The ends that a person was shown, in order."""
    return [payment.outcome for payment in world.messenger.shown if payment.outcome]


def states(world: World) -> list[State]:
    return [payment.state for payment in world.messenger.shown]


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
async def test_what_makes_no_sense_is_said_and_not_asked(
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
    assert states(paying) == [State.CONFIRMED, State.ENDED]
    assert endings(paying) == [Outcome.DONE]
    assert {payment.message_id for payment in paying.messenger.shown} == {MESSAGE}
    stored = await paying.payment(question.id)
    assert (stored.state, stored.outcome, stored.told) == (State.ENDED, Outcome.DONE, True)


async def test_taking_credit_back_goes_the_same_way(paying: World) -> None:
    paying.account.put(CREDITED)
    await paying.press((await paying.ask(action=Action.REMOVE_CREDIT)).id)
    assert paying.provider.posts == [("remove_credit", 7)]
    assert endings(paying) == [Outcome.DONE]


async def test_credit_that_covers_a_part_only_says_what_is_left(paying: World) -> None:
    paying.account.balance = Decimal("3.50")
    await paying.press((await paying.ask()).id)
    assert endings(paying) == [Outcome.PARTLY]
    assert paying.messenger.shown[-1].left == Decimal("6.50")


async def test_that_it_is_being_paid_is_shown_before_the_request_leaves(paying: World) -> None:
    question = await paying.ask()
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert states(paying) == [State.CONFIRMED]
    assert (await paying.payment(question.id)).state is State.SENT
    gate.open()
    await press


async def test_a_paid_invoice_is_not_looked_at_again(paying: World) -> None:
    await paying.press((await paying.ask()).id)
    calls = len(paying.provider.calls)
    await look_for(paying, 30 * MINUTE, MINUTE)
    assert len(paying.provider.calls) == calls
    assert endings(paying) == [Outcome.DONE]


async def test_cancelling_pays_nothing_and_says_so_once(paying: World) -> None:
    question = await paying.ask()
    await paying.payments.cancel(question.id, Place(1), ADA, MESSAGE)
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    await look_for(paying, 15 * MINUTE, MINUTE)
    assert paying.provider.posts == []
    assert endings(paying) == [Outcome.CANCELLED]


async def test_cancelling_and_confirming_at_once_does_one_of_them(paying: World) -> None:
    question = await paying.ask()
    cancel = paying.payments.cancel(question.id, Place(1), ADA, MESSAGE)
    assert await all_of(cancel, paying.press(question.id)) == [ConfirmationExpired]
    assert endings(paying) == ([Outcome.DONE] if paying.provider.posts else [Outcome.CANCELLED])


# --- Many presses ----------------------------------------------------------------------------------------------------


async def test_a_double_tap_pays_once(paying: World) -> None:
    question = await paying.ask()
    await paying.press(question.id)
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    assert paying.provider.posts == [("pay", 7)]


async def test_presses_at_the_same_time_pay_once(paying: World) -> None:
    question = await paying.ask()
    errors = await all_of(*(paying.press(question.id) for _ in range(10)))
    assert paying.provider.posts == [("pay", 7)]
    assert errors == [ConfirmationExpired] * 9
    assert endings(paying) == [Outcome.DONE]


async def test_a_press_during_the_payment_pays_nothing_more(paying: World) -> None:
    question = await paying.ask()
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert await all_of(paying.press(question.id), paying.press(question.id)) == [ConfirmationExpired] * 2
    gate.open()
    await press
    assert paying.provider.posts == [("pay", 7)]


async def test_two_questions_about_one_invoice_pressed_at_once_pay_once(paying: World) -> None:
    first, second = await paying.ask(), await paying.ask()
    await all_of(paying.press(first.id), paying.press(second.id))
    assert paying.provider.posts == [("pay", 7)]


async def test_two_chats_of_one_account_pressing_at_once_pay_once(paying: World) -> None:
    await paying.link(2, user=BOB)
    here, there = await paying.ask(), await paying.ask(chat_id=2, user=BOB)
    paying.provider.gates["pay"] = gate = Gate()
    presses = [
        asyncio.create_task(paying.press(here.id)),
        asyncio.create_task(paying.press(there.id, chat_id=2, user=BOB)),
    ]
    await asyncio.wait_for(gate.reached.wait(), 5)
    done, _ = await asyncio.wait(presses, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [type(task.exception()) for task in done] == [PaymentInProgress]
    gate.open()
    await asyncio.gather(*presses, return_exceptions=True)
    assert paying.provider.posts == [("pay", 7)]


async def test_a_second_chats_press_after_the_first_has_paid_finds_the_invoice_changed(paying: World) -> None:
    await paying.link(2, user=BOB)
    here, there = await paying.ask(), await paying.ask(chat_id=2, user=BOB)
    await paying.press(here.id)
    await paying.press(there.id, chat_id=2, user=BOB)
    assert paying.provider.posts == [("pay", 7)]
    assert endings(paying) == [Outcome.DONE, Outcome.CHANGED]


async def test_paying_and_taking_credit_back_do_not_cross_on_one_invoice(paying: World) -> None:
    paying.account.put(CREDITED)
    pay, take_back = await paying.ask(), await paying.ask(action=Action.REMOVE_CREDIT)
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(pay.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    with pytest.raises(PaymentInProgress):
        await paying.press(take_back.id)
    gate.open()
    await press
    assert paying.provider.posts == [("pay", 7)]


async def test_two_invoices_can_be_paid_at_once(paying: World) -> None:
    paying.account.put(invoice(8, DUE))
    seven, eight = await paying.ask(7), await paying.ask(8)
    assert await all_of(paying.press(seven.id), paying.press(eight.id)) == []
    assert sorted(paying.provider.posts) == [("pay", 7), ("pay", 8)]


async def test_an_account_with_another_token_is_another_account(paying: World) -> None:
    paying.provider.account("token-of-bob-1").put(OPEN)
    await paying.link(2, "token-of-bob-1", BOB)
    await paying.press((await paying.ask()).id)
    assert paying.provider.account("token-of-bob-1").invoices[7].is_open


# --- Presses that must not count -------------------------------------------------------------------------------------


async def test_a_question_expires(paying: World) -> None:
    question = await paying.ask()
    paying.clock.move(10 * MINUTE)
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    with pytest.raises(ConfirmationExpired):
        await paying.payments.cancel(question.id, Place(1), ADA, MESSAGE)
    assert paying.provider.posts == []


async def test_a_question_holds_until_just_before_it_expires_and_across_a_restart(paying: World) -> None:
    question = await paying.ask()
    await paying.restart()
    paying.clock.move(10 * MINUTE - SECOND)
    await paying.press(question.id)
    assert endings(paying) == [Outcome.DONE]


async def test_nobody_but_who_asked_can_press(paying: World) -> None:
    question = await paying.ask()
    with pytest.raises(PressByOther):
        await paying.press(question.id, user=BOB)
    with pytest.raises(PressByOther):
        await paying.payments.cancel(question.id, Place(1), BOB, MESSAGE)
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


async def test_a_question_of_an_account_that_the_chat_is_no_longer_linked_to_does_nothing(paying: World) -> None:
    question = await paying.ask()
    paying.provider.account("token-of-another").put(OPEN)
    await paying.link(token="token-of-another")
    with pytest.raises(ConfirmationExpired):
        await paying.press(question.id)
    assert paying.provider.posts == []


async def test_unlinking_takes_open_questions_along(paying: World) -> None:
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
    assert endings(paying) == [Outcome.CHANGED]


@pytest.mark.parametrize(
    "error", [ProviderDown(), ProviderUnreachable(), TokenRefused(), NotFound(), RuntimeError("a bug")]
)
async def test_an_invoice_that_cannot_be_read_again_is_not_paid(paying: World, error: Exception) -> None:
    question = await paying.ask()
    paying.provider.errors["invoice"] = error
    await paying.press(question.id)
    assert paying.provider.posts == []
    assert endings(paying) == [Outcome.NOT_SENT]


# --- The provider's answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Refused(422, "not enough credit"), "not enough credit"),
        (Refused(400), ""),
        (NotFound(), ""),
        (TokenRefused(), ""),
        (PermissionMissing("access_invoices"), ""),
        (RateLimited(30), ""),
    ],
)
async def test_a_clear_refusal_is_told_in_the_providers_words_and_ends_it(
    paying: World, error: ProviderError, reason: str
) -> None:
    paying.provider.errors["pay"] = error
    await paying.press((await paying.ask()).id)
    assert endings(paying) == [Outcome.REFUSED]
    assert paying.messenger.shown[-1].reason == reason
    await look_for(paying, 15 * MINUTE, MINUTE)
    assert len(paying.provider.posts) == 1
    assert paying.provider.executed == []


async def test_after_a_refusal_a_fresh_question_can_be_pressed(paying: World) -> None:
    paying.provider.errors["pay"] = Refused(422, "not enough credit")
    await paying.press((await paying.ask()).id)
    paying.provider.errors.clear()
    await paying.press((await paying.ask()).id)
    assert paying.provider.executed == [("pay", 7)]
    assert endings(paying) == [Outcome.REFUSED, Outcome.DONE]


async def test_a_request_that_surely_never_left_is_said_to_have_done_nothing(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderUnreachable()
    await paying.press((await paying.ask()).id)
    assert endings(paying) == [Outcome.NOT_SENT]
    await look_for(paying, 15 * MINUTE, MINUTE)
    assert len(paying.provider.posts) == 1


@pytest.mark.parametrize("error", HALFWAY, ids=lambda error: type(error).__name__)
async def test_an_answer_lost_after_the_payment_was_made_is_made_up_for_by_reading(
    paying: World, error: Exception
) -> None:
    paying.provider.lost["pay"] = error
    await paying.press((await paying.ask()).id)
    assert endings(paying) == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


@pytest.mark.parametrize("error", HALFWAY, ids=lambda error: type(error).__name__)
async def test_an_answer_lost_before_the_payment_was_made_is_unclear_until_time_is_up_and_then_said_so(
    paying: World, error: Exception
) -> None:
    paying.provider.errors["pay"] = error
    question = await paying.ask()
    await paying.press(question.id)
    assert states(paying) == [State.CONFIRMED, State.SENT]
    await look_for(paying, 9 * MINUTE)
    assert endings(paying) == []
    with pytest.raises(PaymentInProgress):
        await paying.press((await paying.ask()).id)
    await look_for(paying, 3 * MINUTE)
    assert endings(paying) == [Outcome.UNCLEAR]
    assert paying.provider.posts == [("pay", 7)]
    await look_for(paying, 15 * MINUTE, MINUTE)
    assert endings(paying) == [Outcome.UNCLEAR]
    assert (await paying.payment(question.id)).told


async def test_a_payment_that_goes_through_late_is_told_when_it_does(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    await look_for(paying, 4 * MINUTE)
    paying.account.put(settled(OPEN))
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]


async def test_an_invoice_that_cannot_be_read_afterwards_is_looked_at_until_it_can(paying: World) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    paying.provider.errors["invoice"] = ProviderDown()
    gate.open()
    await press
    assert states(paying)[-1] is State.SENT
    await look_for(paying, 5 * MINUTE)
    assert endings(paying) == []
    paying.provider.errors.clear()
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]


@pytest.mark.parametrize("error", [TokenRefused(), ProviderDown(), RuntimeError("a bug")])
async def test_an_invoice_that_can_never_be_read_again_ends_unclear(paying: World, error: Exception) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    paying.provider.errors["invoice"] = error  # the token was revoked in between, say
    gate.open()
    await press
    await look_for(paying, 12 * MINUTE)
    assert endings(paying) == [Outcome.UNCLEAR]
    assert len(paying.provider.posts) == 1


async def test_a_chat_unlinked_during_a_payment_is_told_that_the_end_is_unclear(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    await paying.linking.unlink(await paying.chat())
    await look_for(paying, 12 * MINUTE)
    assert endings(paying) == [Outcome.UNCLEAR]
    assert await paying.store.unsettled_payments() == []


async def test_an_invoice_cancelled_after_the_request_left_is_not_said_to_be_untouched(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN, "Cancelled"))
    await look_for(paying, MINUTE)
    assert endings(paying) == [Outcome.UNCLEAR]


async def test_looks_come_soon_at_first_and_rarely_later(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    before = len(paying.provider.calls_of("invoice"))
    await look_for(paying, 10 * SECOND, SECOND)
    assert len(paying.provider.calls_of("invoice")) > before
    await look_for(paying, 9 * MINUTE, SECOND)
    assert len(paying.provider.calls_of("invoice")) - before < 25


# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_after_the_confirmation_sends_nothing_and_says_so(paying: World) -> None:
    question = await paying.ask()
    await paying.payments.confirm(question.id, Place(1), ADA, MESSAGE, await paying.chat())
    await paying.restart()
    await look_for(paying, ABANDONED_AFTER + 2 * MINUTE)
    assert endings(paying) == [Outcome.NOT_SENT]
    assert paying.provider.posts == []


@pytest.mark.parametrize("call", ["invoice", "pay"])
async def test_a_crash_while_the_provider_is_asked_is_resumed_by_reading_and_told_once(
    paying: World, call: str
) -> None:
    question = await paying.ask()
    paying.provider.gates[call] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await crash(paying, press)
    await look_for(paying, 15 * MINUTE)
    assert endings(paying) == [Outcome.NOT_SENT if call == "invoice" else Outcome.UNCLEAR]
    assert paying.provider.executed == []
    assert len(paying.provider.posts) == (call == "pay")


async def test_a_crash_after_the_payment_was_made_is_resumed_by_reading_and_told_once(paying: World) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await crash(paying, press)
    await look_for(paying, 15 * MINUTE)
    assert endings(paying) == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


async def test_a_crash_before_the_end_was_told_is_made_up_for(paying: World) -> None:
    question = await paying.ask()
    paying.messenger.troubles[1].extend([None, NotSent()])
    await paying.press(question.id)
    assert endings(paying) == []
    await paying.restart()
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


async def test_a_crash_before_a_cancellation_was_shown_is_made_up_for(paying: World) -> None:
    question = await paying.ask()
    paying.messenger.troubles[1].append(NotSent())
    await paying.payments.cancel(question.id, Place(1), ADA, MESSAGE)
    await paying.restart()
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.CANCELLED]


async def crash(world: World, press: asyncio.Task[None]) -> None:
    press.cancel()
    await asyncio.gather(press, return_exceptions=True)
    world.provider.gates.clear()
    world.provider.late_gates.clear()
    await world.restart()


# --- A messenger that fails ------------------------------------------------------------------------------------------

TROUBLES = [NotSent(), DeliveryUncertain(), FloodLimited(60), SendRefused("x"), ChatGone("blocked"), KeyError("a bug")]


@pytest.mark.parametrize("error", TROUBLES, ids=lambda error: type(error).__name__)
async def test_a_messenger_that_fails_stops_no_payment(paying: World, error: Exception) -> None:
    paying.messenger.always[1] = error
    await paying.press((await paying.ask()).id)
    assert paying.provider.executed == [("pay", 7)]


@pytest.mark.parametrize("error", TROUBLES[:4] + TROUBLES[5:], ids=lambda error: type(error).__name__)
async def test_an_end_that_could_not_be_shown_is_told_later_and_once(paying: World, error: Exception) -> None:
    paying.messenger.always[1] = error
    await paying.press((await paying.ask()).id)
    await look_for(paying, 5 * MINUTE)
    paying.messenger.always.clear()
    await look_for(paying, 5 * MINUTE)
    assert endings(paying) == [Outcome.DONE]


async def test_who_blocked_the_bot_during_a_payment_is_told_its_end_once_back(paying: World) -> None:
    paying.messenger.always[1] = ChatGone("blocked")
    await paying.press((await paying.ask()).id)
    assert (await paying.chat()).resting == "blocked"
    tries = len(paying.messenger.tries)
    await look_for(paying, 60 * MINUTE, MINUTE)
    assert len(paying.messenger.tries) == tries
    paying.messenger.always.clear()
    await paying.store.wake(1, paying.clock.now)
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]


async def test_an_end_that_can_never_be_shown_is_given_up_after_a_day(paying: World) -> None:
    paying.messenger.always[1] = SendRefused("Bad Request: something new")
    await paying.press((await paying.ask()).id)
    await look_for(paying, timedelta(hours=23), timedelta(minutes=20))
    assert len(await paying.store.unsettled_payments()) == 1
    await look_for(paying, timedelta(hours=2), timedelta(minutes=20))
    assert await paying.store.unsettled_payments() == []


async def test_a_messenger_that_hangs_holds_a_payment_up_for_a_moment_only(paying: World) -> None:
    paying.payments = replica(paying, show_within=0.01 * SECOND)
    paying.messenger.held_chats[1] = Gate()
    await asyncio.wait_for(paying.press((await paying.ask()).id), 5)
    assert paying.provider.executed == [("pay", 7)]
    paying.messenger.held_chats.clear()
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]


# --- Looking while it is being done ----------------------------------------------------------------------------------


async def test_a_look_during_a_slow_payment_leaves_the_last_word_to_the_truth(paying: World) -> None:
    """The request takes long, a tick comes meanwhile; the end is told once, and nothing older after it."""
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    for _ in range(5):
        paying.clock.move(10 * SECOND)
        await paying.payments.tick()
    paying.provider.lost["pay"] = ProviderDown()
    gate.open()
    await press
    await paying.workers.finish()
    await look_for(paying, 2 * MINUTE)
    assert endings(paying) == [Outcome.DONE]
    assert states(paying)[-1] is State.ENDED


async def test_an_end_found_by_another_replica_is_not_overwritten_by_an_older_step(paying: World) -> None:
    """This one read "not yet" and is about to show that, while another one has read and told the end."""
    question = await paying.ask()
    paying.provider.errors["pay"] = ProviderDown()
    chat = await paying.chat()
    payment = await paying.payments.confirm(question.id, Place(1), ADA, MESSAGE, chat)
    other_replica = replica(paying)
    show_payment = paying.messenger.show_payment

    async def slow_to_show(shown: Payment, there: object) -> None:
        if shown.state is State.SENT:
            paying.account.put(settled(OPEN))
            paying.clock.move(10 * SECOND)
            paying.messenger.show_payment = show_payment  # type: ignore[method-assign]
            await other_replica.tick()
            await paying.workers.finish()
        await show_payment(shown, chat)

    paying.messenger.show_payment = slow_to_show  # type: ignore[method-assign,assignment]
    await paying.payments.carry_out(payment, chat)
    assert paying.messenger.shown[-1].outcome is Outcome.DONE


async def test_of_two_replicas_that_look_at_once_one_tells(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN))
    paying.clock.move(MINUTE)
    other_replica = replica(paying)
    paying.provider.gates["invoice"] = gate = Gate()
    await paying.payments.tick()
    await other_replica.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    gate.open()
    await paying.workers.finish()
    assert endings(paying) == [Outcome.DONE]


async def test_a_slow_look_is_not_begun_twice(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    before = len(paying.provider.calls_of("invoice"))
    paying.provider.gates["invoice"] = gate = Gate()
    for _ in range(5):
        paying.clock.move(MINUTE)
        await paying.payments.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert len(paying.provider.calls_of("invoice")) == before + 1
    gate.open()
    await paying.workers.finish()


async def test_no_more_looks_run_at_once_than_there_are_workers(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    paying.account.put(*(invoice(number, DUE) for number in range(10, 15)))
    for number in range(10, 15):
        await paying.press((await paying.ask(number)).id)
    few = Workers(2)
    payments = replica(paying, few)
    paying.clock.move(MINUTE)
    paying.provider.gates["invoice"] = gate = Gate()
    before = len(paying.provider.calls_of("invoice"))
    await payments.tick()
    await payments.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    gate.open()
    await few.finish()
    assert len(paying.provider.calls_of("invoice")) == before + 2
    await payments.tick()
    await few.finish()
    await payments.tick()
    await few.finish()
    assert len(set(paying.provider.calls_of("invoice")[before:])) == 5


def replica(world: World, workers: Workers | None = None, show_within: timedelta = MINUTE) -> Payments:
    """Another process over the same store, as far as the store can tell."""
    workers = workers or world.workers
    outside = (world.provider, world.messenger, world.clock)
    return Payments(world.store, world.store, *outside, workers, show_within=show_within)
