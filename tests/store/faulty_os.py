"""System calls that can be cut off, to see what a crash at each of them leaves behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

CALLS = frozenset({"open", "write", "fsync", "close", "replace", "unlink"})


class Killed(BaseException):
    """The process is killed here."""


class FaultyOs:
    """The system calls of ``bot.store.tinydb.files``. It all ends before call number ``after``: that one and all later.

    With ``error``, only that one call fails, with this error. A write that is cut has written half. Syncing is counted
    but not done: no power is cut here, and it takes most of the time.
    """

    def __init__(self, after: int = sys.maxsize, error: OSError | None = None) -> None:
        self.calls = 0
        self._after = after
        self._error = error

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in CALLS else real

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            fails = self.calls == self._after if self._error else self.calls >= self._after
            if not fails:
                return None if name == "fsync" else real(*args, **options)
            if name == "write" and self.calls == self._after:
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            if name == "close":
                real(*args)  # the test's own process must not run out of handles
            raise self._error or Killed

        return call
