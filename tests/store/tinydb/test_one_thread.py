"""The store's thread: work in its order, and results that come back together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from threading import Event

import pytest

from bot.store.tinydb.one_thread import AT_A_TURN, OneThread


@pytest.fixture
def thread() -> Iterator[OneThread]:
    opened = OneThread("tested")
    yield opened
    opened.close()


async def test_work_is_done_in_the_order_in_which_it_is_asked_for(thread: OneThread) -> None:
    done: list[int] = []
    await asyncio.gather(*(thread.run(partial(done.append, n)) for n in range(100)))
    assert done == list(range(100))


async def test_an_error_reaches_the_one_who_asked_and_nobody_else(thread: OneThread) -> None:
    def fail() -> None:
        raise OSError("no space")

    failed, fine = thread.run(fail), thread.run(lambda: "fine")
    with pytest.raises(OSError, match="no space"):
        await failed
    assert await fine == "fine"


async def test_work_that_nobody_waits_for_any_more_is_not_begun(thread: OneThread) -> None:
    may_end, begun = Event(), list[str]()
    first = thread.run(may_end.wait)
    given_up, last = thread.run(lambda: begun.append("given up")), thread.run(lambda: begun.append("last"))
    given_up.cancel()
    may_end.set()
    await asyncio.gather(first, last)
    assert begun == ["last"]


async def test_a_turn_of_the_loop_gets_only_so_many_results(thread: OneThread) -> None:
    may_go_on, all_done = Event(), Event()
    thread.run(may_go_on.wait)
    went_on: list[int] = []
    futures = [thread.run(int) for _ in range(3 * AT_A_TURN)]
    for future in futures:
        future.add_done_callback(lambda _: went_on.append(turn))
    last = thread.run(all_done.set)
    may_go_on.set()
    all_done.wait()  # in the loop's thread: when it comes to look, all is done
    turn = 0
    while not last.done() or len(went_on) < len(futures):
        turn += 1
        await asyncio.sleep(0)
    assert max(went_on.count(each) for each in went_on) <= AT_A_TURN


def test_a_loop_that_ended_before_its_result_came_holds_up_no_other(thread: OneThread) -> None:
    may_end = Event()

    async def leave() -> None:
        thread.run(may_end.wait)

    async def ask() -> str:
        return await thread.run(lambda: "answer")

    asyncio.run(leave())
    may_end.set()
    assert asyncio.run(ask()) == "answer"


async def test_closing_waits_for_what_was_asked_for() -> None:
    thread, done = OneThread("tested"), list[int]()
    for n in range(10):
        thread.run(partial(done.append, n))
    thread.close()
    assert done == list(range(10))
