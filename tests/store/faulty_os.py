"""System calls that can fail, so that tests see what a crash at each of them leaves behind."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

CALLS = frozenset({"open", "write", "fsync", "close", "replace", "unlink"})


class Killed(BaseException):
    """The process is killed here."""


class ReadOnlyOs:
    """The system calls of ``bot.store.tinydb.files`` on a disk to which nothing can be written, for ``error``."""

    def __init__(self, error: int = errno.EROFS) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, *mode: int) -> int:
        if self._error != errno.ENOSPC and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(self._error, os.strerror(self._error))
        return os.open(path, flags, *mode)

    def write(self, *_: Any) -> int:
        raise OSError(self._error, os.strerror(self._error))

    def unlink(self, path: Any) -> None:
        if self._error != errno.ENOSPC:
            raise OSError(self._error, os.strerror(self._error))
        os.unlink(path)  # noqa: PTH108  # the system call


class FaultyOs:
    """The system calls of ``bot.store.tinydb.files``. Call number ``at`` and all later ones raise :class:`Killed`.

    With ``error``, only call number ``at`` fails, with this error. A write that fails has written half of its content.
    Calls to sync are counted but not carried out: they take most of the time, and no test cuts the power.
    """

    def __init__(self, at: int = sys.maxsize, error: OSError | None = None) -> None:
        self.calls = 0
        self._at = at
        self._error = error

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in CALLS else real

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            fails = self.calls == self._at if self._error else self.calls >= self._at
            if not fails:
                return None if name == "fsync" else real(*args, **options)
            if name == "write" and self.calls == self._at:
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            if name == "close":
                real(*args)  # the test process must not run out of file handles
            raise self._error or Killed

        return call
