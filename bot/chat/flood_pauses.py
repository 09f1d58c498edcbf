"""Whom Telegram has asked to wait by a 429, and until when: one chat, or everybody. It does not say which it means."""

from __future__ import annotations

from datetime import datetime, timedelta

from telegram.error import RetryAfter

from bot.domain.deliveries import LONGEST_FLOOD_PAUSE

MEANS_EVERYBODY = 3
"""So many chats refused in a row that still wait, with nothing taken in between. Fewer may each have had too much of
their own."""


class EverybodyWaits(RetryAfter):
    """Telegram takes nothing from this bot at present, whatever the chat."""


class FloodPauses:
    """Remembers the pauses, so that nothing is sent into them: that would only make them longer."""

    def __init__(self) -> None:
        self._until: dict[int, datetime] = {}
        self._in_a_row: set[int] = set()
        self._everybody_until: datetime | None = None

    def check(self, chat_id: int, now: datetime) -> None:
        """Raise :class:`RetryAfter` while this chat has to wait, and :class:`EverybodyWaits` while all have to."""
        if (left := _left(self._everybody_until, now)) is not None:
            raise EverybodyWaits(left)
        if (left := _left(self._until.get(chat_id), now)) is not None:
            raise RetryAfter(left)

    def refused(self, chat_id: int, wait: timedelta, now: datetime) -> None:
        """Note a 429."""
        self._until = {chat: until for chat, until in self._until.items() if _left(until, now) is not None}
        self._in_a_row &= self._until.keys()
        self._until[chat_id] = now + min(wait, LONGEST_FLOOD_PAUSE)
        self._in_a_row.add(chat_id)
        if len(self._in_a_row) >= MEANS_EVERYBODY:
            self._everybody_until = min(self._until[chat] for chat in self._in_a_row)
            self._in_a_row.clear()

    def taken(self) -> None:
        """Note that Telegram has taken something: it was not everybody whom it refused."""
        self._in_a_row.clear()


def _left(until: datetime | None, now: datetime) -> timedelta | None:
    """Return the rest of a pause. None: it is over, or a clock that was put back has made it too long."""
    if until is None or not now < until <= now + LONGEST_FLOOD_PAUSE:
        return None
    return until - now
