"""A replica as a process of its own, for tests that kill it.

Leases last minutes, which is too long for a test. So the bot's clock runs faster by a factor, and polls of Telegram are
shorter.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import sys
from datetime import UTC, datetime, timedelta

from bot import application
from bot.application import run
from bot.chat import polling
from bot.settings import load_settings


class FastClock:
    """Real time, accelerated since ``start`` (in seconds since the epoch)."""

    def __init__(self, start: float, factor: float) -> None:
        self._start = datetime.fromtimestamp(start, UTC)
        self._factor = factor

    def __call__(self) -> datetime:
        return self._start + (datetime.now(UTC) - self._start) * self._factor


def main(start: float, factor: float) -> None:
    polling.POLL_TIMEOUT = timedelta(seconds=round(polling.POLL_TIMEOUT.total_seconds() / factor))
    polling.STANDBY /= factor
    faulthandler.register(signal.SIGUSR1)  # a hanging process writes its stack
    settings = load_settings()
    application.configure_logs(settings)
    asyncio.run(run(settings, FastClock(start, factor)))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:3]))
