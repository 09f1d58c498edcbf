"""Presses of inline buttons: what the Bot API calls callback queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.telegram.event_bus import EventBus
from bot.sandbox.telegram.models import WAIT, Message, User

LIFETIME = timedelta(seconds=60)
"""Our reading of "query is too old": the official server names no figure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered: a toast, or an alert that must be closed; without ``text`` only the spinner ends."""

    text: str = ""
    show_alert: bool = False
    url: str | None = None


class Press:
    """A press by a person; ``data`` is what the bot gets, ``id`` the query's id."""

    def __init__(self, query_id: str, user: User, message: Message, data: str, at: datetime, events: EventBus) -> None:
        self.id = query_id
        self.user = user
        self.message = message
        self.data = data
        self.at = at
        self.answer: Answer | None = None
        self._events = events

    def open_at(self, now: datetime) -> bool:
        """Whether it can still be answered: a press takes one answer, and not for ever."""
        return self.answer is None and now - self.at <= LIFETIME

    async def answered(self, timeout: float = WAIT) -> Answer:
        """The bot's answer, as soon as it is there. Raises :class:`TimeoutError`."""
        return await self._events.wait_until(lambda: self.answer, timeout)
