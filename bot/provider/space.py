"""Space in the temporary folder: downloads together keep within it, and those beyond wait for their turn."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.errors import NoSpaceLeft

MAX_TOGETHER = 500 * 1024 * 1024
"""Bytes of all downloads at once, however much is free."""
LONGEST_WAIT = 120.0
"""Seconds. Nobody should wait longer for a file without a word."""


def free_for_files() -> int:
    """Return how many bytes are free in the temporary folder. Raise :class:`OSError` if there is none."""
    return shutil.disk_usage(tempfile.gettempdir()).free


class Share:
    """What one download may still write. It begins with the most that a file may have."""

    def __init__(self, size: int, release: Callable[[int], None]) -> None:
        self.size = size
        self._release = release

    def shrink(self, size: int) -> None:
        """Give back what is beyond ``size`` bytes, once it is known how large the file is."""
        if size < self.size:
            unused, self.size = self.size - size, size
            self._release(unused)


class TemporarySpace:
    """Hands out shares of the temporary folder. What is handed out is not counted as free, written or not."""

    def __init__(
        self,
        free: Callable[[], int] = free_for_files,
        *,
        together: int = MAX_TOGETHER,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._free = free
        self._together = together
        self._longest_wait = longest_wait
        self._taken = 0
        self._turns = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def share(self, size: int) -> AsyncIterator[Share]:
        """Yield a share as soon as there is space, first come, first served. Raise :class:`NoSpaceLeft` after long.

        A download that is alone always gets its share: it may need less, and the folder itself says if it doesn't fit.
        """
        try:
            async with asyncio.timeout(self._longest_wait), self._turns:
                while not self._has(size):
                    self._freed.clear()
                    await self._freed.wait()
                self._taken += size
        except TimeoutError:
            raise NoSpaceLeft from None
        share = Share(size, self._give_back)
        try:
            yield share
        finally:
            self._give_back(share.size)

    def _has(self, size: int) -> bool:
        if not self._taken:
            return True
        try:
            free = self._free()
        except OSError:
            return False
        return self._taken + size <= min(self._together, free)

    def _give_back(self, size: int) -> None:
        self._taken -= size
        self._freed.set()
