"""Makes docs/demo.svg, the picture in the README: the demo as a terminal shows it.

make picture
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from bot.sandbox.demo import play

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
FONT_DOWNLOADS = re.compile(r"@font-face \{.*?\}\n?", re.DOTALL)
"""rich's pictures fetch their font from the web; the reader's own monospaced font does as well."""
FONT = "Fira Code"


def main() -> None:
    """Play the demo into a picture."""
    console = Console(record=True, width=76, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.is_interactive = False
    os.environ["TZ"] = "Europe/Berlin"  # the clock of the person's phone
    time.tzset()
    asyncio.run(play("en", console, stay=False))
    svg = FONT_DOWNLOADS.sub("", console.export_svg(title="make demo", theme=MONOKAI))
    PICTURE.write_text(svg.replace(FONT, "DejaVu Sans Mono"), encoding="utf-8")


if __name__ == "__main__":
    main()
