"""Months of many chats, with and without kills: every person was told what they should have been told, and no more.

A failing seed is printed with the command that runs it again; ``make simulate`` runs as many as wanted.
"""

from __future__ import annotations

import pytest

from tests.simulation.run import replay, run

UNDISTURBED_SEEDS = range(1, 81)
KILLED_SEEDS = range(81, 281)


def judge(seed: int, *, kills: bool) -> None:
    broken = run(seed, kills=kills).broken
    assert not broken, "\n".join([f"again with: {replay(seed, kills=kills)}", *broken[:5]])


@pytest.mark.parametrize("seed", UNDISTURBED_SEEDS)
def test_people_are_told_what_they_should_be_through_months_of_trouble(seed: int) -> None:
    judge(seed, kills=False)


@pytest.mark.parametrize("seed", KILLED_SEEDS)
def test_people_are_told_what_they_should_be_though_the_process_is_killed_again_and_again(seed: int) -> None:
    judge(seed, kills=True)


def test_a_seed_gives_the_same_months_every_time() -> None:
    months: list[list[str]] = []
    for _ in range(2):
        trace: list[str] = []
        assert run(2, kills=True, trace=trace.append).messages > 20
        months.append(trace)
    assert months[0] == months[1]
