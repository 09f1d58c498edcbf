"""The queue of updates, fetched by ``getUpdates``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.ports import Clock
from bot.sandbox.telegram.errors import POLLED_BY_ANOTHER, WEBHOOK_IS_SET, ApiError, refusal

UPDATES_KEPT_FOR = timedelta(hours=24)
MAX_POLL_SECONDS = 50
MAX_UPDATES_PER_CALL = 100
ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds of update that come only if the bot asks for them by name."""

Update = dict[str, object]


class UpdateQueue:
    """Updates wait here until a later ``offset`` confirms them, for 24 hours at most.

    ``webhook`` is the URL set by ``setWebhook``. Updates are not sent there, they only stay in the queue.
    """

    def __init__(self, clock: Clock, confirmed: Callable[[], None]) -> None:
        self.webhook = ""
        self._confirmed = confirmed
        self._clock = clock
        self._last_id = 100_000_000
        self._pending: list[tuple[int, datetime, Update]] = []
        self._allowed: frozenset[str] = frozenset()
        self._poll: asyncio.Future[None] | None = None

    @property
    def allowed(self) -> list[str]:
        return sorted(self._allowed)

    @property
    def pending(self) -> int:
        return len(self._pending)

    def add(self, kind: str, content: Mapping[str, object]) -> int | None:
        """Queue an update and return its id; None if the bot does not want this kind."""
        if kind not in self._allowed if self._allowed else kind in ON_REQUEST:
            return None
        self._last_id += 1
        self._pending.append((self._last_id, self._clock(), {"update_id": self._last_id, kind: dict(content)}))
        self._end_poll(None)
        return self._last_id

    def allow(self, kinds: Sequence[str]) -> None:
        """Set the wanted kinds permanently. An empty list means all but those in :data:`ON_REQUEST`."""
        self._allowed = frozenset(kinds)

    def drop(self) -> None:
        self._pending.clear()

    def set_webhook(self, url: str) -> None:
        self.webhook = url
        if url:
            self._end_poll(refusal(409, "terminated by setWebhook request"))

    async def poll(self, offset: int, limit: int, timeout: float) -> list[Update]:
        """Return the oldest unconfirmed updates. Wait up to ``timeout`` seconds for the first.

        The next waiting call ends this one with 409. While a webhook is set, all calls fail with 409.
        """
        if self.webhook:
            raise refusal(409, WEBHOOK_IS_SET)
        self._confirm(offset)
        if not self._pending and timeout > 0:
            self._end_poll(refusal(409, POLLED_BY_ANOTHER))
            await self._arrival(min(timeout, MAX_POLL_SECONDS))
        return [update for _, _, update in self._pending[: min(max(limit, 1), MAX_UPDATES_PER_CALL)]]

    def _confirm(self, offset: int) -> None:
        before = self.pending
        kept_from = self._clock() - UPDATES_KEPT_FOR
        self._pending = [item for item in self._pending if item[1] >= kept_from]
        if offset < 0:
            self._pending = self._pending[offset:]
        else:
            self._pending = [item for item in self._pending if item[0] >= offset]
        if self.pending < before:
            self._confirmed()

    async def _arrival(self, timeout: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(poll, timeout)
        except TimeoutError:
            pass
        finally:
            if self._poll is poll:
                self._poll = None

    def _end_poll(self, error: ApiError | None) -> None:
        if self._poll is None or self._poll.done():
            return
        if error is None:
            self._poll.set_result(None)
        else:
            self._poll.set_exception(error)
