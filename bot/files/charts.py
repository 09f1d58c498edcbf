"""Draws a picture of sums by month. It runs as a program of its own: a chart from standard input, a PNG to its output.

So drawing never holds the bot up, can be ended at any time, and what it needs is loaded only then. The font comes
along, because a small container has none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
FAMILY = "DejaVu Sans"
WIDTH, HEIGHT = 900, 800
BELOW = 14
"""For each line of the legend, what the library forgets to leave for it."""

PAPER, INK, LINES = "#ffffff", "#1f2933", "#c5ccd3"
COLOURS = (("#1f6feb", "#a9cbfb"), ("#d9730d", "#f6cda3"), ("#5f6b7a", "#c9d0d8"))
"""For each kind, the year's and that of the year before. They differ in brightness, too, for who sees no colours."""

BEFORE, NOW, SLOTS = 0, 1, 3
"""The places of a month's bars. The last one is a gap."""


def draw(chart: dict[str, Any]) -> bytes:
    """Return the picture of a chart as PNG, on paper of its own, so that it can be read on dark screens too."""
    import pygal  # noqa: PLC0415  # it changes how this process imports, so nobody else gets it
    import resvg_py  # noqa: PLC0415  # as above
    from pygal.style import Style  # noqa: PLC0415  # as above

    bars = chart["bars"]
    colours = [COLOURS[each["colour"]][now] for each in bars for now in (0, 1)]
    style = Style(
        background=PAPER,
        plot_background=PAPER,
        foreground=INK,
        foreground_strong=INK,
        foreground_subtle=LINES,
        guide_stroke_color=LINES,
        major_guide_stroke_color=LINES,
        opacity="1",
        font_family=FAMILY,
        label_font_size=27,
        major_label_font_size=27,
        legend_font_size=27,
        title_font_size=32,
        colors=tuple(colours),
    )
    picture = pygal.StackedBar(
        style=style,
        width=WIDTH,
        height=HEIGHT,
        margin=20,
        margin_bottom=BELOW * len(bars),
        spacing=12,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        legend_box_size=26,
        truncate_legend=-1,
        truncate_label=-1,
        js=(),
        disable_xml_declaration=True,
    )
    picture.title = chart["title"]
    picture.x_labels = [text for month in chart["months"] for text in (month, "", "")]
    picture.y_labels = [{"value": value, "label": label} for value, label in chart["scale"]]
    for each in bars:
        picture.add(each["name"], _spread(each["sums"], NOW))
        picture.add(each["name_before"], _spread(each["sums_before"], BEFORE))
    content: bytes = resvg_py.svg_to_bytes(
        svg_string=picture.render(),
        skip_system_fonts=True,
        font_files=[str(FONT)],
        font_family=FAMILY,
        sans_serif_family=FAMILY,
    )
    return bytes(content)


def _spread(sums: list[float], place: int) -> list[float | None]:
    """Put each month's sum into one of its places."""
    return [value if at == place else None for value in sums for at in range(SLOTS)]


def main() -> None:
    """Draw what stands on standard input."""
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
