"""Checks find what is to be told. No chat holds up another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.invoices import Listing
from bot.errors import (
    ProviderDown,
)
from bot.offload import LIGHT_IN_A_TURN
from bot.ports import Checked, Claim
from bot.services.checks import CLAIMED_TOGETHER, Checker
from bot.services.workers import Workers
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, MINUTE, START, TOKEN, World
from tests.turns import counted_turns

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE


async def test_checks_that_are_due_at_once_begin_in_several_turns_of_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = 5 * LIGHT_IN_A_TURN
    for chat_id in range(1, chats + 1):
        await world.link(chat_id=chat_id)
    world.noon(DUE)
    read = world.provider.list_invoices
    with counted_turns() as turns:

        async def read_and_note(*given: Any, **named: Any) -> Listing:
            turns.note()
            return await read(*given, **named)

        monkeypatch.setattr(world.provider, "list_invoices", read_and_note)
        await world.check()
    assert sum(turns.sizes) == chats
    assert max(turns.sizes) <= LIGHT_IN_A_TURN


# --- What is told ----------------------------------------------------------------------------------------------------


async def test_a_new_invoice_and_each_of_its_reminders_come_once_across_restarts(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    for days in range(-12, 20):
        await world.live(DUE + days * DAY)
        await world.restart()
        await world.live(DUE + days * DAY)
    reminders = [(DUE_SOON, 7, n) for n in (7, 3, 1, 0)] + [(OVERDUE, 7, n) for n in (-1, -3, -7, -14)]
    assert world.told() == [(NEW, 7, None), *reminders]


async def test_only_a_check_that_learned_something_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.link()
    finish, learned = world.store.finish_check, []

    async def noted(claim: Claim, checked: Checked) -> bool:
        learned.append(checked.known_is_new)
        return await finish(claim, checked)

    monkeypatch.setattr(world.store, "finish_check", noted)
    world.account.put(invoice(7, DUE))
    for days in (-12, -11, -10, -7):  # the first one finds the invoice, the last one reminds of it
        await world.live(DUE + days * DAY)
    assert (learned[0], learned[-1]) == (True, True)
    assert not any(learned[1:-1])


async def test_invoices_from_before_the_link_are_not_told_as_new(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE - 90 * DAY))
    await world.link()
    await world.live(DUE - 10 * DAY)
    assert (NEW, 7, None) not in world.told()
    assert [number for _, number, _ in world.told()] == [8]  # its weekly reminder, whose day came after the link


async def test_an_invoice_that_is_paid_on_creation_is_told_once_and_never_reminded_of(world: World) -> None:
    await world.link()
    world.account.put(replace(invoice(7, DUE, is_open=False), issued=START.date()))
    for days in range(-10, 10):
        await world.live(DUE + days * DAY)
    assert world.told() == [(NEW, 7, None)]


async def test_a_paid_invoice_of_old_that_a_list_did_not_hold_before_is_no_news(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE, is_open=False))  # issued in January
    await world.live(DUE)
    assert world.told() == []


async def test_a_settled_invoice_is_reminded_of_no_more(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    await world.live(DUE - 8 * DAY)
    world.account.put(settled(invoice(7, DUE), "Cancelled"))
    for days in range(-7, 30):
        await world.live(DUE + days * DAY)
    assert world.told() == [(NEW, 7, None), (AlertKind.SETTLED, 7, None)]


async def test_reminders_missed_while_the_bot_was_off_come_as_one(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.restart()
    await world.live(DUE + 5 * DAY)
    assert world.told() == [(OVERDUE, 7, -3)]


async def test_alerts_that_wait_through_a_long_outage_of_telegram_become_one(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    for days in range(-8, 3):
        world.noon(DUE + days * DAY)
        await world.check()
    await world.deliver(5)
    assert world.told() == [(OVERDUE, 7, -1)]


async def test_a_check_that_comes_before_its_time_asks_nobody(world: World) -> None:
    await world.link()
    world.provider.calls.clear()
    await world.check()
    assert world.provider.calls == []
    world.clock.move(timedelta(minutes=15))
    await world.check()
    assert world.provider.calls_of("list_invoices") == [None]


async def test_a_check_reads_in_the_language_of_the_chat(world: World) -> None:
    await world.link()
    await world.store.set_language(1, "de")
    await world.live(DUE)
    assert world.provider.languages == ["en", "de"]


# --- Nobody holds up anybody -----------------------------------------------------------------------------------------


async def test_a_slow_account_holds_up_neither_the_others_nor_commands(world: World) -> None:
    await world.link(1, "token-of-slow")
    await world.link(2, "token-of-quick")
    world.provider.gates["token-of-slow"] = gate = Gate()
    for token in ("token-of-slow", "token-of-quick"):
        world.provider.account(token).put(invoice(7, DUE))
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    while not world.told(2):
        await world.alert_sender.tick()
        await asyncio.sleep(0)
    assert (await asyncio.wait_for(world.chat(1), 5)).link is not None
    assert world.told(1) == []
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told(1) == [(NEW, 7, 0)]


async def test_a_check_that_takes_longer_than_a_tick_is_not_begun_twice(world: World) -> None:
    await world.link()
    world.provider.gates[TOKEN] = gate = Gate()
    world.provider.calls.clear()
    world.noon(DUE)
    await world.checker.tick()
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.checker.tick()
    gate.open()
    await world.workers.finish()
    assert world.provider.calls_of("list_invoices") == [None]


@pytest.mark.parametrize("error", [ProviderDown(), RuntimeError("a bug"), KeyError("id")])
async def test_one_failing_chat_stops_no_other(world: World, error: Exception) -> None:
    for number in range(1, 6):
        await world.link(number, f"token-of-{number}xx")
        world.provider.account(f"token-of-{number}xx").put(invoice(number, DUE))
    world.provider.errors["token-of-3xx"] = error
    await world.live(DUE)
    assert {number for number in range(1, 6) if world.told(number)} == {1, 2, 4, 5}


async def test_no_more_checks_run_at_once_than_there_are_workers_and_the_rest_have_their_turn(world: World) -> None:
    for number in range(1, 8):
        await world.link(number, f"token-of-{number}xx")
    few = Workers(2)
    checker = Checker(world.store, world.provider, world.clock, world.plan, few)
    world.provider.gates["list_invoices"] = gate = Gate()
    world.provider.calls.clear()
    world.noon(DUE)
    for _ in range(3):
        await checker.tick()
        await asyncio.sleep(0)
    assert len(world.provider.calls) == 2
    gate.open()
    for _ in range(7):
        await few.finish()
        await checker.tick()
    await few.finish()
    assert len(world.provider.calls) == 7


async def test_a_check_begins_as_soon_as_there_is_room_not_at_the_next_tick(world: World) -> None:
    for number in range(1, 8):
        await world.link(number, f"token-of-{number}xx")
    few = Workers(2)
    checker = Checker(world.store, world.provider, world.clock, world.plan, few)
    world.provider.calls.clear()
    world.noon(DUE)
    await checker.work_off(30)
    await few.finish()
    assert len(world.provider.calls) == 7


async def test_many_are_claimed_in_parts_so_that_nobody_waits_for_the_claim_of_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = 2 * CLAIMED_TOGETHER + 1
    for number in range(1, chats + 1):
        await world.link(number, f"token-of-{number}xx")
    claim, claimed = world.store.claim_checks, list[int]()

    async def claim_and_note(*given: Any) -> Any:
        checks = await claim(*given)
        claimed.append(len(checks))
        return checks

    monkeypatch.setattr(world.store, "claim_checks", claim_and_note)
    world.noon(DUE)
    await world.checker.work_off(30)
    await world.workers.finish()
    assert claimed == [CLAIMED_TOGETHER, CLAIMED_TOGETHER, 1]


async def test_while_there_is_no_room_the_next_tick_takes_over(world: World) -> None:
    for number in range(1, 4):
        await world.link(number, f"token-of-{number}xx")
    few = Workers(2)
    checker = Checker(world.store, world.provider, world.clock, world.plan, few)
    world.provider.gates["list_invoices"] = gate = Gate()
    world.provider.calls.clear()
    world.noon(DUE)
    await asyncio.wait_for(checker.work_off(0.05), 5)
    assert len(world.provider.calls) == 2
    gate.open()
    await checker.work_off(30)
    await few.finish()
    assert len(world.provider.calls) == 3


async def test_checks_that_have_piled_up_do_not_come_together_again(world: World) -> None:
    numbers = range(1, 11)
    for number in numbers:
        await world.link(number, f"token-of-{number}xx")
    world.clock.move(timedelta(hours=2))
    few = Workers(2)
    await Checker(world.store, world.provider, world.clock, world.plan, few).work_off(30)
    await few.finish()
    again = sorted([(await world.linked(number)).next_check_at - world.clock.now for number in numbers])
    assert timedelta(minutes=7.5) <= again[0]
    assert again[-1] <= timedelta(minutes=15)
    assert again[-1] - again[0] > timedelta(minutes=5)
    assert len(set(again)) >= len(numbers) - 2


async def test_a_check_that_came_in_time_comes_again_after_the_interval(world: World) -> None:
    await world.link()
    world.clock.move(timedelta(minutes=15, seconds=50))
    await world.check()
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(minutes=15)


async def test_a_check_that_was_cut_off_by_a_crash_is_made_again(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.restart()
    world.provider.gates.clear()
    await world.live(DUE)
    assert world.told() == [(NEW, 7, 0)]


async def test_a_check_of_an_older_link_tells_nothing_after_the_chat_was_linked_anew(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.link(token="token-of-another")
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told() == []
    assert await world.known() == {}


async def test_a_check_that_is_under_way_when_the_chat_is_unlinked_leaves_nothing(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert await world.linking.unlink(await world.chat())
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told() == []
    assert (await world.chat()).link is None


async def test_a_resting_chat_is_not_checked_and_hears_how_things_stand_once_it_is_back(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.store.rest(1, "blocked")
    world.provider.calls.clear()
    for days in range(-8, 3):
        await world.live(DUE + days * DAY)
    assert world.provider.calls == []
    await world.store.wake(1, world.clock.now)
    await world.live(DUE + 3 * DAY)
    assert world.told() == [(OVERDUE, 7, -3)]


async def test_a_slow_readings_result_counts_from_when_it_came(world: World) -> None:
    await world.link()
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    world.clock.move(2 * MINUTE)
    gate.open()
    await world.workers.finish()
    link = await world.linked()
    assert link.watch.checked_at == world.clock.now
    assert link.next_check_at == world.clock.now + timedelta(minutes=15)


async def test_two_chats_of_one_account_are_each_told(world: World) -> None:
    await world.link(1)
    await world.link(2)
    world.account.put(invoice(7, DUE))
    await world.live(DUE)
    assert world.told(1) == world.told(2) == [(NEW, 7, 0)]


async def test_an_invoice_that_credit_has_come_to_cover_is_not_reminded_of(world: World) -> None:
    one = invoice(7, DUE)
    world.account.put(one)
    await world.link()
    world.account.put(replace(one, credit=one.total))
    await world.live(DUE)
    assert world.told() == []
