"""Slow work in the background: one job of a kind at a time, no job twice, and no more than the limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.chat.background_jobs import MAX_JOBS_PER_CHAT, BackgroundJob, BackgroundJobs
from tests.fakes import Gate

DONE = list[str]
FIRST, SECOND = BackgroundJob(1, "pdf", ("1",)), BackgroundJob(1, "pdf", ("2",))


def note(done: DONE, name: str, gate: Gate | None = None) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        if gate is not None:
            await gate.hold()
        done.append(name)

    return work


async def nothing() -> None:
    """Tell the chat nothing when its job is cut off."""


async def test_jobs_of_one_kind_run_one_after_the_other_and_other_kinds_do_not_wait() -> None:
    jobs, gate, done = BackgroundJobs(10), Gate(), DONE()
    jobs.start(FIRST, note(done, "first", gate), nothing)
    jobs.start(SECOND, note(done, "second"), nothing)
    jobs.start(BackgroundJob(1, "archive"), note(done, "other"), nothing)
    jobs.start(BackgroundJob(2, "pdf", ("1",)), note(done, "other chat"), nothing)
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.sleep(0)
    assert done == ["other", "other chat"]
    gate.open()
    await jobs.finish()
    assert done == ["other", "other chat", "first", "second"]


async def test_a_job_is_under_way_until_it_has_ended_however_it_ends() -> None:
    jobs, gate = BackgroundJobs(10), Gate()

    async def fail() -> None:
        await gate.hold()
        raise KeyError("a bug")

    jobs.start(FIRST, fail, nothing)
    jobs.start(SECOND, fail, nothing)
    assert jobs.has(BackgroundJob(1, "pdf", ("1",)))
    assert jobs.has(SECOND)
    assert not jobs.has(BackgroundJob(1, "pdf", ("3",)))
    assert not jobs.has(BackgroundJob(1, "archive", ("1",)))
    assert not jobs.has(BackgroundJob(2, "pdf", ("1",)))
    gate.open()
    await jobs.finish()
    assert not jobs.has(FIRST)
    assert not jobs.has(SECOND)


async def test_no_more_jobs_run_at_once_than_allowed() -> None:
    jobs, gate, done = BackgroundJobs(2), Gate(), DONE()
    for number in range(3):
        jobs.start(BackgroundJob(number, "pdf"), note(done, str(number), gate if number < 2 else None), nothing)
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.sleep(0)
    assert done == []
    gate.open()
    await jobs.finish()
    assert done == ["0", "1", "2"]


async def test_a_chat_is_full_until_one_of_its_jobs_has_ended() -> None:
    jobs, gate = BackgroundJobs(10), Gate()
    for number in range(MAX_JOBS_PER_CHAT):
        assert not jobs.is_full(1)
        jobs.start(BackgroundJob(1, number), gate.hold, nothing)
    assert jobs.is_full(1)
    assert not jobs.is_full(2)
    gate.open()
    await jobs.finish()
    assert not jobs.is_full(1)


async def test_a_jobs_future_tells_its_end_and_whether_it_was_cut_off(
    recwarn: pytest.WarningsRecorder,
) -> None:
    jobs, done, gate = BackgroundJobs(2), DONE(), Gate()

    async def fail() -> None:
        raise KeyError("a bug")

    ends = [
        jobs.start(FIRST, note(done, "1"), nothing),
        jobs.start(BackgroundJob(2, "pdf"), fail, nothing),
        jobs.start(BackgroundJob(3, "pdf"), note(done, "3", gate), nothing),
        jobs.start(BackgroundJob(3, "pdf", ("waits",)), note(done, "4"), nothing),
    ]
    await jobs.finish(within=0.05)
    assert [end.cancelled() for end in ends] == [False, False, True, True]
    assert done == ["1"]
    assert [str(warning.message) for warning in recwarn] == []


async def test_a_job_that_is_cut_off_may_tell_its_chat_but_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.background_jobs.CUT_OFF_TIMEOUT", 0.05)
    jobs, done = BackgroundJobs(2), DONE()
    jobs.start(FIRST, note(done, "1", Gate()), note(done, "cut off"))
    jobs.start(BackgroundJob(2, "pdf"), note(done, "2", Gate()), note(done, "talks on", Gate()))
    await asyncio.wait_for(jobs.finish(within=0.01), 5)
    assert done == ["cut off"]
