"""Telegram's rate limits, shared by all replicas. python-telegram-bot asks here before each request.

Telegram allows about 30 messages a second in total, one a second to a chat (short bursts pass) and 20 a minute to a
group. Who goes first (see :mod:`bot.turns`) may empty the token buckets; the others leave something in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.ports import Clock, Sleep, TokenBucketStore
from bot.turns import Turn, present_turn, taking_turn

GLOBAL_LIMIT = RateLimit(rate=25, burst=5, bursts={Turn.ALERT: 3, Turn.OTHER: 2})
"""So no second sees more than 30."""
CHAT_LIMIT = RateLimit(rate=1, burst=30, bursts={Turn.ALERT: 1, Turn.OTHER: 15})
"""People type in bursts, and get answers in bursts. Telegram accepts that for a while.

An alert to a chat that was just answered waits until the chat's bucket is full again.
"""
GROUP_LIMIT = RateLimit(rate=1 / 6, burst=10, bursts={Turn.ALERT: 1, Turn.OTHER: 5})
"""So no minute sees more than 20. A member who floods leaves part of the burst to the others."""
ALERT_STANDS_BACK = 10.0
"""Seconds. If a chat's bucket is not full until then, an alert takes its turn between the answers."""

MAX_ANSWER_WAIT = 60.0
MAX_ALERT_WAIT = 20.0
"""Seconds. After that, an alert goes back into the outbox."""

SEND_METHODS = frozenset({"sendMessage", "sendDocument"})
EDIT_METHODS = frozenset({"editMessageText"})
TIDY_METHODS = frozenset({"deleteMessage", "pinChatMessage", "unpinChatMessage"})
"""They count where alerts are tidied up. A message with a token is deleted at once."""


class SharedRateLimiter(BaseRateLimiter[None]):
    """Waits before requests that Telegram counts. Raise :class:`RetryAfter`, as Telegram would, for longer waits."""

    def __init__(self, store: TokenBucketStore, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._total = self._limiter("telegram", GLOBAL_LIMIT)
        self._chats: WeakValueDictionary[int, Limiter] = WeakValueDictionary()

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
        if endpoint in SEND_METHODS | EDIT_METHODS | (TIDY_METHODS if is_alert else frozenset()):
            longest = MAX_ALERT_WAIT if is_alert else MAX_ANSWER_WAIT
            try:
                if endpoint in SEND_METHODS:
                    await self._wait_for_chat(int(data["chat_id"]), longest)
                await self._total.wait(longest)
            except WaitTooLong as busy:
                raise RetryAfter(timedelta(seconds=max(1, round(busy.seconds)))) from None
        return await callback(*args, **kwargs)

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
            await limiter.wait(ALERT_STANDS_BACK)
        except WaitTooLong:
            with taking_turn(Turn.CUSTOMER):
                await limiter.wait(longest)

    def _limiter(self, name: str, limit: RateLimit) -> Limiter:
        return Limiter(name, limit, self._store, self._clock, self._sleep)
