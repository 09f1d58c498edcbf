"""What may have arrived at Telegram within the last second. Telegram counts arrivals; the bot only sees calls leave.

A call arrives somewhere between its departure and its answer. A network that stalls and then lets all through, or a
busy machine, brings calls together that left one after the other. What all calls have in common, the shortest way there
and back, brings none together: it does not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.ports import Clock, TokenBucketStore

COUNTED_FOR = timedelta(seconds=1)
LONGEST_WAY = timedelta(seconds=1)
"""A call whose answer takes longer has arrived, and waits at Telegram: that must not make the bot slow, too."""

TRIPS_REMEMBERED = 100
"""There and back. What they have in common is known once there are so many."""


class Arrivals:
    """Lets no more than ``limit`` calls arrive within a second, whatever the way to Telegram does to them.

    It stands in front of the store's token buckets, and answers as one that is empty while there is no room.
    """

    def __init__(self, limit: int, buckets: TokenBucketStore, clock: Clock) -> None:
        self._limit = limit
        self._buckets = buckets
        self._clock = clock
        self._count_until: dict[object, datetime] = {}
        self._trips: deque[timedelta] = deque(maxlen=TRIPS_REMEMBERED)
        self._asking = 0

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        """Take one token, as :class:`bot.ports.TokenBucketStore` says, if there is room. Otherwise say when."""
        if (seconds := self._seconds_until_room(now)) > 0:
            return seconds
        self._asking += 1
        try:
            return await self._buckets.take_from_bucket(name, now, rate, burst, capacity)
        finally:
            self._asking -= 1

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Make a call within this context. Enter it as soon as there is a token, without a wait in between."""
        call, left = object(), self._clock()
        self._count_until[call] = left + LONGEST_WAY + COUNTED_FOR
        try:
            yield
        finally:
            now = self._clock()
            self._trips.append(max(timedelta(), now - left))
            if call in self._count_until:
                self._count_until[call] = min(self._count_until[call], now - self._shortest_trip() + COUNTED_FOR)

    def _shortest_trip(self) -> timedelta:
        """Return how long it surely takes there and back: as far below the fastest as the usual is above it."""
        if len(self._trips) < TRIPS_REMEMBERED:
            return timedelta()
        trips = sorted(self._trips)
        return max(timedelta(), 2 * trips[0] - trips[TRIPS_REMEMBERED // 2])

    def _seconds_until_room(self, now: datetime) -> float:
        if len(self._count_until) + self._asking < self._limit:  # even with those that count no more
            return 0.0
        longest = now + LONGEST_WAY + COUNTED_FOR  # a clock that was put back holds nobody up
        self._count_until = {call: until for call, until in self._count_until.items() if now < until <= longest}
        if len(self._count_until) + self._asking < self._limit:
            return 0.0
        return max(0.001, (min(self._count_until.values(), default=now) - now).total_seconds())
