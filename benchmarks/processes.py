"""Processes that a benchmark starts, and what they cost the machine."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]

Process = asyncio.subprocess.Process


def processor_time(pid: int) -> float:
    """Return the processor seconds of a process so far, all its threads together, as exactly as Linux knows them."""
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), which Python lacks


def memory_of(pid: int, line: str = "VmRSS") -> float:
    """Return the megabytes that a process holds. ``line`` names one of its status: `VmHWM` is the peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) / 1024 for each in lines if each.startswith(f"{line}:"))


@asynccontextmanager
async def python_module(module: str, *arguments: str) -> AsyncIterator[Process]:
    """Run a module that serves until the end of its standard input."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        await process.wait()


async def first_line(process: Process) -> str:
    """Return the first line that it prints: its address."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@asynccontextmanager
async def killed_at_the_end(process: Process) -> AsyncIterator[Process]:
    """Kill a process when the context ends."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Work:
    """How much of a core a process works, from the making of this on. None: this process itself."""

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid
        self._began, self._at = self._time(), time.perf_counter()

    def _time(self) -> float:
        return time.process_time() if self._pid is None else processor_time(self._pid)

    @property
    def seconds(self) -> float:
        """Seconds of a core."""
        return self._time() - self._began

    @property
    def passed(self) -> float:
        """Seconds by the clock."""
        return time.perf_counter() - self._at

    @property
    def share(self) -> float:
        """The part of a core."""
        return self.seconds / self.passed
