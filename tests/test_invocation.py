"""A message that names a command names one that works as it is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.invocation import call_of

ROOT = Path(__file__).parents[1]


def test_a_command_is_called_by_the_python_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv/bin/python"))
    assert call_of("chats list") == ".venv/bin/python -m bot chats list"


def test_a_python_elsewhere_is_named_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    assert call_of("move") == f"{tmp_path}/bin/python -m bot move"


def test_an_installed_bot_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin/invoice-bot"), "chats"])
    assert call_of("chats list") == "bin/invoice-bot chats list"


def test_the_usage_shows_a_call_that_works() -> None:
    asked = [sys.executable, "-m", "bot", "chats", "--help"]
    usage = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    call = usage.removeprefix("Usage: ").split(" [")[0]
    assert subprocess.run([*call.split(), "--help"], cwd=ROOT, capture_output=True, check=False).returncode == 0
