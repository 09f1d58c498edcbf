"""Run the chaos test for some minutes. See the package."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.chaos.world import run


def main(minutes: float) -> int:
    seed = int(time.time())
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    figures = asyncio.run(run(folder, timedelta(minutes=minutes), seed))
    print(f"{minutes:g} minutes, seed {seed}, logs in {folder}", figures, *figures.violations, sep="\n")  # noqa: T201
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 1))
