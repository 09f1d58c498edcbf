"""Nothing is collected during the start, and full collections come when they are short."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from bot import garbage
from bot.garbage import Collector, no_collections, no_full_collections


class Circle:
    """Refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[Collector]:
    with no_full_collections():
        gc.collect()
        collector = Collector()
        collector.leave_out()
        yield collector


def old_circle() -> weakref.ref[Circle]:
    """Return a circle that nobody needs, and that only a full collection finds."""
    circle = Circle()
    gc.collect(1)  # whoever outlives two collections is old
    gc.collect(1)
    return weakref.ref(circle)


def test_circles_go_while_little_is_in_memory(collector: Collector) -> None:
    lost = old_circle()
    assert lost() is not None
    assert collector.look()
    assert lost() is None


def test_a_collection_gives_way_to_a_large_heap_but_not_for_ever(collector: Collector) -> None:
    lost, heap = old_circle(), [[n] for n in range(garbage.LITTLE + 1000)]
    looks = [collector.look() for _ in range(garbage.WAITS_AT_MOST)]
    assert not any(looks)
    assert lost() is not None
    assert collector.look()
    assert lost() is None
    more = [[n] for n in range(garbage.LITTLE + 1000)]
    assert not collector.look()
    heap.clear()
    more.clear()
    assert collector.look()


def test_what_came_slowly_makes_no_collection_wait(collector: Collector) -> None:
    heap = list[object]()
    for _ in range(3):
        heap.extend(str(n) for n in range(garbage.LITTLE // 2))
        assert collector.look()


def test_what_a_collection_has_left_in_great_number_is_left_out_of_the_next(collector: Collector) -> None:
    before = gc.get_freeze_count()
    assert collector.look()
    assert gc.get_freeze_count() == before  # it has left little
    heap = [[n] for n in range(garbage.MANY + 1000)]
    assert collector.look()
    assert gc.get_freeze_count() >= before + len(heap)
    lost = old_circle()
    assert collector.look()
    assert lost() is None


def test_no_full_collection_starts_by_itself(collector: Collector) -> None:
    lost = old_circle()
    objects = [[n] for n in range(20 * 11 * garbage.YOUNG)]
    assert objects
    assert lost() is not None


async def test_nothing_is_collected_until_the_bot_runs() -> None:
    with no_full_collections(), no_collections():
        assert not gc.isenabled()
        collecting = asyncio.create_task(Collector().run())
        await asyncio.sleep(0)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0  # so that the first collection does not look at all that the start has made
        collecting.cancel()


def test_afterwards_all_is_as_before() -> None:
    before = gc.get_threshold()
    with no_full_collections(), no_collections():
        gc.freeze()
        assert gc.get_threshold() != before
    assert gc.isenabled()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
