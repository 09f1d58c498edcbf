"""Run the benchmarks in turns, each in a process of its own, and write `docs/performance.md`. `make bench` does it.

    python -m benchmarks [PART …]

With parts named, these are run and shown, and nothing is written. It ends with an error where a part fails, or a goal
is not met.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import import_module

import msgspec

from benchmarks import page
from benchmarks.figures import Figure, line
from benchmarks.goals import GOALS, PARTS
from benchmarks.processes import ROOT

DOCS = ROOT / "docs"
LONGEST = 900.0
"""Seconds that one part may take."""
MEASURE = "--measure"


def measured(part: str) -> list[Figure] | None:
    """Run a part in a process of its own. Return its figures, or None if it fails."""
    command = (sys.executable, "-m", "benchmarks", MEASURE, part)
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=LONGEST, check=True)
        return msgspec.json.decode(done.stdout, type=list[Figure])
    except (subprocess.SubprocessError, msgspec.MsgspecError) as error:
        print(f"{part} failed: {error}", file=sys.stderr)
        return None


def hand_over(part: str) -> None:
    """Measure a part, and write its figures to standard output. What else is printed meanwhile goes to the errors."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    output.write(msgspec.json.encode(import_module(f"benchmarks.{part}").measure()))
    output.close()


def shown(figure: Figure) -> str:
    goal = GOALS.get(figure.name)
    if goal is None:
        return f"  {line(figure)}"
    return f"  {line(figure)}; goal {goal.words(figure)}: {'met' if goal.is_met(figure) else 'NOT MET'}"


def main(arguments: list[str]) -> None:
    if arguments[:1] == [MEASURE]:
        hand_over(arguments[1])
        return
    if unknown := set(arguments) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}. The parts are: {', '.join(PARTS)}.")
    results = dict[str, list[Figure] | None]()
    for part in [part for part in PARTS if not arguments or part in arguments]:
        began = time.monotonic()
        print(PARTS[part], flush=True)
        figures = results[part] = measured(part)
        print("\n".join(map(shown, figures or ())), flush=True)
        print(f"  ({part} took {time.monotonic() - began:.0f} s)\n", flush=True)
    if page.judged(results):
        print(page.summary(results))
    if not arguments:
        page.write(results, DOCS)
        print(f"Written: {DOCS / 'performance.md'}")
    missed = [figure for figure in page.judged(results) if not GOALS[figure.name].is_met(figure)]
    sys.exit(1 if missed or None in results.values() else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
