"""Stored waits, and how far ahead they may lie: a clock that was wrong must silence nobody once it is right.

A wait is stored with the time at which it was set. If that lies in the future, a clock that was ahead has set it, and
it counts as over. And each kind of wait has a longest length, whatever was stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
"""Two clocks that differ by no more count as the same, and so do two looks at a clock that was set by so little."""

LONGEST_CHECK_WAIT = timedelta(days=8)
"""Until a chat's next check: ``CHECK_INTERVAL`` may be a week."""
LONGEST_ALERT_WAIT = timedelta(days=2)
"""Until a chat's next message of alerts: a retry and the end of quiet hours come within about a day."""

LONGEST_TOKEN_WAIT = timedelta(minutes=15)
"""For the token that somebody was asked for."""


LONG_AGO = datetime.min.replace(tzinfo=UTC)


SURELY_PAST = datetime(2026, 1, 1, tzinfo=UTC)
"""When this was written. A clock without a battery begins in 1970: what lies ahead of that is no error."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait ``until`` some time. It was not set before ``set_at``."""

    until: datetime
    set_at: datetime = LONG_AGO

    def is_over(self, now: datetime) -> bool:
        """Return whether it has ended, or a clock that was ahead has set it."""
        return self.until <= now or is_ahead(self.set_at, now)


def wait_until(at: datetime, set_at: datetime | None, longest: timedelta) -> Wait:
    """Return a wait that can't be longer than ``longest``. ``set_at`` is None for waits that an older version set."""
    earliest = at - longest if at > LONG_AGO + longest else LONG_AGO
    return Wait(at, earliest if set_at is None else max(set_at, earliest))


def is_ahead(at: datetime, now: datetime) -> bool:
    """Return whether something that has happened lies in the future: another clock has said when."""
    return at > now + CLOCKS_AGREE_WITHIN


def may_be_right(now: datetime) -> bool:
    """Return whether a clock that shows this may be right. If not, nothing is thrown away because it lies ahead."""
    return now >= SURELY_PAST


def cut(until: datetime, now: datetime, longest: timedelta) -> datetime:
    """Return the end of something that lasts no longer than ``longest`` from now on."""
    return now + longest if is_ahead(until, now + longest) else until


def still_lasts(until: datetime, now: datetime, longest: timedelta) -> bool:
    """Return whether something lasts ``until`` then. If that is longer than the ``longest`` of its kind, it is over."""
    return now < until and not is_ahead(until, now + longest)
