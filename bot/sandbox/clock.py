"""A clock that can be put forward, so that nobody has to wait for a reminder."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo


class SandboxClock:
    """Return the real time plus the time it was put forward by. Implements :data:`bot.ports.Clock`."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def ahead(self) -> timedelta:
        """How much it was put forward so far."""
        return self._ahead

    def put_forward(self, by: timedelta) -> None:
        """Skip some time. Raise :class:`ValueError` if the clock would run backwards."""
        if by < timedelta():
            raise ValueError("time runs forwards only")
        self._ahead += by

    def put_forward_to(self, hour: int, zone: tzinfo) -> None:
        """Skip to the next time it is this full hour in a zone: today, or tomorrow if the hour has passed."""
        now = self()
        today = now.astimezone(zone).date()
        hours = (datetime.combine(today + timedelta(days=n), time(hour), zone).astimezone(UTC) for n in (0, 1))
        self.put_forward(next(at for at in hours if at > now) - now)
