"""A clock that can be put forward, so that a reminder can be seen in a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Gives the real time plus what it was put forward by. Implements :data:`bot.ports.Clock`."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def put_forward(self, by: timedelta) -> None:
        """Let time pass at once. Raises ValueError if it would run backwards."""
        if by < timedelta():
            raise ValueError("time runs forwards only")
        self._ahead += by
