"""A run of the tests without Chromium: it says so first and last, and fails in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import WITHOUT_CHROMIUM, without

ROOT = Path(__file__).parents[1]


@pytest.mark.timeout(180)  # a whole run of pytest
def test_what_is_missing_is_named_first_and_last_and_fails_in_ci(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/sandbox/page/test_story.py"],
        cwd=ROOT,
        env={**os.environ, "CI": "true", "PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    top, _, rest = run.stdout.partition("collected ")
    assert WITHOUT_CHROMIUM in top.splitlines()
    assert WITHOUT_CHROMIUM in rest.splitlines()


def test_elsewhere_a_test_that_cannot_run_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make browser"):
        without(WITHOUT_CHROMIUM)
