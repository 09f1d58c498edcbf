"""Alerts across crashes, and while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from bot.domain.alerts import AlertKind, SentMessage
from bot.errors import (
    ChatGone,
    FloodLimited,
    StoreAway,
)
from bot.ports import Claim
from bot.services.delivery import DELIVERY_LEASE, AlertSender
from tests.fakes import Gate
from tests.services.world import SECOND, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE

# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_while_sending_leads_to_one_more_send_that_is_marked(world: World) -> None:
    await world.find(7)
    world.messenger.gate = gate = Gate()
    await world.alert_sender.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.restart()
    world.messenger.gate = None
    await world.deliver(3)
    assert world.numbers() == [7]
    assert world.marks() == [True]


async def test_a_crash_between_finding_out_and_telling_loses_nothing(world: World) -> None:
    await world.find(1, 2)
    await world.restart()
    await world.deliver(5)
    assert world.numbers() == [1, 2]
    assert world.marks() == [False]


async def test_a_crash_between_being_refused_and_resting_loses_nothing(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = ChatGone("blocked")
    rest = world.store.rest

    async def crash(chat_id: int, reason: str) -> None:
        raise OSError("the disk is full")

    world.store.rest = crash  # type: ignore[method-assign]
    await world.deliver()
    world.store.rest = rest  # type: ignore[method-assign]
    await world.restart()
    world.messenger.always.clear()
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_flood_limit_outlives_a_restart(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].append(FloodLimited(600))
    await world.deliver()
    await world.restart()
    world.clock.move(599 * SECOND)
    await world.deliver()
    assert world.numbers() == []
    world.clock.move(SECOND)
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_send_whose_record_could_not_be_written_comes_again_marked(world: World) -> None:
    await world.find(7)
    alerts_sent = world.store.alerts_sent

    async def fails(claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        raise OSError("the disk is full")

    world.store.alerts_sent = fails
    await world.deliver()
    world.store.alerts_sent = alerts_sent
    world.clock.move(DELIVERY_LEASE)
    await world.deliver()
    assert world.marks() == [False, True]


async def test_what_went_out_while_the_database_was_away_is_noted_once_it_is_back(world: World) -> None:
    await world.find(7)
    alerts_sent, tries = world.store.alerts_sent, []

    async def is_away_at_first(claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        tries.append(world.clock.now)
        if len(tries) < 5:
            raise StoreAway
        return await alerts_sent(claim, message, resolved)

    world.store.alerts_sent = is_away_at_first
    await patient(world).tick()
    await world.workers.finish()
    await world.deliver_for(2 * DELIVERY_LEASE, DELIVERY_LEASE)
    assert world.marks() == [False]


async def test_a_database_that_stays_away_is_not_waited_for_longer_than_the_lease(world: World) -> None:
    await world.find(7)
    begun = world.clock.now

    async def is_away(claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        raise StoreAway

    world.store.alerts_sent = is_away
    await patient(world).tick()
    await world.workers.finish()
    assert DELIVERY_LEASE / 2 < world.clock.now - begun <= DELIVERY_LEASE


def patient(world: World) -> AlertSender:
    """Return an alert sender whose waits move the clock."""

    async def wait(seconds: float) -> None:
        world.clock.move(timedelta(seconds=seconds))

    outside = (world.messenger, world.clock, world.plan, world.workers)
    return AlertSender(world.store, world.store, *outside, sleep=wait)
