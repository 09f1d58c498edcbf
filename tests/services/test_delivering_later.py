"""Alerts across crashes, and alerts that time has overtaken."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from bot.domain.alerts import AlertKind, SentMessage
from bot.errors import (
    ChatGone,
    FloodLimited,
)
from bot.ports import Claim
from bot.services.delivering import LEASE
from tests.fakes import Gate
from tests.services.world import SECOND, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE

# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_while_sending_leads_to_one_more_send_that_is_marked(world: World) -> None:
    await world.find(7)
    world.messenger.gate = gate = Gate()
    await world.courier.tick()
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

    world.store.alerts_sent = fails  # type: ignore[method-assign]
    await world.deliver()
    world.store.alerts_sent = alerts_sent  # type: ignore[method-assign]
    world.clock.move(LEASE)
    await world.deliver()
    assert world.marks() == [False, True]
