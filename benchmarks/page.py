"""Writes what was measured: `docs/performance.md`, and a picture of how far each goal is reached."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, rounded, spread
from benchmarks.goals import GOALS, PARTS
from bot.files.charts import FAMILY, FONT, INK, LINES, PAPER

PICTURE = "performance.png"
STAND_INS = (".stand_in", ".provider", ".telegram")
FULL = 4.0
"""A bar ends here: what is reached more often than so many times."""
MET, MISSED = "#1f6feb", "#d9730d"

HEAD = """# Performance

`make bench` wrote this page and its picture; nobody edits them. [benchmarks](../benchmarks/README.md) says how
it measures. It ran everything in turns on one machine: {machine}.

Seconds differ between machines and hours; ratios hardly do. A ratio is the median of those of the rounds, each of which
ran ours and the baseline. In brackets stand the least and the most of the rounds. p99 is the 99th percentile.

![How far each goal is reached]({picture})

"""

Results = Mapping[str, Sequence[Figure] | None]
"""The figures of each part. None: it failed."""


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table, those with a goal first said to be met or not."""
    rows = ["| What | Ours | Baseline | Ratio | Goal | |", "| --- | --- | --- | --- | --- | --- |"]
    for figure in figures:
        ours = f"{spread(figure.rounds)} {figure.unit}".strip()
        base = f"{figure.than}: {spread(figure.baseline)}" if figure.baseline else ""
        ratio = "" if figure.ratio is None else f"× {rounded(figure.ratio)}"
        goal = GOALS.get(figure.name)
        words, met = ("", "") if goal is None else (goal.words(figure), "met" if goal.is_met(figure) else "**not met**")
        rows.append(f"| {figure.what} | {ours} | {base} | {ratio} | {words} | {met} |")
    return "\n".join(rows)


def drawn(results: Results) -> list[Figure]:
    """Return the figures that the picture shows: of those with a goal, the bot's own."""
    return [figure for figure in judged(results) if not figure.name.endswith(STAND_INS)]


def judged(results: Results) -> list[Figure]:
    """Return the figures that have a goal."""
    return [figure for figures in results.values() for figure in figures or () if figure.name in GOALS]


def summary(results: Results) -> str:
    """Return in a sentence or two which goals are met, and what is missing."""
    figures = judged(results)
    missed = [_missed(figure) for figure in figures if not GOALS[figure.name].is_met(figure)]
    text = f"{len(figures) - len(missed)} of {len(figures)} goals are met."
    if missed:
        text += "".join(["\n\nNot met:\n", *(f"\n- {each}" for each in missed), "\n"])
    if failed := [name for name, found in results.items() if found is None]:
        text += f"\nWithout a result, because it failed: {', '.join(failed)}."
    return text


def _missed(figure: Figure) -> str:
    goal = GOALS[figure.name]
    unit = "×" if goal.of_ratio else figure.unit
    return f"{figure.what}: {rounded(goal.value_of(figure))} {unit}, goal {goal.words(figure)}"


def page(results: Results) -> str:
    """Return the page."""
    parts = [f"## {PARTS[name]}\n\n{table(found)}\n" for name, found in results.items() if found]
    head = HEAD.format(machine=machine(), picture=PICTURE)
    return head + summary(results) + "\n\n" + "\n".join(parts)


def machine() -> str:
    """Return what this is measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{os.cpu_count()} cores ({model}), Python {python}, {date.today():%d %B %Y}, load at the end {load:.1f}"  # noqa: DTZ011


def picture(results: Results) -> bytes:
    """Return a PNG with a bar for each goal, which is met from 1 on."""
    import pygal  # noqa: PLC0415  # it changes how this process imports
    import resvg_py  # noqa: PLC0415  # as above
    from pygal.style import Style  # noqa: PLC0415  # as above

    figures = drawn(results)[::-1]  # the first one is on top
    style = Style(
        background=PAPER,
        plot_background=PAPER,
        foreground=INK,
        foreground_strong=INK,
        foreground_subtle=LINES,
        guide_stroke_color=LINES,
        major_guide_stroke_color=INK,
        opacity="1",
        font_family=FAMILY,
        label_font_size=16,
        major_label_font_size=16,
        title_font_size=24,
    )
    chart = pygal.HorizontalBar(
        style=style,
        width=1200,
        height=130 + 34 * len(figures),
        margin=20,
        spacing=8,
        show_legend=False,
        truncate_label=-1,
        range=(0, FULL),
        js=(),
        disable_xml_declaration=True,
    )
    chart.title = "How many times over each goal is reached"
    chart.x_labels = [figure.what for figure in figures]
    chart.y_labels = [
        {"value": at, "label": "1: met" if at == 1 else f"{at} +" if at == FULL else str(at)}
        for at in range(int(FULL) + 1)
    ]
    chart.y_labels_major = [1]
    chart.add("", [_bar(figure) for figure in figures])
    content: bytes = resvg_py.svg_to_bytes(
        svg_string=chart.render(),
        skip_system_fonts=True,
        font_files=[str(FONT)],
        font_family=FAMILY,
        sans_serif_family=FAMILY,
    )
    return bytes(content)


def _bar(figure: Figure) -> dict[str, Any]:
    goal = GOALS[figure.name]
    return {"value": min(FULL, max(0.0, goal.reached(figure))), "color": MET if goal.is_met(figure) else MISSED}


def write(results: Results, folder: Path) -> None:
    """Write the page and its picture."""
    (folder / PICTURE).write_bytes(picture(results))
    (folder / "performance.md").write_text(page(results), encoding="utf-8")
