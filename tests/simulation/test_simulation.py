"""Months of many chats, with and without kills: every person was told what they should have been told, and no more.

A failing seed is printed with the command that runs it again; ``make simulate`` runs as many as wanted.
"""

from __future__ import annotations

import pytest

from tests.simulation.run import replay, run

SEEDS = 2
"""Of a test, each with a dozen chat-months: together a few thousand."""
UNDISTURBED_BLOCKS = range(40)
KILLED_BLOCKS = range(40, 140)


def judge(block: int, *, kills: bool) -> None:
    broken, messages = [], 0
    for seed in range(block * SEEDS + 1, (block + 1) * SEEDS + 1):
        result = run(seed, kills=kills)
        messages += result.messages
        if result.broken:
            broken += [f"seed {seed}, again with: {replay(seed, kills=kills)}", *result.broken[:5]]
    assert not broken, "\n".join(broken)
    assert messages > 10


@pytest.mark.parametrize("block", UNDISTURBED_BLOCKS)
def test_people_are_told_what_they_should_be_through_months_of_trouble(block: int) -> None:
    judge(block, kills=False)


@pytest.mark.parametrize("block", KILLED_BLOCKS)
def test_people_are_told_what_they_should_be_though_the_process_is_killed_again_and_again(block: int) -> None:
    judge(block, kills=True)


def test_a_seed_gives_the_same_months_every_time() -> None:
    first: list[str] = []
    second: list[str] = []
    run(1, kills=True, trace=first.append)
    run(1, kills=True, trace=second.append)
    assert first == second
    assert len(first) > 100
