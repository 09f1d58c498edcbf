"""Whether the process is fit for its work, told from what it has last done."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.error import URLError
from urllib.request import urlopen

from bot.errors import StartError
from bot.ports import Backlog, BacklogStore, Clock

STALE_AFTER = timedelta(minutes=3)
"""So long may pass without a good poll, or without a look for due checks, before something is wrong."""
STORE_TIMEOUT = 2.0
"""Seconds that the store has to answer."""
ANSWER_TIMEOUT = 5.0
"""Seconds that a process has to say how it is."""


class UpdateProbe(Protocol):
    """What brings the updates."""

    @property
    def good_at(self) -> datetime | None:
        """When that last worked."""


class CheckProbe(Protocol):
    """What looks for due checks."""

    @property
    def looked_at(self) -> datetime | None: ...

    @property
    def ended_at(self) -> datetime | None:
        """When a check last came to its end."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the process stands. ``troubles`` say in a sentence each why it is not ready; none: it is."""

    troubles: tuple[str, ...]
    backlog: Backlog | None = None
    updates_at: datetime | None = None
    check_at: datetime | None = None

    @property
    def is_ready(self) -> bool:
        return not self.troubles


class Health:
    """Is told of the parts once they are there, and asks them when somebody asks it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._store: BacklogStore | None = None
        self._updates: UpdateProbe | None = None
        self._checks: CheckProbe | None = None
        self._stopping = False

    def watch(self, store: BacklogStore, updates: UpdateProbe, checks: CheckProbe) -> None:
        """The process is up: from here on these parts say how it stands."""
        self._store, self._updates, self._checks = store, updates, checks

    def stop(self) -> None:
        """The process is about to end, and takes nothing more."""
        self._stopping = True

    async def report(self) -> Report:
        """Ask all parts. Never raises."""
        if self._stopping:
            return Report(("The process is stopping.",))
        if self._store is None or self._updates is None or self._checks is None:
            return Report(("The process is starting.",))
        now = self._clock()
        backlog, troubles = await self._ask_store(self._store, now), []
        if backlog is None:
            troubles.append("The store does not answer.")
        if _is_old(self._updates.good_at, now):
            troubles.append("Telegram has not been heard of for too long.")
        if _is_old(self._checks.looked_at, now):
            troubles.append("Nobody looks for due checks.")
        return Report(tuple(troubles), backlog, self._updates.good_at, self._checks.ended_at)

    async def _ask_store(self, store: BacklogStore, now: datetime) -> Backlog | None:
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                return await store.backlog(now)
        except Exception:  # noqa: BLE001  # whatever it is, the store is not there
            return None


def ask(host: str, port: int) -> str:
    """Ask a process on this machine whether it lives. Raises :class:`StartError` where it does not say so."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not bound to, but asked
    address = f"[{host}]" if ":" in host else host
    try:
        with urlopen(f"http://{address}:{port}/healthz", timeout=ANSWER_TIMEOUT) as answer:  # http it is
            return str(json.load(answer)["status"])
    except (URLError, OSError, ValueError, KeyError) as error:
        raise StartError(f"No bot answers at {address}:{port} ({error}).") from None


def _is_old(at: datetime | None, now: datetime) -> bool:
    return at is None or now - at > STALE_AFTER
