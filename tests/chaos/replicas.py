"""A replica seen from outside: a process that is started, signalled, stopped and started again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.chaos.process import set_clock

ROOT = Path(__file__).parent.parent.parent
STOPS_WITHIN = 30.0
"""Seconds. It is more than the bot's own limit for a stop, plus some overhead."""


class Replica:
    """One of several replicas. All its successive processes write to the same log."""

    def __init__(self, number: int, environment: Mapping[str, str], folder: Path, start: float, factor: float) -> None:
        self.log = folder / f"replica-{number}.log"
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self._folder = folder
        self._clock = folder / f"clock-{number}"
        self.set_clock(timedelta())
        program = ROOT / "tests" / "chaos" / "process.py"
        self._arguments = [str(program), str(start), str(factor), str(self._clock)]
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The current process."""
        assert self._process is not None, "the replica was not started"
        return self._process

    @property
    def is_up(self) -> bool:
        """Whether the current process already handles signals."""
        return b'"bot is starting"' in self.log.read_bytes()[self._log_start :]

    def set_clock(self, ahead: timedelta) -> None:
        """Let its machine's clock be ahead by this, also for the processes to come."""
        set_clock(self._clock, ahead)

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments, env=self._environment, cwd=self._folder, stderr=log
            )

    def send(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def stop(self, name: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and return the exit status. If the process does not stop in time, log its stack and kill it."""
        if self.process.returncode is None:
            self.send(name)
        try:
            return await asyncio.wait_for(self.process.wait(), STOPS_WITHIN)
        except TimeoutError:
            self.send(signal.SIGUSR1)
            await asyncio.sleep(1)
            self.send(signal.SIGKILL)
            return await self.process.wait()
