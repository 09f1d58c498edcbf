"""Presses of inline buttons: what the Bot API calls callback queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.telegram.event_bus import EventBus
from bot.sandbox.telegram.models import DEFAULT_TIMEOUT, Message, User

ANSWERABLE_FOR = timedelta(seconds=60)
"""Our interpretation of "query is too old". The official server states no duration."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bot's answer: a toast, or an alert that must be closed. Without ``text`` only the spinner ends."""

    text: str = ""
    show_alert: bool = False
    url: str | None = None


class Press:
    """A press by a person. ``id`` is the id of the callback query."""

    def __init__(self, query_id: str, user: User, message: Message, data: str, at: datetime, events: EventBus) -> None:
        self.id = query_id
        self.user = user
        self.message = message
        self.data = data
        self.at = at
        self.answer: Answer | None = None
        self._events = events

    def open_at(self, now: datetime) -> bool:
        """Return whether the press can still be answered: only once, and only for a while."""
        return self.answer is None and now - self.at <= ANSWERABLE_FOR

    async def answered(self, timeout: float = DEFAULT_TIMEOUT) -> Answer:
        """Return the bot's answer as soon as there is one. Raise :class:`TimeoutError` if none comes."""
        return await self._events.wait_until(lambda: self.answer, timeout)
