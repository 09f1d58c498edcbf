"""Telegram's rate limits, shared by all replicas. python-telegram-bot asks here before each request.

Telegram allows about 30 messages a second in total, one a second to a chat (short bursts pass) and 20 a minute to a
group. Who goes first (see :mod:`bot.turns`) may empty the token buckets; the others leave something in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.chat.arrivals import Arrivals
from bot.chat.flood_pauses import FloodPauses
from bot.chat.request import pause_of
from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.ports import Clock, Sleep, TokenBucketStore
from bot.turns import Turn, present_turn, taking_turn

ALLOWED = 30
"""Messages that Telegram takes within any second."""
GLOBAL_LIMIT = RateLimit(rate=29, burst=3, bursts={Turn.ALERT: 2, Turn.OTHER: 1})
"""What replicas share. The bursts make up for a loop that comes late; :class:`Arrivals` keeps them within the limit."""
CHAT_LIMIT = RateLimit(rate=1, burst=30, bursts={Turn.ALERT: 1, Turn.OTHER: 15})
"""People type in bursts, and get answers in bursts. Telegram accepts that for a while.

An alert to a chat that was just answered waits until the chat's bucket is full again.
"""
GROUP_LIMIT = RateLimit(rate=1 / 6, burst=10, bursts={Turn.ALERT: 1, Turn.OTHER: 5})
"""So no minute sees more than 20. A member who floods leaves part of the burst to the others."""
ALERT_STANDS_BACK = 10.0
"""Seconds. If a chat's bucket can't be full by then, an alert takes its turn between the answers."""
FORGOTTEN_AFTER = timedelta(minutes=2)
"""After that, a chat's alerts stand back anew. Until then, those behind the first have waited with it."""

MAX_ANSWER_WAIT = 60.0
MAX_ALERT_WAIT = 20.0
MAX_ALERT_WAIT_FOR_CHAT = 1.0
"""Seconds. After that, an alert goes back into the outbox. For its own chat it waits there: others need its place."""

EDIT_METHODS = frozenset({"editMessageText"})
TIDY_METHODS = frozenset({"deleteMessage", "pinChatMessage", "unpinChatMessage"})
"""They count where alerts are tidied up. A message with a token is deleted at once."""


class SharedRateLimiter(BaseRateLimiter[None]):
    """Waits before requests that Telegram counts. Raise :class:`RetryAfter`, as Telegram would, for longer waits."""

    def __init__(self, store: TokenBucketStore, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._arrivals = Arrivals(ALLOWED, store, clock)
        self._total = Limiter("telegram", GLOBAL_LIMIT, self._arrivals, clock, sleep)
        self._chats: WeakValueDictionary[int, Limiter] = WeakValueDictionary()
        self._stand_back_since: dict[int, datetime] = {}
        self._pauses = FloodPauses()

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,  # noqa: ARG002  # the library passes it
    ) -> Any:
        """Wait for the chat's limit, then for the total limit, and make the request."""
        is_alert = present_turn() is Turn.ALERT
        if not (is_send(endpoint) or endpoint in EDIT_METHODS or (is_alert and endpoint in TIDY_METHODS)):
            return await callback(*args, **kwargs)
        chat_id, longest = int(data["chat_id"]), MAX_ALERT_WAIT if is_alert else MAX_ANSWER_WAIT
        self._pauses.check(chat_id, self._clock())
        try:
            if is_send(endpoint):
                await self._wait_for_chat(chat_id, longest)
            await self._total.wait(longest)
        except WaitTooLong as busy:
            raise RetryAfter(timedelta(seconds=busy.seconds)) from None
        self._pauses.check(chat_id, self._clock())
        try:
            with self._arrivals.under_way():
                result = await callback(*args, **kwargs)
        except RetryAfter as flood:
            self._pauses.refused(chat_id, timedelta(seconds=pause_of(flood)), self._clock())
            raise
        self._pauses.taken()
        return result

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def _wait_for_chat(self, chat_id: int, longest: float) -> None:
        limiter = self._chats.get(chat_id)
        if limiter is None:
            limit = GROUP_LIMIT if chat_id < 0 else CHAT_LIMIT
            limiter = self._chats[chat_id] = self._limiter(f"chat:{chat_id}", limit)
        if present_turn() is not Turn.ALERT:
            await limiter.wait(longest)
            return
        try:
            await limiter.wait(MAX_ALERT_WAIT_FOR_CHAT)
        except WaitTooLong as busy:
            if busy.seconds <= self._stands_back_for(chat_id):
                raise
            with taking_turn(Turn.CUSTOMER):
                await limiter.wait(MAX_ALERT_WAIT_FOR_CHAT)

    def _stands_back_for(self, chat_id: int) -> float:
        """Return for how many seconds more this chat's alerts let answers go first."""
        now = self._clock()
        self._stand_back_since = {c: at for c, at in self._stand_back_since.items() if abs(now - at) < FORGOTTEN_AFTER}
        began = self._stand_back_since.setdefault(chat_id, now)
        return ALERT_STANDS_BACK - (now - began).total_seconds()

    def _limiter(self, name: str, limit: RateLimit) -> Limiter:
        return Limiter(name, limit, self._store, self._clock, self._sleep)


def is_send(endpoint: str) -> bool:
    """Return whether a method sends a message."""
    return endpoint.startswith("send") and endpoint != "sendChatAction"
