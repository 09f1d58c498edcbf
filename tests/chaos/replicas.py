"""A replica as somebody outside sees it: a process that is begun, signalled, ended, and begun anew."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
STOPS_WITHIN = 30.0
"""Seconds; more than the bot's own limit and what comes on top of it."""


class Replica:
    """One of several; its log grows over all the processes that it is in turn."""

    def __init__(self, number: int, environment: Mapping[str, str], folder: Path, start: float, factor: float) -> None:
        self.log = folder / f"replica-{number}.log"
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self._folder = folder
        self._arguments = [str(ROOT / "tests" / "chaos" / "process.py"), str(start), str(factor)]
        self._process: asyncio.subprocess.Process | None = None
        self._began_at = 0

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The present one."""
        assert self._process is not None, "it was not begun"
        return self._process

    @property
    def is_up(self) -> bool:
        """Whether the present process has come as far as to listen to signals."""
        return b'"bot is starting"' in self.log.read_bytes()[self._began_at :]

    async def begin(self) -> None:
        with self.log.open("ab") as log:
            self._began_at = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments, env=self._environment, cwd=self._folder, stderr=log
            )

    def send(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def end(self, name: signal.Signals = signal.SIGKILL) -> int:
        """Its exit status. One that doesn't end in time writes into its log what it is doing, and is killed."""
        if self.process.returncode is None:
            self.send(name)
        try:
            return await asyncio.wait_for(self.process.wait(), STOPS_WITHIN)
        except TimeoutError:
            self.send(signal.SIGUSR1)
            await asyncio.sleep(1)
            self.send(signal.SIGKILL)
            return await self.process.wait()
