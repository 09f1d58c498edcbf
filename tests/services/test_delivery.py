"""Delivery of alerts: each once, in order, none lost. No chat holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.domain.alerts import Alert, AlertKind
from bot.domain.chat_keys import key_of
from bot.errors import (
    ChatGone,
    ChatMigrated,
    FloodLimited,
    NotSent,
    SendRefused,
    TelegramDown,
)
from bot.factories import SENDS_AT_ONCE
from bot.offload import LIGHT_IN_A_TURN
from bot.ports import Delivery
from bot.services.delivery import AlertSender
from bot.services.workers import Workers
from tests.fakes import Gate
from tests.services.world import HOUR, MINUTE, SECOND, World
from tests.turns import counted_turns

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE

# --- When all goes well ----------------------------------------------------------------------------------------------


async def test_an_alert_is_sent_once(world: World) -> None:
    await world.find(7)
    await world.deliver(5)
    await world.restart()
    await world.deliver_for(10 * MINUTE, MINUTE)
    assert world.told() == [(NEW, 7, None)]
    assert world.marks() == [False]
    assert await world.store.waiting_alerts(key_of(1)) == await world.store.waiting_alerts(key_of(999))


async def test_who_was_frozen_since_its_claim_sends_nothing_that_another_has_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.find(7)
    claim = world.store.claim_alerts

    async def claim_and_freeze(now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        claimed = await claim(now, limit, lease)
        monkeypatch.undo()
        world.clock.move(lease + SECOND)
        await world.deliver()
        return claimed

    monkeypatch.setattr(world.store, "claim_alerts", claim_and_freeze)
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None)]
    assert world.marks() == [True]


async def test_who_was_frozen_since_its_claim_goes_on_at_once_if_nobody_else_has_sent_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.find(7)
    claim = world.store.claim_alerts

    async def claim_and_freeze(now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        claimed = await claim(now, limit, lease)
        monkeypatch.undo()
        world.clock.move(HOUR)
        return claimed

    monkeypatch.setattr(world.store, "claim_alerts", claim_and_freeze)
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None)]
    assert world.marks() == [False]


async def test_alerts_of_a_chat_come_in_the_order_in_which_they_were_found(world: World) -> None:
    await world.find(9)
    world.clock.move(HOUR)
    await world.find(3)
    world.clock.move(HOUR)
    await world.find(5)
    await world.deliver(5)
    assert world.numbers() == [9, 3, 5]


async def test_the_next_alert_of_a_chat_waits_until_the_first_has_gone_out(world: World) -> None:
    await world.find(1, 2)
    world.messenger.gate = gate = Gate()
    for _ in range(3):
        await world.alert_sender.tick()
        await asyncio.sleep(0)
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert len(world.messenger.tries) == 1
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.numbers() == [1, 2]


async def test_what_is_due_goes_out_as_soon_as_there_is_room_whatever_the_time_between_two_ticks(world: World) -> None:
    for chat_id in range(1, 8):
        await world.find(7, chat_id=chat_id)
    few = Workers(2)
    outside = (world.messenger, world.clock, world.plan, few)
    await AlertSender(world.store, world.store, *outside).work_off(30)
    await few.finish()
    assert sorted(message.chat_id for message in world.messenger.sent) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("everywhere", [True, False])
async def test_only_while_telegram_takes_nothing_from_the_bot_at_all_other_chats_wait_and_nothing_is_tried(
    world: World, everywhere: bool
) -> None:
    await world.link(2, "token-of-2xx")
    await world.find(7)
    world.messenger.troubles[1].append(FloodLimited(3600, everywhere=everywhere))
    await world.deliver()
    world.clock.move(20 * MINUTE)
    await world.find(7, chat_id=2)
    await world.deliver_for(39 * MINUTE, MINUTE)
    assert (world.numbers(1), world.numbers(2)) == ([], [] if everywhere else [7])
    assert world.messenger.tries == ([1] if everywhere else [1, 2])
    await world.deliver_for(2 * MINUTE, MINUTE)
    assert world.numbers(1) == world.numbers(2) == [7]


async def test_a_clock_that_is_put_back_ends_such_a_pause(world: World) -> None:
    await world.link(2, "token-of-2xx")
    await world.find(7)
    world.messenger.troubles[1].append(FloodLimited(3600, everywhere=True))
    await world.deliver()
    world.clock.move(20 * MINUTE)
    await world.find(7, chat_id=2)
    world.clock.move(-timedelta(days=400))
    await world.deliver(2)
    assert world.numbers(2) == [7]


async def test_messages_that_are_due_at_once_begin_in_several_turns_of_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chat_id in range(1, SENDS_AT_ONCE + 1):
        await world.find(7, chat_id=chat_id)
    send = world.messenger.send_alerts
    with counted_turns() as turns:

        async def send_and_note(delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
            turns.note()
            return await send(delivery, alerts, now)

        monkeypatch.setattr(world.messenger, "send_alerts", send_and_note)
        await world.deliver()
    assert sum(turns.sizes) == SENDS_AT_ONCE
    assert max(turns.sizes) <= LIGHT_IN_A_TURN


# --- Nobody holds up anybody ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [ChatGone("x"), ChatMigrated(-5), FloodLimited(600), NotSent(), TelegramDown(), SendRefused("x"), KeyError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_trouble_with_one_chat_stops_no_other(world: World, error: Exception) -> None:
    for chat_id in (1, 2, 3):
        await world.find(7, chat_id=chat_id)
    world.messenger.always[2] = error
    await world.deliver(3)
    assert world.numbers(1) == world.numbers(3) == [7]


async def test_a_slow_chat_holds_up_no_other(world: World) -> None:
    for chat_id in (1, 2):
        await world.find(7, chat_id=chat_id)
    world.messenger.held_chats[1] = gate = Gate()
    await world.alert_sender.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.wait_for(world.messenger.came.wait(), 5)
    assert world.numbers(2) == [7]
    gate.open()
    await world.workers.finish()
    assert world.numbers(1) == [7]


async def test_with_all_hands_busy_nothing_is_claimed_that_nobody_can_send(world: World) -> None:
    for chat_id in (1, 2, 3):
        await world.find(7, chat_id=chat_id)
    few = Workers(2)
    alert_sender = AlertSender(world.store, world.store, world.messenger, world.clock, world.plan, few)
    world.messenger.gate = gate = Gate()
    await alert_sender.tick()
    await alert_sender.tick()
    gate.open()
    await few.finish()
    assert len(world.messenger.sent) == 2
    await alert_sender.tick()
    await few.finish()
    assert len(world.messenger.sent) == 3
