"""Has pictures drawn in a process of its own, one at a time, and within a time limit."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from bot.ports import Chart

log = structlog.get_logger()

PROGRAM = Path(__file__).with_name("charts.py")

TIME_LIMIT = 10.0
"""Seconds. On a quiet machine it takes one."""


class Drawing:
    """Draws charts. The process gets no secrets: neither settings nor anything else but what is drawn."""

    def __init__(self, time_limit: float = TIME_LIMIT, program: Path = PROGRAM) -> None:
        self._time_limit = time_limit
        self._program = program
        self._one_at_a_time = asyncio.Lock()

    async def draw(self, chart: Chart) -> bytes | None:
        """Return the picture as PNG. None: that failed or took too long, which is logged."""
        try:
            async with asyncio.timeout(self._time_limit), self._one_at_a_time:
                return await self._run(json.dumps(asdict(chart)).encode())
        except TimeoutError:
            log.warning("picture took too long", seconds=self._time_limit)
        except OSError as error:
            log.warning("picture can't be drawn", error=str(error))
        return None

    async def _run(self, chart: bytes) -> bytes | None:
        pipe = asyncio.subprocess.PIPE
        surroundings = {name: os.environ[name] for name in ("PYTHONPATH", "SYSTEMROOT") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(self._program), stdin=pipe, stdout=pipe, stderr=pipe, env=surroundings
        )
        try:
            picture, errors = await process.communicate(chart)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode or not picture:
            log.warning("picture can't be drawn", error=errors.decode(errors="replace").strip()[-200:])
            return None
        return picture
