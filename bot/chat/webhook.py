"""Updates that Telegram sends by itself: set the webhook, keep it set, and take the updates."""

from __future__ import annotations

import asyncio
import hmac
from datetime import datetime
from enum import Enum
from typing import Never

import msgspec
import structlog
from telegram import Bot

from bot.chat.incoming import Incoming
from bot.chat.polling import TokenDoubt, retry_forever
from bot.chat.strangers import StrangersAmong, nobody
from bot.chat.update_tracker import ALLOWED_UPDATES, UpdateTracker
from bot.ports import Clock, Sleep

log = structlog.get_logger()

WEBHOOK_CONNECTIONS = 100
"""How many updates Telegram may send at the same time. It sends those of one chat one after the other."""
WEBHOOK_CROWD = 10
"""With more requests in a process than this, strangers get theirs answered at once, and are handled in their turn."""
WEBHOOK_CHECK_INTERVAL = 60.0
"""Seconds between two checks that the webhook is still set."""
WEBHOOK_TIMEOUT = 50.0
"""Seconds to answer an update. After 60, Telegram gives up and sends it again."""
MAX_JOB_WAIT = 10.0
"""Seconds to wait for a background job, such as a download. Meanwhile Telegram sends nothing more of its chat.

A longer job goes on after the answer. A kill loses it; at a stop, its chat is told to ask again.
"""


class Answer(Enum):
    """What became of a request to the webhook."""

    HANDLED = "handled"
    UNREADABLE = "unreadable"
    NOT_NOW = "not now"
    """Telegram sends it again."""


class Webhook:
    """The same on every replica. Telegram knows its ``url`` and sends ``secret`` along."""

    def __init__(
        self,
        bot: Bot,
        tracker: UpdateTracker,
        url: str,
        secret: str,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        strangers_among: StrangersAmong = nobody,
    ) -> None:
        self._bot = bot
        self._tracker = tracker
        self._strangers_among = strangers_among
        self._url = url
        self._secret = secret
        self._clock = clock
        self._sleep = sleep
        self._doubt = TokenDoubt(bot.get_me, clock)
        self._was_set = False
        self.good_at: datetime | None = None
        """When Telegram last confirmed that the webhook is set."""

    async def run(self) -> Never:
        """Set the webhook and keep it set. Raise :class:`StartError` once the bot's token is refused.

        A process that still polls deletes it, for example the one that this process replaces.
        """
        while True:
            await retry_forever(self._keep, self._sleep, self._doubt)
            await self._sleep(WEBHOOK_CHECK_INTERVAL)

    def knows(self, secret: str) -> bool:
        """Return whether a request's secret is ours. Then the request comes from Telegram."""
        return hmac.compare_digest(secret.encode(), self._secret.encode())

    async def receive(self, body: bytes) -> Answer:
        """Take an update and answer once it was handled. If a crash prevents the answer, the update comes again."""
        try:
            update = Incoming(msgspec.json.decode(body, type=dict[str, object]), self._bot)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            return Answer.UNREADABLE
        if self._tracker.is_full:
            return Answer.NOT_NOW
        ended = self._tracker.take(update, stranger=bool(await self._strangers_among([update])))
        if self._tracker.confirm_in_crowd(update.id, WEBHOOK_CROWD):
            return Answer.HANDLED
        for seconds in (MAX_JOB_WAIT, WEBHOOK_TIMEOUT - MAX_JOB_WAIT):
            await asyncio.wait({ended}, timeout=seconds)
            if ended.done():
                return Answer.HANDLED if ended.result() else Answer.NOT_NOW
            if self._tracker.confirm_early(update.id):
                return Answer.HANDLED
        return Answer.NOT_NOW

    async def _keep(self) -> None:
        """Set the webhook at the start, because Telegram does not tell its secret, and whenever it is gone."""
        info = await self._bot.get_webhook_info()
        if not self._was_set or info.url != self._url:
            if self._was_set:
                log.warning("webhook was gone", meaning="Another process with this bot token polls, or has its own.")
            await self._bot.set_webhook(
                self._url,
                secret_token=self._secret,
                max_connections=WEBHOOK_CONNECTIONS,
                allowed_updates=ALLOWED_UPDATES,
            )
            self._was_set = True
        elif info.pending_update_count and info.last_error_message:
            log.warning("updates wait at Telegram", count=info.pending_update_count, error=info.last_error_message)
        self.good_at = self._clock()

    async def finish(self) -> None:
        """Do nothing: the webhook stays for other replicas, and Telegram keeps updates that nobody takes."""
