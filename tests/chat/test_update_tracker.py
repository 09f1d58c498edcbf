"""Updates in progress: handled once, confirmed in order, and no chat's flood blocks the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st
from structlog.testing import capture_logs
from telegram import Chat, ChatMemberBanned, ChatMemberMember, ChatMemberUpdated, Update, User

from bot.chat.update_tracker import MAX_IN_PROGRESS, MAX_UPDATES_PER_CHAT, POLL_LIMIT, SLOW_AFTER, UpdateTracker

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BOT = User(1, "bot", is_bot=True)


class Now:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def update(number: int, chat_id: int | None = None) -> Update:
    made = Update(number)
    made._effective_chat = Chat(chat_id or number, "private")
    return made


def leave_only_a_job(tracker: UpdateTracker, taken: Update) -> None:
    """Let the handler of an update end, and leave a background job behind."""
    tracker.wait_for(taken, asyncio.get_running_loop().create_future())
    assert tracker.job_left(taken)


def updates(numbers: Iterable[int]) -> list[Update]:
    return [update(number) for number in numbers]


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
    tracker.end(update(1), handled=True)
    assert await first
    assert await tracker.take(update(1))
    assert queue.qsize() == 1


async def test_an_update_that_was_cut_off_is_not_confirmed_and_is_handled_when_it_comes_again(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    tracker.take_batch(updates([7, 8]))
    cut_off = tracker.take(update(7))
    tracker.end(update(8), handled=True)
    tracker.end(update(7), handled=False)
    assert not await cut_off
    assert tracker.offset == 7
    tracker.take_batch(updates([7, 8]))
    assert queue.qsize() == 3


async def test_before_any_update_nothing_is_confirmed(tracker: UpdateTracker) -> None:
    assert tracker.offset is None
    assert not tracker.is_busy


@given(st.permutations(range(10)), st.integers(0, 10))
async def test_the_offset_never_passes_an_update_in_progress(order: list[int], done: int) -> None:
    tracker = UpdateTracker(asyncio.Queue())
    tracker.take_batch(updates(range(10)))
    for number in order[:done]:
        tracker.end(update(number), handled=True)
    assert tracker.offset == min(order[done:], default=10)


async def test_a_slow_update_does_not_block_a_full_poll_for_long(
    tracker: UpdateTracker, queue: asyncio.Queue[object], now: Now
) -> None:
    batch = updates(range(POLL_LIMIT))
    tracker.take_batch(batch)
    for number in range(1, POLL_LIMIT):
        tracker.end(update(number), handled=True)
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


async def test_a_background_job_keeps_its_update_and_does_not_block_a_full_poll(tracker: UpdateTracker) -> None:
    batch = updates(range(POLL_LIMIT))
    tracker.take_batch(batch)
    for handled in batch[1:]:
        tracker.end(handled, handled=True)
    leave_only_a_job(tracker, batch[0])
    assert tracker.offset == 0
    tracker.take_batch(batch)
    assert tracker.offset == POLL_LIMIT


async def test_an_early_confirmation_is_remembered_until_the_update_was_handled(tracker: UpdateTracker) -> None:
    job, slow = update(1), update(2)
    for taken in (job, slow):
        tracker.take(taken)
    leave_only_a_job(tracker, job)
    assert [tracker.confirm_early(taken) for taken in (job, slow)] == [True, False]
    assert [tracker.was_confirmed_early(taken) for taken in (job, slow)] == [True, False]
    tracker.end(job, handled=False)
    assert tracker.was_confirmed_early(job)
    tracker.take(job)
    tracker.end(job, handled=True)
    assert not tracker.was_confirmed_early(job)


async def test_a_flood_of_one_chat_is_answered_in_part_and_others_are_answered(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    flood = [update(number, chat_id=5) for number in range(MAX_UPDATES_PER_CHAT + 30)]
    tracker.take_batch([*flood, update(MAX_UPDATES_PER_CHAT + 30, chat_id=6)])
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 1
    for number in range(MAX_UPDATES_PER_CHAT):
        tracker.end(flood[number], handled=True)
    assert tracker.offset == MAX_UPDATES_PER_CHAT + 30
    tracker.take(update(1000, chat_id=5))
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 2


async def test_a_block_that_comes_behind_a_flood_is_handled(
    tracker: UpdateTracker, queue: asyncio.Queue[object]
) -> None:
    tracker.take_batch([update(number, chat_id=5) for number in range(MAX_UPDATES_PER_CHAT)])
    blocked = update(MAX_UPDATES_PER_CHAT, chat_id=5)
    with blocked._unfrozen():
        blocked.my_chat_member = ChatMemberUpdated(
            Chat(5, "private"), User(5, "Ada", is_bot=False), NOW, ChatMemberMember(BOT), ChatMemberBanned(BOT, NOW)
        )
    tracker.take(blocked)
    assert queue.qsize() == MAX_UPDATES_PER_CHAT + 1


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
    tracker.end(update(2), handled=True)
    await asyncio.sleep(0)
    assert not waiting.done()
    tracker.end(update(1), handled=True)
    await asyncio.wait_for(waiting, 1)


async def test_at_a_stop_updates_in_progress_are_reported_as_not_handled(tracker: UpdateTracker) -> None:
    ended = tracker.take(update(1))
    tracker.cut_off()
    assert not await ended
