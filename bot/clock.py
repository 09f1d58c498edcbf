"""Where the bot's time comes from, and how a clock that jumps or is wrong is noticed.

The bot goes by the machine's clock or, on PostgreSQL, by the database's, so that all replicas have the same time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.waits import CLOCKS_AGREE_WITHIN, LONG_AGO
from bot.ports import Clock, utc_now

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds between two looks at the clocks."""

NOTED_FOR = timedelta(hours=1)
"""``/readyz`` speaks of a jump for so long."""

monotonic = time.monotonic
"""Seconds that nobody can set. Only their difference means something."""


class DatabaseClock:
    """The database's time. Until it has told it, the machine's.

    In between it counts seconds by itself, so a machine's clock that jumps changes nothing.
    """

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._told is None:
            return utc_now()
        at, seconds = self._told
        return at + timedelta(seconds=monotonic() - seconds)

    def set(self, now: datetime) -> None:
        """Take the time that the database has just told."""
        self._told = now, monotonic()


@dataclass(frozen=True, slots=True)
class _Jump:
    words: str
    seen: float


class ClockWatch:
    """Notices when a clock is put forward or back, and when the machine's differs from the database's.

    ``machines`` is the machine's clock. ``clock`` is the one that the bot goes by: the same, or the database's if it is
    ``shared`` with other replicas.
    """

    def __init__(self, machines: Clock, *, shared: bool = False) -> None:
        self._machines = machines
        self._databases = DatabaseClock() if shared else None
        self.clock: Clock = self._databases or machines
        self._clocks: Mapping[str, Clock] = {"machine": machines, "bot": self.clock} if shared else {"bot": machines}
        self._ahead: dict[str, timedelta] = {}
        self._jump: _Jump | None = None
        self._difference = timedelta()

    def look(self) -> None:
        """Log and note by how much a clock was put forward or back since the last look."""
        for name, clock in self._clocks.items():
            if jump := self._jumped(name, clock):
                self._note(f"The {name}'s clock was put {_words(jump)} at {self.clock():%Y-%m-%d %H:%M:%S} UTC.")
                log.warning("clock was set", clock=name, seconds=round(jump.total_seconds(), 1))

    def _jumped(self, name: str, clock: Clock) -> timedelta:
        """Return by how much a clock was put forward since the last look. Zero: not by anything worth a word."""
        ahead = clock() - LONG_AGO - timedelta(seconds=monotonic())
        jump = ahead - self._ahead.get(name, ahead)
        self._ahead[name] = ahead
        return jump if abs(jump) > CLOCKS_AGREE_WITHIN else timedelta()

    def compare_with_database(self, told: datetime) -> None:
        """Compare the machine's clock with the time that the database has just told. Take that if it is shared."""
        if self._databases is not None:
            self._databases.set(told)
        before, difference = self._difference, self._machines() - told
        self._difference = difference if abs(difference) > CLOCKS_AGREE_WITHIN else timedelta()
        log.debug("clocks compared", seconds=difference.total_seconds())
        if self._difference and not before:
            log.warning(
                "clock differs from the database's",
                seconds=round(difference.total_seconds(), 1),
                meaning="The database's counts for all replicas. Put this machine's right, with NTP for example.",
            )
        elif before and not self._difference:
            log.info("clock agrees with the database's again")

    def compare_with_stored(self, newest: datetime | None) -> None:
        """Compare the bot's clock with the newest time that an earlier process has stored."""
        behind = timedelta() if newest is None else newest - self.clock()
        if behind > CLOCKS_AGREE_WITHIN:
            self._note(f"The bot's clock is {_words(-behind)} against what an earlier process has stored.")
            log.warning("clock is behind what is stored", seconds=round(behind.total_seconds(), 1))

    @property
    def notes(self) -> tuple[str, ...]:
        """What an operator should know of the clocks, in sentences. The bot works nevertheless."""
        notes = []
        if self._jump is not None and monotonic() - self._jump.seen < NOTED_FOR.total_seconds():
            notes.append(self._jump.words)
        if self._difference:
            notes.append(f"The machine's clock is {_words(self._difference)} against the database's, which counts.")
        return tuple(notes)

    def _note(self, words: str) -> None:
        self._jump = _Jump(words, monotonic())


def _words(jump: timedelta) -> str:
    """Write ``forward by 40 days, 2:00:00``."""
    return f"{'forward' if jump > timedelta() else 'back'} by {timedelta(seconds=round(abs(jump).total_seconds()))}"
