"""Work on and off the event loop: nothing holds it for long, be it one large piece or many small ones."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from itertools import chain

import pytest

from bot.offload import LIGHT_IN_A_TURN, in_turn, off_loop
from bot.turns import Turn, taking_turn
from tests.turns import counted_turns


@pytest.mark.parametrize("heavy", [True, False])
async def test_only_heavy_work_is_done_in_a_thread(heavy: bool) -> None:
    assert (await off_loop(heavy, threading.current_thread) is threading.current_thread()) is not heavy


@pytest.mark.parametrize("heavy", [True, False])
async def test_an_error_reaches_the_caller(heavy: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        await off_loop(heavy, lambda: 1 // 0)
    assert await off_loop(heavy, lambda: 1) == 1


async def test_much_light_work_leaves_the_others_a_turn_in_between() -> None:
    with counted_turns() as turns:

        async def draw() -> None:
            await in_turn()
            turns.note()

        pieces = ((off_loop(False, turns.note), draw()) for _ in range(5 * LIGHT_IN_A_TURN))
        await asyncio.gather(*chain.from_iterable(pieces))
    assert turns.sizes == [LIGHT_IN_A_TURN] * 10


async def test_a_single_piece_of_light_work_does_not_wait() -> None:
    others = list[str]()
    asyncio.get_running_loop().call_soon(others.append, "another")
    for _ in range(LIGHT_IN_A_TURN):
        await off_loop(False, lambda: None)
    assert others == []
    await off_loop(False, lambda: None)
    assert others == ["another"]


async def test_light_work_for_a_customer_goes_before_what_nobody_waits_for() -> None:
    done = list[Turn]()

    async def draw(turn: Turn) -> None:
        with taking_turn(turn):
            await off_loop(False, done.append, turn)

    checks = [draw(Turn.ALERT) for _ in range(3 * LIGHT_IN_A_TURN)]
    await asyncio.gather(*checks, draw(Turn.CUSTOMER))
    assert done.index(Turn.CUSTOMER) == LIGHT_IN_A_TURN


async def test_who_no_longer_waits_for_a_turn_takes_it_from_nobody() -> None:
    done = list[int]()

    async def draw(number: int) -> None:
        await in_turn()
        done.append(number)

    tasks = [asyncio.create_task(draw(number)) for number in range(4 * LIGHT_IN_A_TURN)]
    await asyncio.sleep(0)
    gone = range(LIGHT_IN_A_TURN, 3 * LIGHT_IN_A_TURN)
    for number in gone:
        tasks[number].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == [number for number in range(4 * LIGHT_IN_A_TURN) if number not in gone]


def test_a_loop_that_has_ended_is_forgotten() -> None:
    with asyncio.Runner() as runner:
        runner.run(in_turn())
        loop = weakref.ref(runner.get_loop())
    del runner
    gc.collect()
    assert loop() is None
