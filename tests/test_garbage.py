"""Full collections come when they are short."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from bot import garbage
from bot.garbage import Collector, no_full_collections


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
    assert not collector.look()
    heap.clear()
    assert collector.look()


def test_no_full_collection_starts_by_itself(collector: Collector) -> None:
    lost = old_circle()
    objects = [[n] for n in range(20 * 11 * garbage.YOUNG)]
    assert objects
    assert lost() is not None


def test_afterwards_all_is_as_before() -> None:
    before = gc.get_threshold()
    with no_full_collections():
        gc.freeze()
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
