"""Telegram's rate limits, shared by all replicas. python-telegram-bot asks here before each request.

Telegram allows about 30 messages a second in total, one a second to a chat (short bursts pass) and 20 a minute to a
group. Who goes first (see :mod:`bot.chat.turns`) may empty the token buckets; the others leave something in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.chat.turns import Turn, present_turn
from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.ports import Clock, Sleep, TokenBucketStore

GLOBAL_LIMIT = RateLimit(rate=25, burst=5)
"""So no second sees more than 30."""
CHAT_LIMIT = RateLimit(rate=1, burst=30)
"""People type in bursts, and get answers in bursts. Telegram accepts that for a while."""
GROUP_LIMIT = RateLimit(rate=1 / 6, burst=10)
"""So no minute sees more than 20."""

BURSTS = {Turn.CUSTOMER: GLOBAL_LIMIT.burst, Turn.ALERT: 3, Turn.OTHER: 2}
"""How much of the total limit's burst each may use. The rest stays for those who go before."""
CHAT_BURST_DIVISOR = 2
"""Who floods, or is a stranger, uses this part of a chat's burst. The rest stays for a group's other members."""
ALERT_BURST_PER_CHAT = 1
"""An alert to a chat that was just answered waits until the chat's bucket is full again …"""
ALERT_STANDS_BACK = 10.0
"""… unless that takes more seconds. Then it takes its turn between the answers, which may never end."""

MAX_ANSWER_WAIT = 60.0
MAX_ALERT_WAIT = 20.0
"""Seconds. After that, an alert goes back into the outbox."""

SEND_METHODS = frozenset({"sendMessage", "sendDocument"})
EDIT_METHODS = frozenset({"editMessageText"})


class SharedRateLimiter(BaseRateLimiter[None]):
    """Waits before requests that Telegram counts. Raise :class:`RetryAfter`, as Telegram would, for longer waits."""

    def __init__(self, store: TokenBucketStore, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._total = {
            turn: self._limiter("telegram", RateLimit(GLOBAL_LIMIT.rate, burst, GLOBAL_LIMIT.burst))
            for turn, burst in BURSTS.items()
        }
        self._chats: WeakValueDictionary[tuple[int, int], Limiter] = WeakValueDictionary()

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
        if endpoint in SEND_METHODS | EDIT_METHODS:
            turn = present_turn()
            longest = MAX_ALERT_WAIT if turn is Turn.ALERT else MAX_ANSWER_WAIT
            try:
                if endpoint in SEND_METHODS:
                    await self._wait_for_chat(int(data["chat_id"]), turn, longest)
                await self._total[turn].wait(longest)
            except WaitTooLong as busy:
                raise RetryAfter(timedelta(seconds=max(1, round(busy.seconds)))) from None
        return await callback(*args, **kwargs)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def _wait_for_chat(self, chat_id: int, turn: Turn, longest: float) -> None:
        limit = GROUP_LIMIT if chat_id < 0 else CHAT_LIMIT
        if turn is Turn.ALERT:
            alone = RateLimit(limit.rate, ALERT_BURST_PER_CHAT, limit.burst)
            try:
                await self._of_chat(chat_id, alone).wait(ALERT_STANDS_BACK)
            except WaitTooLong:
                pass
            else:
                return
        burst = limit.burst // CHAT_BURST_DIVISOR if turn is Turn.OTHER else limit.burst
        await self._of_chat(chat_id, RateLimit(limit.rate, burst)).wait(longest)

    def _of_chat(self, chat_id: int, limit: RateLimit) -> Limiter:
        key = chat_id, limit.burst
        limiter = self._chats.get(key)
        if limiter is None:
            limiter = self._chats[key] = self._limiter(f"chat:{chat_id}", limit)
        return limiter

    def _limiter(self, name: str, limit: RateLimit) -> Limiter:
        return Limiter(name, limit, self._store, self._clock, self._sleep)
