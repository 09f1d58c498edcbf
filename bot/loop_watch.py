"""Watches for how long the event loop is held: nobody is answered meanwhile, whoever holds it."""

from __future__ import annotations

import asyncio
import time
from typing import Never

import structlog

LOOK_EVERY = 0.02
"""Seconds between two turns of the loop that it takes."""
TELL_EVERY = 10.0

log = structlog.get_logger()


async def watch_loop() -> Never:
    """Log now and then for how long the loop had no turn at most. The metrics show it."""
    longest, told = 0.0, time.monotonic()
    while True:
        began = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        now = time.monotonic()
        longest = max(longest, now - began - LOOK_EVERY)
        if now - told >= TELL_EVERY:
            log.debug("event loop watched", longest=longest)
            longest, told = 0.0, now
