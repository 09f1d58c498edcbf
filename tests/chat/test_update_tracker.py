"""Updates in progress: handled once, confirmed in order, and no chat's flood blocks the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from structlog.testing import capture_logs

from bot.chat.incoming import Incoming
from bot.chat.update_tracker import (
    FEW,
    FEW_ARE_SLOW_AFTER,
    FLOOD_ENDS_AFTER,
    FLOOD_FROM,
    MAX_IN_PROGRESS,
    MAX_UPDATES_PER_CHAT,
    MAX_UPDATES_PER_MEMBER,
    MAX_WITH_STRANGERS,
    POLL_LIMIT,
    SLOW_AFTER,
    UpdateTracker,
)
from bot.turns import Turn


class Now:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def update(number: int, chat_id: int | None = None, person_id: int = 1) -> Incoming:
    """Return an update with this number, by default in the chat of that number."""
    chat = {"id": chat_id or number, "type": "private"}
    person = {"id": person_id, "first_name": "Ada", "is_bot": False}
    return Incoming({"update_id": number, "message": {"message_id": 1, "date": 1, "chat": chat, "from": person}})


def updates(numbers: Iterable[int]) -> list[Incoming]:
    return [update(number) for number in numbers]


def end(tracker: UpdateTracker, *numbers: int, handled: bool = True) -> None:
    for number in numbers:
        tracker.end(number, handled=handled)


def leave_only_a_job(tracker: UpdateTracker, number: int) -> None:
    """Let the handler of an update end, and leave a background job behind."""
    tracker.wait_for(number, asyncio.get_running_loop().create_future())
    assert tracker.job_left(number)


@pytest.fixture
async def queue() -> asyncio.Queue[object]:
    return asyncio.Queue()


@pytest.fixture
async def now() -> Now:
    return Now()


@pytest.fixture
async def tracker(queue: asyncio.Queue[object], now: Now) -> UpdateTracker:
    return UpdateTracker(queue, now)


async def test_an_update_that_comes_again_while_in_progress_or_when_handled_is_handled_once(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    first = tracker.take(update(1))
    assert tracker.take(update(1)) is first
    end(tracker, 1)
    assert await first
    assert await tracker.take(update(1))
    assert queue.qsize() == 1


async def test_an_update_that_was_cut_off_is_not_confirmed_and_is_handled_when_it_comes_again(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    tracker.take_batch(updates([7, 8]))
    cut_off = tracker.take(update(7))
    end(tracker, 8)
    end(tracker, 7, handled=False)
    assert not await cut_off
    assert tracker.offset == 7
    tracker.take_batch(updates([7, 8]))
    assert queue.qsize() == 3


async def test_an_update_that_was_cut_off_is_not_passed_by_while_a_later_one_is_in_progress(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    tracker.take_batch(updates([7, 8]))
    end(tracker, 7, handled=False)
    assert tracker.offset == 7
    tracker.take_batch(updates([7, 8]))
    end(tracker, 7, 8)
    assert queue.qsize() == 3
    assert tracker.offset == 9


async def test_an_update_that_was_cut_off_and_does_not_come_again_holds_up_nothing(tracker: UpdateTracker) -> None:
    tracker.take_batch(updates([7, 8]))
    end(tracker, 7, handled=False)
    end(tracker, 8)
    tracker.take_batch(updates([9]))
    end(tracker, 9)
    assert tracker.offset == 10
    assert not tracker.is_busy


async def test_before_any_update_nothing_is_confirmed(tracker: UpdateTracker) -> None:
    assert tracker.offset is None
    assert not tracker.is_busy


@given(st.permutations(range(10)), st.integers(0, 10))
async def test_the_offset_never_passes_an_update_in_progress(order: list[int], done: int) -> None:
    tracker = UpdateTracker(asyncio.Queue())
    tracker.take_batch(updates(range(10)))
    for number in order[:done]:
        end(tracker, number)
    assert tracker.offset == min(order[done:], default=10)


async def test_a_slow_update_does_not_block_a_full_poll_for_long(
    tracker: UpdateTracker, queue: asyncio.Queue[object], now: Now
) -> None:
    batch = updates(range(POLL_LIMIT))
    tracker.take_batch(batch)
    for number in range(1, POLL_LIMIT):
        end(tracker, number)
    tracker.take_batch(batch)
    assert tracker.offset == 0
    now.seconds = SLOW_AFTER
    with capture_logs() as logged:
        tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT
    assert [entry["event"] for entry in logged] == ["slow updates confirmed"]
    tracker.take_batch(updates(range(POLL_LIMIT, 2 * POLL_LIMIT)))
    assert queue.qsize() == 2 * POLL_LIMIT


async def test_a_slow_update_in_a_poll_that_is_not_full_is_not_confirmed(tracker: UpdateTracker, now: Now) -> None:
    tracker.take_batch(updates(range(3)))
    now.seconds = 10 * SLOW_AFTER
    tracker.take_batch(updates(range(3)))
    assert tracker.offset == 0


async def test_a_few_slow_updates_hold_up_a_full_poll_for_a_moment_only_and_many_are_left_to_end(
    tracker: UpdateTracker, now: Now
) -> None:
    batch = updates(range(1, POLL_LIMIT + 1))
    tracker.take_batch(batch)
    now.seconds = FEW_ARE_SLOW_AFTER
    tracker.take_batch(batch)
    assert tracker.offset == 1
    end(tracker, *range(FEW + 1, POLL_LIMIT + 1))
    assert tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT + 1


async def test_a_background_job_keeps_its_update_and_does_not_block_a_full_poll(tracker: UpdateTracker) -> None:
    batch = updates(range(POLL_LIMIT))
    tracker.take_batch(batch)
    end(tracker, *range(1, POLL_LIMIT))
    leave_only_a_job(tracker, 0)
    assert tracker.offset == 0
    tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT


async def test_an_early_confirmation_is_remembered_until_the_update_was_handled(tracker: UpdateTracker) -> None:
    for number in (1, 2):
        tracker.take(update(number))
    leave_only_a_job(tracker, 1)
    assert [tracker.confirm_early(number) for number in (1, 2)] == [True, False]
    assert [tracker.was_confirmed_early(number) for number in (1, 2)] == [True, False]
    end(tracker, 1, handled=False)
    assert tracker.was_confirmed_early(1)
    tracker.take(update(1))
    end(tracker, 1)
    assert not tracker.was_confirmed_early(1)


async def test_a_flood_of_one_chat_is_answered_in_part_and_others_are_answered(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    flood = [update(number, chat_id=5) for number in range(MAX_UPDATES_PER_CHAT + 30)]
    tracker.take_batch([*flood, update(MAX_UPDATES_PER_CHAT + 30, chat_id=6)])
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 1
    end(tracker, *range(MAX_UPDATES_PER_CHAT))
    assert tracker.offset == MAX_UPDATES_PER_CHAT + 30
    tracker.take(update(1000, chat_id=5))
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 2


async def test_a_poll_that_a_flood_fills_is_confirmed_at_once_so_that_others_behind_it_are_seen(
    tracker: UpdateTracker,
) -> None:
    flood = [update(number, chat_id=5) for number in range(POLL_LIMIT)]
    assert tracker.take_batch(flood)
    assert tracker.offset == POLL_LIMIT
    assert tracker.was_confirmed_early(0)


async def test_a_flood_takes_nobody_else_with_it_when_it_is_confirmed(tracker: UpdateTracker) -> None:
    batch = [update(number, chat_id=5) for number in range(POLL_LIMIT)]
    batch[30] = update(30, chat_id=6)
    assert not tracker.take_batch(batch)  # as long as it holds up most of what is there
    assert tracker.offset == 30
    end(tracker, 30)
    assert tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT


async def test_in_a_poll_that_is_not_full_even_a_flood_is_confirmed_only_once_it_was_handled(
    tracker: UpdateTracker,
) -> None:
    assert not tracker.take_batch([update(number, chat_id=5) for number in range(POLL_LIMIT - 1)])
    assert tracker.offset == 0


async def test_a_crowd_of_strangers_is_confirmed_at_once_and_a_customer_among_them_is_not(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    batch = updates(range(1, POLL_LIMIT + 1))
    tracker.take_batch(batch, strangers={u.id for u in batch} - {40})
    assert tracker.offset == 40
    assert queue.qsize() == POLL_LIMIT


async def test_a_flood_is_logged_once_and_again_only_after_a_pause(tracker: UpdateTracker, now: Now) -> None:
    with capture_logs() as logged:
        for number in range(1000):
            now.seconds += FLOOD_ENDS_AFTER / 100
            tracker.take(update(number, chat_id=5))
        now.seconds += FLOOD_ENDS_AFTER
        tracker.take(update(1000, chat_id=5))
    lines = [entry for entry in logged if entry["log_level"] != "debug"]
    assert [(entry["event"], entry["chat"]) for entry in lines] == [("update passed over", 5)] * 2


async def test_strangers_leave_room_for_customers_and_those_too_many_are_one_line(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    with capture_logs() as logged:
        for number in range(MAX_WITH_STRANGERS + 50):
            tracker.take(update(1 + number), stranger=True)
    assert queue.qsize() == MAX_WITH_STRANGERS
    assert len([entry for entry in logged if entry["log_level"] == "warning"]) == 1
    tracker.take(update(1_000_000))
    assert queue.qsize() == MAX_WITH_STRANGERS + 1


async def test_strangers_and_those_who_flood_are_served_after_customers(tracker: UpdateTracker) -> None:
    tracker.take_batch([update(number, chat_id=5) for number in range(FLOOD_FROM)])
    assert tracker.turn_of(0) is Turn.CUSTOMER
    tracker.take(update(FLOOD_FROM, chat_id=5))
    assert tracker.turn_of(0) is Turn.OTHER
    end(tracker, 0)
    assert tracker.turn_of(1) is Turn.CUSTOMER
    tracker.take(update(100), stranger=True)
    assert tracker.turn_of(100) is Turn.OTHER


async def test_a_member_who_floods_a_group_is_served_after_the_others_and_leaves_them_room(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    for number in range(100):
        tracker.take(update(number, chat_id=-5, person_id=1))
    assert queue.qsize() == MAX_UPDATES_PER_MEMBER
    tracker.take(update(100, chat_id=-5, person_id=2))
    assert queue.qsize() == MAX_UPDATES_PER_MEMBER + 1
    assert [tracker.turn_of(number) for number in (0, 100)] == [Turn.OTHER, Turn.CUSTOMER]


async def test_a_group_in_which_many_ask_something_holds_up_nobody_else(tracker: UpdateTracker) -> None:
    batch = [update(number, chat_id=-5, person_id=number) for number in range(POLL_LIMIT)]
    assert tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT
    assert tracker.turn_of(0) is Turn.CUSTOMER


async def test_of_many_requests_at_once_only_those_of_strangers_and_floods_are_confirmed_early(
    tracker: UpdateTracker,
) -> None:
    for number in range(3):
        tracker.take(update(1 + number), stranger=True)
    assert not tracker.confirm_in_crowd(3, crowd=3)
    for number in (4, 5):
        tracker.take(update(number), stranger=number == 5)
    assert [tracker.confirm_in_crowd(number, crowd=3) for number in (4, 5)] == [False, True]
    assert tracker.was_confirmed_early(5)


def blocked(number: int, chat_id: int) -> Incoming:
    """Return an update that the bot was blocked."""
    return Incoming({"update_id": number, "my_chat_member": {"chat": {"id": chat_id, "type": "private"}}})


async def test_a_block_that_comes_behind_a_flood_is_handled(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    tracker.take_batch([update(number, chat_id=5) for number in range(MAX_UPDATES_PER_CHAT)])
    tracker.take(blocked(MAX_UPDATES_PER_CHAT, chat_id=5))
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 1


@pytest.mark.parametrize("migration", [{"migrate_to_chat_id": -1005}, {"migrate_from_chat_id": -6}])
async def test_a_migration_that_comes_behind_a_flood_is_handled(
    tracker: UpdateTracker, queue: asyncio.Queue[object], migration: dict[str, int]
) -> None:
    tracker.take_batch([update(number, chat_id=-5, person_id=number) for number in range(MAX_UPDATES_PER_CHAT)])
    message = {"message_id": 1, "date": 1, "chat": {"id": -5, "type": "group"}, **migration}
    tracker.take(Incoming({"update_id": MAX_UPDATES_PER_CHAT, "message": message}))
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 1


async def test_a_block_amid_a_flood_waits_for_nobody_and_is_not_confirmed_early(tracker: UpdateTracker) -> None:
    batch = [update(number, chat_id=5) for number in range(POLL_LIMIT)]
    batch[70] = blocked(70, chat_id=5)
    tracker.take_batch(batch, strangers={5})
    assert tracker.turn_of(70) is Turn.CUSTOMER
    assert tracker.offset == 70


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["customer", "stranger", "flood"]), min_size=1, max_size=600), st.data())
async def test_whatever_floods_every_customer_is_served_within_some_polls_and_none_is_confirmed_too_early(
    sent: list[str], data: st.DataObject
) -> None:
    """Customers are handled after some polls; of the others nothing ever is."""
    queue, waiting, done = asyncio.Queue[Any](), set[int](), set[int]()
    tracker = UpdateTracker(queue, Now())
    pending = [update(number, 1_000_000 if kind == "flood" else number) for number, kind in enumerate(sent, start=1)]
    customers = {number for number, kind in enumerate(sent, start=1) if kind == "customer"}
    strangers = {number for number, kind in enumerate(sent, start=1) if kind == "stranger"}
    for _ in range(2 * len(sent) // POLL_LIMIT + 10):
        offset = tracker.offset or 0
        assert not [number for number in customers - done if number < offset]
        tracker.take_batch([one for one in pending if one.id >= offset][:POLL_LIMIT], strangers)
        while not queue.empty():
            waiting.add(queue.get_nowait().id)
        at_work = customers & waiting - done
        late = {number for number in at_work if data.draw(st.booleans())}
        end(tracker, *(late if len(late) > 1 else at_work))
        done |= late if len(late) > 1 else at_work
    assert customers <= waiting


async def test_a_full_tracker_confirms_nothing_early(tracker: UpdateTracker, now: Now) -> None:
    for number in range(MAX_IN_PROGRESS - POLL_LIMIT):
        tracker.take(update(10_000 + number))
    batch = updates(range(POLL_LIMIT))
    tracker.take_batch(batch)
    assert tracker.is_full
    now.seconds = SLOW_AFTER
    tracker.take_batch(batch)
    assert tracker.offset == 0


async def test_waiting_ends_when_no_update_is_in_progress(tracker: UpdateTracker) -> None:
    tracker.take_batch(updates([1, 2]))
    waiting = asyncio.create_task(tracker.wait_until_idle(30))
    end(tracker, 2)
    await asyncio.sleep(0)
    assert not waiting.done()
    end(tracker, 1)
    await asyncio.wait_for(waiting, 1)


async def test_at_a_stop_updates_in_progress_are_reported_as_not_handled(tracker: UpdateTracker) -> None:
    ended = tracker.take(update(1))
    tracker.cut_off()
    assert not await ended
