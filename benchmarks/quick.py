"""A short look at whether anything has become much slower: it ends with an error where a ratio has fallen by a third.

    python -m benchmarks.quick [--record]

`make test` runs it. It compares processor times in turns, which a busy machine hardly changes, and looks a second time
before it says so. ``--record`` writes what it finds to `ratios.json`, which later runs are compared with: do that on a
quiet machine, once something has become faster, or slower for a good reason.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from benchmarks import checks
from benchmarks.figures import Figure, rounded

RATIOS = Path(__file__).parent / "ratios.json"
FALL = 2 / 3
"""What is left of a ratio that has fallen by a third."""
ACCOUNTS, ROUNDS = 60, 5

Ratios = dict[str, float]
"""How many times as fast as the baseline something is."""


def speeds(figures: Iterable[Figure]) -> Ratios:
    """Return how many times as fast as the baseline each is. Of times, less is faster; of rates, more."""
    found = {figure.name: (figure.ratio, figure.unit) for figure in figures}
    return {
        name: ratio if "a second" in unit else 1 / ratio for name, (ratio, unit) in found.items() if ratio is not None
    }


def fallen(found: Ratios, recorded: Ratios) -> Ratios:
    """Return those that have fallen by a third or more."""
    return {name: ratio for name, ratio in found.items() if name in recorded and ratio <= FALL * recorded[name]}


def look(measure: Callable[[], Ratios], recorded: Ratios) -> tuple[Ratios, Ratios]:
    """Measure, and once more if something seems to have fallen. Return the better of both, and what has fallen."""
    found = measure()
    if fallen(found, recorded):
        again = measure()
        found = {name: max(ratio, again.get(name, 0.0)) for name, ratio in found.items()}
    return found, fallen(found, recorded)


def measured() -> Ratios:
    """Return the ratios of a short run."""
    of_checks = checks.measure(ACCOUNTS, ROUNDS, {"_open": ["unchanged", "changed"]})
    return speeds(figure for figure in of_checks if not figure.name.endswith(".clock"))


def report(found: Ratios, recorded: Mapping[str, float]) -> None:
    for name, ratio in found.items():
        before = f"recorded: × {rounded(recorded[name])}" if name in recorded else "nothing recorded"
        print(f"{name}: × {rounded(ratio)} ({before})")


def main(arguments: list[str]) -> None:
    recorded: Ratios = json.loads(RATIOS.read_text()) if RATIOS.exists() else {}
    if "--record" in arguments:
        found = measured()
        report(found, recorded)
        RATIOS.write_text(json.dumps({name: round(ratio, 2) for name, ratio in found.items()}, indent=2) + "\n")
        return
    found, slower = look(measured, recorded)
    report(found, recorded)
    if slower:
        sys.exit(f"Slower by a third than {RATIOS.name} says: {', '.join(slower)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
