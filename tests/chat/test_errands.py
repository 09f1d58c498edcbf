"""Slow work in the background: one of a kind at a time, none twice, no more than there is room for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.chat.errands import Errands
from bot.services.workers import Workers
from tests.fakes import Gate

DONE = list[str]


def note(done: DONE, name: str, gate: Gate | None = None) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        if gate is not None:
            await gate.hold()
        done.append(name)

    return work


async def test_those_of_one_kind_are_run_one_after_the_other_and_other_kinds_do_not_wait() -> None:
    workers, gate, done = Workers(10), Gate(), DONE()
    errands = Errands(workers)
    errands.start("pdf", ["1"], note(done, "first", gate))
    errands.start("pdf", ["2"], note(done, "second"))
    errands.start("archive", [], note(done, "other"))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.sleep(0)
    assert done == ["other"]
    gate.open()
    await workers.finish()
    assert done == ["other", "first", "second"]


async def test_an_errand_is_under_way_until_it_has_ended_however_it_ends() -> None:
    workers, gate = Workers(10), Gate()
    errands = Errands(workers)

    async def fail() -> None:
        await gate.hold()
        raise KeyError("a bug")

    errands.start("pdf", ["1"], fail)
    errands.start("pdf", ["2"], fail)
    assert errands.has("pdf", ["1"])
    assert errands.has("pdf", ["2"])
    assert not errands.has("pdf", ["3"])
    assert not errands.has("archive", ["1"])
    gate.open()
    await workers.finish()
    assert not errands.has("pdf", ["1"])
    assert not errands.has("pdf", ["2"])


async def test_no_more_run_at_once_than_there_is_room_for() -> None:
    workers, gate, done = Workers(2), Gate(), DONE()
    errands = Errands(workers)
    for number in range(3):
        errands.start(f"kind {number}", [], note(done, str(number), gate if number < 2 else None))
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.sleep(0)
    assert done == []
    gate.open()
    await workers.finish()
    assert done == ["0", "1", "2"]


async def test_what_waits_for_its_turn_can_be_cancelled(recwarn: pytest.WarningsRecorder) -> None:
    workers, done = Workers(1), DONE()
    errands = Errands(workers)
    errands.start("pdf", ["1"], note(done, "1", Gate()))
    errands.start("pdf", ["2"], note(done, "2"))
    await workers.finish(within=0.01)
    assert done == []
    assert [str(warning.message) for warning in recwarn] == []
