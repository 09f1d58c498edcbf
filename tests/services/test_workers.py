"""The bounded set of tasks that ticks fill up."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from bot.services.workers import Workers
from tests.fakes import Gate


async def test_as_many_are_free_as_do_not_run() -> None:
    workers, gate = Workers(2), Gate()
    assert workers.free == 2
    workers.start(gate.hold())
    assert workers.free == 1
    workers.start(gate.hold())
    assert workers.free == 0
    gate.open()
    await workers.finish()
    assert workers.free == 2


async def test_one_that_fails_is_logged_and_stops_no_other(logged: list[MutableMapping[str, Any]]) -> None:
    async def fail() -> None:
        raise KeyError("a bug")

    workers, gate = Workers(3), Gate()
    workers.start(gate.hold())
    workers.start(fail())
    await asyncio.wait_for(gate.reached.wait(), 5)
    gate.open()
    await workers.finish()
    assert workers.free == 3
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("background work failed", "error")]


async def test_what_is_not_done_in_time_is_cancelled_and_the_rest_has_ended() -> None:
    ended = []

    async def work(gate: Gate | None) -> None:
        if gate:
            await gate.hold()
        ended.append(gate)

    workers = Workers(2)
    workers.start(work(Gate()))
    workers.start(work(None))
    await workers.finish(within=0.01)
    assert ended == [None]
    assert workers.free == 2


async def test_finishing_with_nothing_to_do_returns_at_once() -> None:
    workers = Workers(1)
    await asyncio.wait_for(workers.finish(), 1)
    assert workers.free == 1
