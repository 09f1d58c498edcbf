"""Whether the process can do its work, judged by when each part last did."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.error import URLError
from urllib.request import urlopen

from bot.clock import ClockWatch
from bot.errors import StartError, StoreUnwritable
from bot.ports import Backlog, BacklogStore, Clock

STALE_AFTER = timedelta(minutes=3)
"""If no update poll succeeded, or nothing looked for due checks, for so long, something is wrong."""
STORE_TIMEOUT = 2.0
"""Seconds for the store."""
ANSWER_TIMEOUT = 5.0
"""Seconds for a process that is asked for its health."""


class UpdateProbe(Protocol):
    """What health needs to know of the part that receives updates."""

    @property
    def good_at(self) -> datetime | None:
        """When receiving last worked."""


class CheckProbe(Protocol):
    """What health needs to know of the part that looks for due checks."""

    @property
    def looked_at(self) -> datetime | None: ...

    @property
    def ended_at(self) -> datetime | None:
        """When a check last ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """The health of the process. Each of ``problems`` is a sentence; without any, the process is ready.

    ``notes`` are sentences, too. An operator should know them, but the process works.
    """

    problems: tuple[str, ...]
    backlog: Backlog | None = None
    updates_at: datetime | None = None
    check_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        return not self.problems


class Health:
    """Asks the parts of the process how they are. Until :meth:`watch` names them, the process is starting."""

    def __init__(self, clock: Clock, clock_watch: ClockWatch | None = None) -> None:
        self._clock = clock
        self._clock_watch = clock_watch
        self._store: BacklogStore | None = None
        self._updates: UpdateProbe | None = None
        self._checks: CheckProbe | None = None
        self._stopping = False

    def watch(self, store: BacklogStore, updates: UpdateProbe, checks: CheckProbe) -> None:
        """Ask these parts from now on: the process is up."""
        self._store, self._updates, self._checks = store, updates, checks

    def stop(self) -> None:
        """Report from now on that the process is stopping."""
        self._stopping = True

    async def report(self) -> Report:
        """Ask all parts. This never raises."""
        if self._stopping:
            return Report(("The process is stopping.",))
        if self._store is None or self._updates is None or self._checks is None:
            return Report(("The process is starting.",))
        now = self._clock()
        backlog, problems = await self._ask_store(self._store, now)
        if _is_old(self._updates.good_at, now):
            problems.append("Telegram has not answered for too long.")
        if _is_old(self._checks.looked_at, now):
            problems.append("Nothing is looking for due checks.")
        notes = self._clock_watch.notes if self._clock_watch is not None else ()
        return Report(tuple(problems), backlog, self._updates.good_at, self._checks.ended_at, notes)

    async def _ask_store(self, store: BacklogStore, now: datetime) -> tuple[Backlog | None, list[str]]:
        """Return the backlog, and what is wrong with the store."""
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                return await store.backlog(now), []
        except StoreUnwritable as error:
            return None, [f"The data folder can't be written to ({error.reason})."]
        except Exception:  # noqa: BLE001  # whatever the error is, the store is not available
            return None, ["The store does not answer."]


def ask(host: str, port: int) -> str:
    """Ask a process on this machine whether it is alive. Raise :class:`StartError` unless it says so."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # asked, not bound
    address = f"[{host}]" if ":" in host else host
    try:
        with urlopen(f"http://{address}:{port}/healthz", timeout=ANSWER_TIMEOUT) as answer:
            return str(json.load(answer)["status"])
    except (URLError, OSError, ValueError, KeyError) as error:
        raise StartError(f"No bot answers at {address}:{port} ({error}).") from None


def _is_old(at: datetime | None, now: datetime) -> bool:
    """Return whether something has not been seen lately. A time in the future says nothing: the clock was set."""
    return at is None or abs(now - at) > STALE_AFTER
