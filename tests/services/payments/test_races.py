"""Presses, looks and replicas at the same time: one request leaves, and one true end is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from bot.domain.chats import Place
from bot.domain.payments import Action, Outcome, Payment, State
from bot.errors import (
    AlreadyUnderWay,
    ConfirmationExpired,
    NotSent,
    PaymentInProgress,
    ProviderDown,
)
from bot.services.workers import Workers
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, BOB, CREDITED, DUE, MESSAGE, MINUTE, OPEN, SECOND, World, member


async def all_of(*presses: Awaitable[None]) -> list[type[BaseException]]:
    """Run these at once. Return the types of the errors."""
    results = await asyncio.gather(*presses, return_exceptions=True)
    return [type(result) for result in results if result is not None]


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
    assert {AlreadyUnderWay} <= set(errors) <= {AlreadyUnderWay, ConfirmationExpired}
    assert len(errors) == 9
    assert paying.endings() == [Outcome.DONE]


async def test_a_press_during_the_payment_pays_nothing_more(paying: World) -> None:
    question = await paying.ask()
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press(question.id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert await all_of(paying.press(question.id), paying.press(question.id)) == [AlreadyUnderWay] * 2
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
    assert paying.endings() == [Outcome.DONE, Outcome.CHANGED]


async def test_paying_and_taking_credit_back_exclude_each_other_on_one_invoice(paying: World) -> None:
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


async def test_cancelling_and_confirming_at_once_does_one_of_them(paying: World) -> None:
    question = await paying.ask()
    cancel = paying.payments.cancel(question.id, Place(1), member(ADA), MESSAGE)
    assert await all_of(cancel, paying.press(question.id)) == [ConfirmationExpired]
    assert paying.endings() == ([Outcome.DONE] if paying.provider.posts else [Outcome.CANCELLED])


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


# --- Looking while it is being done ----------------------------------------------------------------------------------


async def test_a_look_during_a_slow_payment_does_not_hide_its_end(paying: World) -> None:
    """Ticks come while the request is under way. The end is told once, and nothing older after it."""
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
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]
    assert paying.states()[-1] is State.ENDED


async def test_an_end_found_by_another_replica_is_not_overwritten_by_an_older_step(paying: World) -> None:
    """This replica has read "not yet" and is about to show that; meanwhile another has read and told the end."""
    question = await paying.ask()
    paying.provider.errors["pay"] = ProviderDown()
    chat = await paying.chat()
    payment = await paying.payments.confirm(question.id, Place(1), member(ADA), MESSAGE, chat)
    assert payment is not None
    other_replica = paying.replica()
    show_payments = paying.messenger.show_payments

    async def slow_to_show(shown: Sequence[Payment], there: object) -> bool:
        if shown[0].state is State.SENT:
            paying.account.put(settled(OPEN))
            paying.clock.move(10 * SECOND)
            paying.messenger.show_payments = show_payments  # type: ignore[method-assign]
            await other_replica.tick()
            await paying.workers.finish()
        return await show_payments(shown, chat)

    paying.messenger.show_payments = slow_to_show  # type: ignore[method-assign,assignment]
    await paying.payments.carry_out(payment, chat)
    assert paying.messenger.shown[-1].outcome is Outcome.DONE


async def test_only_one_of_two_replicas_that_look_at_once_tells(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN))
    paying.clock.move(MINUTE)
    other_replica = paying.replica()
    paying.provider.gates["invoice"] = gate = Gate()
    await paying.payments.tick()
    await other_replica.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    gate.open()
    await paying.workers.finish()
    assert paying.endings() == [Outcome.DONE]


async def begin_to_tell_a_late_end(paying: World) -> Gate:
    """Let the notifier wait for the messenger. Return the gate that lets it go on."""
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    paying.account.put(settled(OPEN))
    paying.clock.move(5 * MINUTE)
    paying.messenger.held_chats[1] = gate = Gate()
    await paying.payments.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    return gate


async def test_while_one_replica_tells_an_end_slowly_another_does_not_tell_it_too(paying: World) -> None:
    gate = await begin_to_tell_a_late_end(paying)
    other_workers = Workers(50)
    other_replica = paying.replica(other_workers)
    paying.clock.move(10 * SECOND)
    await other_replica.tick()
    await other_workers.finish()
    gate.open()
    await paying.workers.finish()
    assert paying.messenger.replies == [[Outcome.DONE]]
    assert await paying.store.unsettled_payments() == []


async def test_if_the_replica_that_tells_is_killed_another_tells(paying: World) -> None:
    await begin_to_tell_a_late_end(paying)
    paying.messenger.held_chats.clear()
    workers = Workers(50)
    other_replica = paying.replica(workers)
    for _ in range(12):
        paying.clock.move(10 * SECOND)
        await other_replica.tick()
        await workers.finish()
    assert paying.messenger.replies == [[Outcome.DONE]]
    assert await paying.store.unsettled_payments() == []


async def test_an_end_that_was_told_after_a_tick_began_is_not_told_again(
    paying: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paying.messenger.troubles[1].extend([None, NotSent()])
    await paying.press((await paying.ask()).id)
    seen_by_the_tick = await paying.store.unsettled_payments()
    await paying.reconcile_for(MINUTE)

    async def as_it_was() -> Sequence[Payment]:
        return seen_by_the_tick

    monkeypatch.setattr(paying.store, "unsettled_payments", as_it_was)
    await paying.reconcile_for(2 * MINUTE)
    assert paying.endings() == [Outcome.DONE]


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
    payments = paying.replica(few)
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
