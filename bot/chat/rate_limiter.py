"""Telegram's rate limits, shared by all replicas. python-telegram-bot asks here before each request.

Telegram allows about 30 messages a second in total, one a second to a chat (short bursts pass) and 20 a minute to a
group. Answers go before alerts: alerts take from the same token buckets, but never empty them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.ports import Clock, Sleep, TokenBucketStore

GLOBAL_LIMIT = RateLimit(rate=25, burst=5)
"""So no second sees more than 30."""
CHAT_LIMIT = RateLimit(rate=1, burst=30)
"""People type in bursts, and get answers in bursts. Telegram accepts that for a while."""
GROUP_LIMIT = RateLimit(rate=1 / 6, burst=10)
"""So no minute sees more than 20."""

ALERT_BURST_DIVISOR = 2
"""Alerts may use the total limit's burst divided by this, and leave the rest to answers."""
ALERT_BURST_PER_CHAT = 1
"""An alert to a chat that was just answered waits until the chat's bucket is full again."""

MAX_ANSWER_WAIT = 60.0
MAX_ALERT_WAIT = 20.0
"""Seconds. After that, an alert goes back into the outbox."""

SEND_METHODS = frozenset({"sendMessage", "sendDocument"})
EDIT_METHODS = frozenset({"editMessageText"})

_in_background: ContextVar[bool] = ContextVar("in_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """Let answers go first: nobody is waiting for messages that are sent within this context."""
    before = _in_background.set(True)
    try:
        yield
    finally:
        _in_background.reset(before)


class SharedRateLimiter(BaseRateLimiter[None]):
    """Waits before requests that Telegram counts. Raise :class:`RetryAfter`, as Telegram would, for longer waits."""

    def __init__(self, store: TokenBucketStore, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._total = {
            background: self._limiter("telegram", _limit(GLOBAL_LIMIT, background)) for background in (False, True)
        }
        self._chats: WeakValueDictionary[tuple[int, bool], Limiter] = WeakValueDictionary()

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
            background = _in_background.get()
            longest = MAX_ALERT_WAIT if background else MAX_ANSWER_WAIT
            try:
                if endpoint in SEND_METHODS:
                    await self._of_chat(int(data["chat_id"]), background).wait(longest)
                await self._total[background].wait(longest)
            except WaitTooLong as busy:
                raise RetryAfter(timedelta(seconds=max(1, round(busy.seconds)))) from None
        return await callback(*args, **kwargs)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    def _of_chat(self, chat_id: int, background: bool) -> Limiter:  # noqa: FBT001  # half of a key
        limit = GROUP_LIMIT if chat_id < 0 else CHAT_LIMIT
        limiter = self._chats.get((chat_id, background))
        if limiter is None:
            limit = RateLimit(limit.rate, ALERT_BURST_PER_CHAT) if background else limit
            limiter = self._chats[chat_id, background] = self._limiter(f"chat:{chat_id}", limit)
        return limiter

    def _limiter(self, name: str, limit: RateLimit) -> Limiter:
        return Limiter(name, limit, self._store, self._clock, self._sleep)


def _limit(limit: RateLimit, background: bool) -> RateLimit:  # noqa: FBT001  # as above
    return RateLimit(limit.rate, limit.burst // ALERT_BURST_DIVISOR) if background else limit
