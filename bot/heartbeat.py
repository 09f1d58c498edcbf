"""Tell an address outside, again and again, that the bot works. It raises the alarm when it hears nothing any more.

It is asked only while the process is ready, as /readyz says: the store can be written, updates arrive, and due checks
are looked for. A provider that is away is no reason for silence. The bot then works as it should, and tells people what
it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Never

import httpx
import structlog

from bot.health import Health
from bot.ports import Sleep

log = structlog.get_logger()

EVERY = 60.0
"""Seconds between two requests."""
NOT_READY_WAIT = 5.0
"""Seconds until the next look at a process that is not ready."""
TIMEOUT = 10.0


class Heartbeat:
    """Asks ``url``, which is a secret: whoever knows it can keep the alarm from being raised.

    Redirects are not followed, and errors are named by their kind alone, since their words may hold the address.
    """

    def __init__(self, url: str, health: Health, http: httpx.AsyncClient, sleep: Sleep = asyncio.sleep) -> None:
        self._url = url
        self._health = health
        self._http = http
        self._sleep = sleep
        self._fails = False

    async def run(self) -> Never:
        while True:
            is_ready = (await self._health.report()).is_ready
            if is_ready:
                self._note(await self._ask())
            await self._sleep(EVERY if is_ready else NOT_READY_WAIT)

    async def _ask(self) -> str:
        """Ask once. Return what went wrong; empty if nothing did."""
        try:
            async with asyncio.timeout(TIMEOUT), self._http.stream("GET", self._url, follow_redirects=False) as answer:
                return "" if answer.is_success else f"status {answer.status_code}"
        except Exception as error:  # noqa: BLE001  # whatever it is, the bot goes on
            return type(error).__name__

    def _note(self, trouble: str) -> None:
        """Log when it begins to fail, and when it works again."""
        if trouble and not self._fails:
            log.warning("heartbeat fails", reason=trouble, meaning="HEARTBEAT_URL hears nothing. The bot works.")
        elif self._fails and not trouble:
            log.info("heartbeat works again")
        self._fails = bool(trouble)


@asynccontextmanager
async def beating(url: str, health: Health, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """Ask ``url`` while the context lasts; without one, do nothing."""
    if not url:
        yield
        return
    task = asyncio.create_task(Heartbeat(url, health, http).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
