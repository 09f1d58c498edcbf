"""How the bot's own commands are called on this machine, for messages that name one."""

from __future__ import annotations

import sys
from pathlib import Path


def call_of(command: str) -> str:
    """Return the line that runs ``command`` from this folder, such as ``.venv/bin/python -m bot chats list``."""
    return f"{program()} {command}"


def program() -> str:
    """Return how this process was called: by a script of its own, or by Python with ``-m bot``."""
    called = Path(sys.argv[0])
    return _from_here(called) if called.name == "invoice-bot" else f"{_from_here(Path(sys.executable))} -m bot"


def _from_here(path: Path) -> str:
    """Return the path as one would type it in the present folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
