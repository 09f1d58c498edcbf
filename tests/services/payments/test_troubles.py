"""Crashes, and a messenger that fails: no payment is forgotten, and its end is told."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.chats import Place
from bot.domain.payment_times import ABANDONED_AFTER
from bot.domain.payments import Outcome, Payment, State
from bot.errors import (
    ChatClosed,
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    NotSent,
    ProviderDown,
    RateLimited,
    SendRefused,
)
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, DUE, MESSAGE, MINUTE, OPEN, SECOND, World, member

# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_after_the_confirmation_sends_nothing_and_says_so(paying: World) -> None:
    question = await paying.ask()
    await paying.payments.confirm(question.id, Place(1), member(ADA), MESSAGE, await paying.chat())
    await paying.restart()
    await paying.reconcile_for(ABANDONED_AFTER + 2 * MINUTE)
    assert paying.endings() == [Outcome.NOT_SENT]
    assert paying.provider.posts == []


async def test_a_payment_that_fails_in_the_background_is_logged_and_reconciled(
    paying: World, logged: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = await paying.ask()
    chat = await paying.chat()
    payment = await paying.payments.confirm(question.id, Place(1), member(ADA), MESSAGE, chat)
    assert payment is not None

    async def fail(*_: object) -> bool:
        raise OSError("disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(paying.store, "advance_payment", fail)
        paying.payments.start(payment, chat)
        await paying.workers.finish()
    assert "background work failed" in [entry["event"] for entry in logged]
    await paying.reconcile_for(ABANDONED_AFTER + 2 * MINUTE)
    assert paying.endings() == [Outcome.NOT_SENT]
    assert paying.provider.posts == []


async def test_a_process_that_was_frozen_before_its_request_left_does_not_send_it_late(
    paying: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = await paying.ask()
    advance = paying.store.advance_payment

    async def freeze(payment: Payment, expected: State) -> bool:
        done = await advance(payment, expected)
        if payment.state is State.SENT:
            paying.clock.move(11 * MINUTE)
        return done

    monkeypatch.setattr(paying.store, "advance_payment", freeze)
    await paying.press(question.id)
    assert paying.provider.posts == []
    assert paying.endings() == [Outcome.NOT_SENT]


@pytest.mark.parametrize("call", ["invoice", "pay"])
async def test_a_crash_while_the_provider_is_asked_is_resumed_by_reading_and_told_once(
    paying: World, call: str
) -> None:
    question = await paying.ask()
    paying.provider.gates[call] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await crash(paying, press)
    await paying.reconcile_for(15 * MINUTE)
    assert paying.endings() == [Outcome.NOT_SENT if call == "invoice" else Outcome.UNCLEAR]
    assert paying.provider.executed == []
    assert len(paying.provider.posts) == (call == "pay")


async def test_a_crash_after_the_payment_was_made_is_resumed_by_reading_and_told_once(paying: World) -> None:
    question = await paying.ask()
    paying.provider.late_gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await crash(paying, press)
    await paying.reconcile_for(15 * MINUTE)
    assert paying.endings() == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


async def test_after_a_crash_an_untold_end_is_told(paying: World) -> None:
    question = await paying.ask()
    paying.messenger.troubles[1].extend([None, NotSent()])
    await paying.press(question.id)
    assert paying.endings() == []
    await paying.restart()
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]
    assert paying.provider.posts == [("pay", 7)]


async def test_after_a_crash_an_untold_cancellation_is_told(paying: World) -> None:
    question = await paying.ask()
    paying.messenger.troubles[1].append(NotSent())
    await paying.payments.cancel(question.id, Place(1), member(ADA), MESSAGE)
    await paying.restart()
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.CANCELLED]


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
    await paying.reconcile_for(5 * MINUTE)
    paying.messenger.always.clear()
    await paying.reconcile_for(5 * MINUTE)
    assert paying.endings() == [Outcome.DONE]


async def test_an_end_whose_message_stays_uncertain_is_repeated_rarely_and_marked(paying: World) -> None:
    payment = await late_end(paying)
    paying.messenger.lost[1].extend([DeliveryUncertain()] * 4)
    await paying.reconcile_for(timedelta(hours=3))
    assert paying.messenger.ends_told == [False, True, True, True, True]
    assert (await paying.payment(payment.id)).told


async def test_an_end_that_a_clock_has_put_off_that_was_ahead_is_repeated_once_it_is_right(paying: World) -> None:
    payment = await late_end(paying)
    paying.messenger.lost[1].extend([DeliveryUncertain()] * 4)
    await paying.reconcile_for(timedelta(minutes=40))
    paying.clock.move(-timedelta(days=40))
    await paying.reconcile_for(5 * MINUTE)
    assert (await paying.payment(payment.id)).told


async def test_an_end_that_was_surely_not_sent_is_no_repetition(paying: World) -> None:
    await late_end(paying)
    paying.messenger.troubles[1].extend([None, NotSent(), None, FloodLimited(60)])  # each time, the edit gets through
    await paying.reconcile_for(timedelta(hours=1))
    assert paying.messenger.ends_told == [False]


async def test_a_payments_end_that_gets_through_wakes_the_alerts_of_a_closed_chat(paying: World) -> None:
    paying.account.put(invoice(8, DUE))
    paying.clock.move(15 * MINUTE)
    await paying.check()
    paying.messenger.troubles[1].append(ChatClosed("no rights"))
    await paying.deliver()
    await late_end(paying)
    assert (await paying.chat()).closure is not None
    await paying.reconcile_for(MINUTE)
    assert (await paying.chat()).closure is None
    await paying.deliver()
    assert 8 in paying.numbers()


async def late_end(paying: World) -> Payment:
    """Make a payment that goes through so late that its end comes in a message of its own."""
    payment = await paying.ask()
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press(payment.id)
    await paying.reconcile_for(2 * MINUTE)
    paying.account.put(settled(OPEN))
    return payment


async def test_a_person_who_blocked_the_bot_during_a_payment_is_told_its_end_once_back(paying: World) -> None:
    paying.messenger.always[1] = ChatGone("blocked")
    await paying.press((await paying.ask()).id)
    assert (await paying.chat()).resting == "blocked"
    tries = len(paying.messenger.tries)
    await paying.reconcile_for(60 * MINUTE, MINUTE)
    assert len(paying.messenger.tries) == tries
    paying.messenger.always.clear()
    await paying.store.wake(1, paying.clock.now)
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]


async def test_while_an_untold_end_waits_for_its_chat_the_store_is_read_once_a_minute(
    paying: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paying.messenger.always[1] = ChatGone("blocked")
    await paying.press((await paying.ask()).id)
    await paying.reconcile_for(10 * MINUTE)
    readings, read = list[object](), paying.store.unsettled_payments

    async def count() -> Sequence[Payment]:
        readings.append(paying.clock.now)
        return await read()

    monkeypatch.setattr(paying.store, "unsettled_payments", count)
    await paying.reconcile_for(10 * MINUTE, SECOND)
    assert 9 <= len(readings) <= 11


@pytest.mark.parametrize("step", ["confirm", "cancel"])
async def test_a_press_right_after_a_reading_does_not_wait_for_the_next(paying: World, step: str) -> None:
    question = await paying.ask()
    await paying.reconcile()
    paying.messenger.always[1] = NotSent()
    if step == "confirm":
        await paying.press(question.id)
    else:
        await paying.payments.cancel(question.id, Place(1), member(ADA), MESSAGE)
    paying.messenger.always.clear()
    paying.clock.move(5 * SECOND)
    await paying.reconcile()
    assert paying.endings() == [Outcome.DONE if step == "confirm" else Outcome.CANCELLED]


async def test_a_payment_whose_group_became_a_supergroup_goes_on_and_is_told_there(paying: World) -> None:
    paying.messenger.always[1] = ChatMigrated(-1001)
    question = await paying.ask()
    await paying.press(question.id)
    assert (await paying.payment(question.id)).place == Place(-1001)
    assert paying.provider.executed == [("pay", 7)]
    await paying.reconcile_for(2 * MINUTE)
    assert [(shown.place, shown.outcome) for shown in paying.messenger.shown] == [(Place(-1001), Outcome.DONE)]


async def test_an_end_that_can_never_be_shown_is_given_up_after_a_day(paying: World) -> None:
    paying.messenger.always[1] = SendRefused("Bad Request: something new")
    await paying.press((await paying.ask()).id)
    await paying.reconcile_for(timedelta(hours=23), timedelta(minutes=20))
    assert len(await paying.store.unsettled_payments()) == 1
    await paying.reconcile_for(timedelta(hours=2), timedelta(minutes=20))
    assert await paying.store.unsettled_payments() == []


async def test_a_messenger_that_hangs_delays_a_payment_only_briefly(paying: World) -> None:
    paying.payments = paying.replica(show_within=0.01 * SECOND)
    paying.messenger.held_chats[1] = Gate()
    await asyncio.wait_for(paying.press((await paying.ask()).id), 5)
    assert paying.provider.executed == [("pay", 7)]
    paying.messenger.held_chats.clear()
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]


async def test_a_payment_that_has_no_turn_with_the_provider_is_not_sent(paying: World) -> None:
    paying.provider.errors["make_room"] = RateLimited(60)
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.NOT_SENT]
    assert paying.provider.posts == []
