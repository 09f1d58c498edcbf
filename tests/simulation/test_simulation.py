"""Months of many chats, with and without kills: everybody is told what they should be told, and no more.

A failing seed is printed with the command to run it again. ``make simulate`` runs more seeds.
"""

from __future__ import annotations

import pytest

from tests.simulation.run import both_ways, replay, run

UNDISTURBED_SEEDS = range(1, 81)
KILLED_SEEDS = range(81, 281)
GLANCED_SEEDS = range(281, 285)


def judge(seed: int, *, kills: bool) -> None:
    broken = run(seed, kills=kills).broken
    assert not broken, "\n".join([f"replay with: {replay(seed, kills=kills)}", *broken[:5]])


@pytest.mark.parametrize("seed", UNDISTURBED_SEEDS)
def test_people_are_told_what_they_should_be_during_months_of_faults(seed: int) -> None:
    judge(seed, kills=False)


@pytest.mark.parametrize("seed", KILLED_SEEDS)
def test_people_are_told_what_they_should_be_although_the_process_is_killed_repeatedly(seed: int) -> None:
    judge(seed, kills=True)


def test_a_seed_gives_the_same_months_every_time() -> None:
    months: list[list[str]] = []
    for _ in range(2):
        trace: list[str] = []
        assert run(2, kills=True, trace=trace.append).messages > 20
        months.append(trace)
    assert months[0] == months[1]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", GLANCED_SEEDS)
def test_a_check_that_only_sees_that_nothing_has_changed_makes_no_difference(seed: int) -> None:
    result = both_ways(seed)
    assert result.glances > 1000
    assert not result.broken, "\n".join(result.broken[:5])
