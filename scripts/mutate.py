"""Change the rules in small ways, one at a time, and see whether a test fails: `make mutate` calls this.

    python scripts/mutate.py [PATTERN …] [--minutes 20]

mutmut works on a copy of the working tree, at the lowest priority. Each module is tested by its own tests alone; a
change that only others would notice counts as a survivor, too. docs/proof.md holds the latest figures.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOMAIN, CONTRACT = "tests/domain/test_", "tests/store/tinydb/test_contract.py"
RULES = {
    "bot/domain/payments.py": (
        "payments",
        "tests/services/payments/test_flow.py",
        "tests/services/payments/test_several.py",
    ),
    "bot/domain/payment_times.py": ("payment_times",),
    "bot/domain/standings.py": ("standings",),
    "bot/domain/invoices.py": ("invoices", "collectives"),
    "bot/domain/credit.py": ("credit", "tests/services/test_credit_wishes.py", "tests/services/test_covered.py"),
    "bot/domain/provider_calendar.py": ("provider_calendar", "warnings", "schedule"),
    "bot/domain/schedule.py": ("schedule", "quiet_hours", "mornings", "warnings", "next_look", "check_plan"),
    "bot/domain/reminders.py": ("reminders", "changes", "mornings", "silences"),
    "bot/domain/knowledge.py": ("reminders", "changes", "silences"),
    "bot/domain/alerts.py": ("alerts",),
    "bot/domain/account_watch.py": ("account_watch",),
    "bot/domain/tokens.py": ("tokens",),
    "bot/store/rules/payments.py": (CONTRACT,),
    "bot/store/rules/alerts.py": (CONTRACT,),
    "bot/store/rules/chats.py": (CONTRACT,),
}
COPIED = ("bot", "tests", "pyproject.toml")
CONFIGURATION = """
[tool.mutmut]
source_paths = ["bot"]
only_mutate = ["{module}"]
pytest_add_cli_args = ["-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:xdist"]
pytest_add_cli_args_test_selection = [{tests}]
"""
LOW = ["nice", "-n", "19", "chrt", "-i", "0"]
SURVIVED = re.compile(r"^\s*(\S+): (survived|no tests)$", re.MULTILINE)
COUNTS = re.compile(r"(\d+)/(\d+)\s+🎉 (\d+) 🫥 (\d+)\s+⏰ (\d+)\s+🤔 (\d+)\s+🙁 (\d+)")


def main() -> None:
    arguments = argparse.ArgumentParser(description="Test the tests of the rules.")
    arguments.add_argument("patterns", nargs="*", help="parts of modules' names; without any, all rules")
    arguments.add_argument("--minutes", type=float, default=20, help="how long to go on at most")
    chosen = arguments.parse_args()
    ends = time.monotonic() + 60 * chosen.minutes
    for module, tests in RULES.items():
        if not chosen.patterns or any(pattern in module for pattern in chosen.patterns):
            _mutate(module, [test if "/" in test else f"{DOMAIN}{test}.py" for test in tests], ends)


def _mutate(module: str, tests: list[str], ends: float) -> None:
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder, name))
        with Path(folder, "pyproject.toml").open("a") as file:
            file.write(CONFIGURATION.format(module=module, tests=", ".join(f'"{test}"' for test in tests)))
        environment = os.environ | {"PYTHONPATH": ".", "HYPOTHESIS_PROFILE": "quick"}
        environment.pop("CI", None)
        mutmut = [*LOW, str(Path(sys.executable).with_name("mutmut"))]
        began = time.monotonic()
        run = [*mutmut, "run", "--max-children", "1"]
        whole = _output(run, folder, environment, max(1.0, ends - began))
        counts = COUNTS.findall(whole)
        took = time.monotonic() - began
        if not counts:
            print(f"{module}: not finished, {took:.0f} s\n{whole[-2000:] if took < ends - began else ''}")  # noqa: T201
            return
        done, made, killed, untested, slow, odd, survived = map(int, counts[-1])
        print(f"{module}: {killed + slow} of {done} changes found ({made} made) in {took:.0f} s; ", end="")  # noqa: T201
        print(f"{survived} survived, {untested} without a test, {slow} too slow, {odd} odd")  # noqa: T201
        found = SURVIVED.findall(_output([*mutmut, "results"], folder, environment, 60))
        for place in sorted({name.partition("__mutmut_")[0] for name, why in found if why == "no tests"}):
            print(f"  no test: {place}")  # noqa: T201
        for name in (name for name, why in found if why == "survived"):
            shown = _output([*mutmut, "show", name], folder, environment, 60)
            lines = [line for line in shown.splitlines() if re.match(r"[-+](?![-+])", line)]
            print(f"  {name}", *lines, sep="\n    ")  # noqa: T201
        sys.stdout.flush()


def _output(command: list[str], folder: str, environment: dict[str, str], seconds: float) -> str:
    """Run a program and return what it printed until it ended, or until its time was up."""
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=printed)  # noqa: S603
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        printed.seek(0)
        return printed.read().decode(errors="replace")


if __name__ == "__main__":
    main()
