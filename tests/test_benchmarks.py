"""The harness of the benchmarks: what is judged as met, what the page says, and when the quick part fails."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.figures import Figure, line
from benchmarks.goals import GOALS, PARTS, Goal, at_least, at_most, times, within
from benchmarks.quick import Ratios, fallen, look, speeds

ROOT = Path(__file__).parents[1]
NAME, WAIT = "checks.unchanged", "start.0.seconds"


def rate(*rounds: float, baseline: tuple[float, ...] = (), name: str = NAME) -> Figure:
    return Figure(name, "checks", "a second", rounds, baseline, "plain")


@pytest.mark.parametrize(
    ("goal", "figure", "met", "reached"),
    [
        (times(3), rate(300, baseline=(100,)), True, 1.0),
        (times(3), rate(299, baseline=(100,)), False, 2.99 / 3),
        (within(2), rate(200, baseline=(100,)), True, 1.0),
        (within(2), rate(250, baseline=(100,)), False, 0.8),
        (at_least(100), rate(150, baseline=(1000,)), True, 1.5),
        (at_most(100), rate(200), False, 0.5),
        (at_most(0), rate(0), True, float("inf")),
        (at_most(0), rate(1), False, 0.0),
    ],
)
def test_a_goal_is_met_from_its_bound_on(goal: Goal, figure: Figure, met: bool, reached: float) -> None:
    assert goal.is_met(figure) is met
    assert goal.reached(figure) == pytest.approx(reached)


def test_a_ratio_compares_round_by_round() -> None:
    slow_machine_later = rate(300, 30, 3, baseline=(100, 10, 1))
    assert slow_machine_later.ratio == pytest.approx(3)


def test_a_ratio_needs_a_baseline() -> None:
    with pytest.raises(ValueError, match="no baseline"):
        times(3).is_met(rate(300))


def test_a_line_says_median_spread_and_ratio() -> None:
    assert line(rate(3, 1, 2, baseline=(1, 1, 1))) == (
        "checks: 2.00 (1.00 to 3.00) a second; plain: 1.00 (1.00 to 1.00); × 2.00"
    )


def test_the_page_says_what_is_met_what_not_and_what_failed() -> None:
    good, bad = rate(400, baseline=(100,)), Figure(WAIT, "first poll", "s", (5.0,))
    text = page.page({"checks": [good], "start": [bad], "weight": None})
    assert "1 of 2 goals are met.\n\nNot met:\n\n- first poll: 5.00 s, goal ≤ 0.90 s\n" in text
    assert "Without a result, because it failed: weight." in text
    assert "| checks | 400 a second | plain: 100 | × 4.00 | ≥ 3.00 × | met |" in text
    assert "| first poll | 5.00 s |  |  | ≤ 0.90 s | **not met** |" in text


def test_the_page_is_written_with_its_picture(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from benchmarks import page
from benchmarks.figures import Figure
page.write({{"checks": [Figure({NAME!r}, "checks", "a second", (4.0,), (1.0,), "plain")]}}, Path({str(tmp_path)!r}))
"""  # in a process of its own: the library that draws changes how one imports
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert (tmp_path / page.PICTURE).read_bytes().startswith(b"\x89PNG")
    assert f"({page.PICTURE})" in (tmp_path / "performance.md").read_text(encoding="utf-8")


def test_every_part_can_be_measured_and_every_goal_belongs_to_one() -> None:
    assert all(callable(import_module(f"benchmarks.{part}").measure) for part in PARTS)
    assert {name.partition(".")[0] for name in GOALS} <= set(PARTS)


def test_the_speed_of_a_time_is_the_other_way_round() -> None:
    slower = Figure("answer", "an answer", "ms", (4.0,), (1.0,), "echo")
    assert speeds([rate(300, baseline=(100,)), slower]) == {NAME: 3.0, "answer": 0.25}


def test_a_ratio_has_fallen_once_a_third_of_it_is_gone() -> None:
    recorded = {"one": 3.0, "other": 3.0, "gone": 1.0}
    assert fallen({"one": 2.01, "other": 1.99, "new": 0.1}, recorded) == {"other": 1.99}


@pytest.mark.parametrize(("second", "slower"), [(2.9, {}), (1.0, {"one": 1.5})])
def test_a_second_look_decides(second: float, slower: Ratios) -> None:
    looks = iter([{"one": 1.5}, {"one": second}])
    found, has_fallen = look(lambda: next(looks), {"one": 3.0})
    assert found == {"one": max(1.5, second)}
    assert has_fallen == slower


def test_nothing_is_measured_twice_where_nothing_has_fallen() -> None:
    looks = iter([{"one": 2.5}])
    assert look(lambda: next(looks), {"one": 3.0}) == ({"one": 2.5}, {})
