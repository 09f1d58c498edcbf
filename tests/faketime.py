"""A process whose clock is really set: by libfaketime, which stands between it and the system."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import distribution
from pathlib import Path

import pytest

LIBRARY = Path(str(distribution("libfaketime").locate_file("libfaketime/vendor/libfaketime/src/libfaketime.so.1")))
"""The package brings it built for one kind of machine. It is only found here, never imported."""
MADE_FOR = ("linux", "x86_64")


def needed() -> Path:
    """Return the library. On another kind of machine, skip the test; in CI, let it fail."""
    if (sys.platform, platform.machine()) != MADE_FOR:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"libfaketime was built for {' '.join(MADE_FOR)}")
    return LIBRARY


class FakeTime:
    """The clock of one process, or of several in a row: how far it is ahead of the real one. Monotonic time stays."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(timedelta())

    def set(self, ahead: timedelta) -> None:
        """Set it. A running process goes by it within a second."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n")
        new.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process needs in its environment."""
        return {
            "LD_PRELOAD": str(needed()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else Python's threads wait for each other for seconds
        }
