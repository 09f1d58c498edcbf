"""A replica as a process of its own, for tests that kill it, and put its machine's clock forward and back.

Leases last minutes, which is too long for a test. So the bot's clock runs faster by a factor, and polls of Telegram are
shorter.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import application, clock as clocks
from bot.application import run
from bot.chat import polling
from bot.clock import ClockWatch
from bot.settings import load_settings


class FastClock:
    """Real time, accelerated since ``start`` (in seconds since the epoch)."""

    def __init__(self, start: float, factor: float) -> None:
        self._start = datetime.fromtimestamp(start, UTC)
        self._factor = factor

    def __call__(self) -> datetime:
        return self.at(datetime.now(UTC))

    def at(self, real: datetime) -> datetime:
        return self._start + (real - self._start) * self._factor


class MachinesClock:
    """A fast clock that can be set: it is ahead by the seconds that the file says."""

    def __init__(self, fast: FastClock, file: Path) -> None:
        self._fast = fast
        self._file = file
        self._ahead = timedelta()
        self._read_at = 0.0

    def __call__(self) -> datetime:
        if time.monotonic() > self._read_at + 0.1:
            self._ahead = timedelta(seconds=float(self._file.read_text()))
            self._read_at = time.monotonic()
        return self._fast() + self._ahead


def set_clock(file: Path, ahead: timedelta) -> None:
    """Let a :class:`MachinesClock` be ahead by this."""
    new = file.with_suffix(".new")
    new.write_text(str(ahead.total_seconds()))
    new.replace(file)


def _use(machines: MachinesClock, fast: FastClock, factor: float) -> None:
    """Let the bot take this for the clock of its machine. The database's clock, by which it goes, is as fast."""
    application.utc_now = clocks.utc_now = machines  # type: ignore[attr-defined]  # both go by it unless told otherwise
    clocks.monotonic = lambda: time.monotonic() * factor
    compare = ClockWatch.compare_with_database
    ClockWatch.compare_with_database = lambda self, told: compare(self, fast.at(told))  # type: ignore[method-assign]


def main(start: float, factor: float, file: Path) -> None:
    polling.POLL_TIMEOUT = timedelta(seconds=round(polling.POLL_TIMEOUT.total_seconds() / factor))
    polling.STANDBY /= factor
    faulthandler.register(signal.SIGUSR1)  # a hanging process writes its stack
    settings = load_settings()
    application.configure_logs(settings)
    fast = FastClock(start, factor)
    machines = MachinesClock(fast, file)
    _use(machines, fast, factor)
    asyncio.run(run(settings, machines))


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
