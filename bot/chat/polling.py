"""Fetching updates by long polling, and the patience that Telegram's outages ask for.

python-telegram-bot's own Updater isn't used: a 401 ends its polling while it goes on calling itself running, its stop
raises that error again, and each failed poll is logged with a traceback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Never, TypeVar

import structlog
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.ext import Application

from bot.chat.request import BotApiMissing
from bot.chat.update_tracker import ALLOWED_UPDATES, UpdateTracker
from bot.errors import StartError, StoreAway
from bot.limiter import Sleep
from bot.ports import Clock
from bot.services.leader_lease import LeaderLease

log = structlog.get_logger()

T = TypeVar("T")

POLL_TIMEOUT = timedelta(seconds=10)
"""How long Telegram holds a poll open when there is nothing new."""

BUSY_POLL_INTERVAL = 0.5
"""Seconds until the next poll where something in hand takes longer: others don't wait for it."""
STANDBY = 5.0
"""Seconds after which a replica that doesn't poll asks again whether it should."""
FINAL_CONFIRM_TIMEOUT = 2.0
"""Seconds that a stop waits for Telegram to take note of what was handled; else that comes again, and does no harm."""

FIRST_RETRY_WAIT = 1.0
MAX_RETRY_WAIT = 30.0
"""Seconds before the first, and at most before any other, further try."""

TOKEN_REFUSED = "Telegram does not accept TELEGRAM_BOT_TOKEN. Copy it again from @BotFather, or make a new one there."
TOKEN_REVOKED = (
    "Telegram no longer accepts TELEGRAM_BOT_TOKEN: it was revoked or replaced. Copy the new one from @BotFather."
)
NO_BOT_API = "There is no Bot API for this token at {}. TELEGRAM_API_URL or TELEGRAM_BOT_TOKEN is wrong."


class Disruption(NamedTuple):
    """What keeps us from Telegram: the log's events, and what an operator can do."""

    began: str
    ended: str
    meaning: str


OUTAGE = Disruption("Telegram outage began", "Telegram outage ended", "Telegram is asked again until it answers.")
CONFLICT = Disruption(
    "bot token conflict began",
    "bot token conflict ended",
    "Another process polls with this bot token, or has set a webhook, which is deleted again. Stop that process, or "
    "give it a bot of its own.",
)


async def connect(bot: Bot) -> str:
    """Ask Telegram once who we are: the bot's user name. Raises :class:`StartError` that says what to do."""
    try:
        async with bot:
            return bot.username
    except InvalidToken:
        raise StartError(TOKEN_REFUSED) from None
    except BotApiMissing:
        raise StartError(NO_BOT_API.format(_address(bot))) from None
    except TelegramError as error:
        raise StartError(
            f"Telegram can't be reached at {_address(bot)} ({error.message}). Check TELEGRAM_API_URL and the network."
        ) from None


async def initialize_patiently(
    application: Application,  # type: ignore[type-arg]  # its six parameters say nothing here
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Initialize, however long Telegram is away. Raises :class:`StartError`."""
    try:
        await retry_forever(application.initialize, sleep)
    except InvalidToken:
        raise StartError(TOKEN_REFUSED) from None


async def retry_forever(call: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """What ``call`` gives, tried for as long as it takes; a trouble is logged when it begins and when it ends.

    Raises :class:`InvalidToken`, against which no patience helps.
    """
    failures, trouble = 0, None
    while True:
        try:
            result = await call()
        except InvalidToken:
            raise
        except Exception as error:  # an answer that can't be read is an outage too
            before, trouble = trouble, CONFLICT if isinstance(error, Conflict) else OUTAGE
            if before is not trouble:
                _log_end(before, failures)
                unknown = None if isinstance(error, TelegramError) else error
                log.warning(trouble.began, error=str(error), meaning=trouble.meaning, exc_info=unknown)
            await sleep(_wait(error, failures))
            failures += 1
        else:
            _log_end(trouble, failures)
            return result


class Poller:
    """Brings updates by long polling, on one of several replicas at a time: the one that has the ``role``."""

    def __init__(
        self, bot: Bot, tracker: UpdateTracker, role: LeaderLease, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._bot = bot
        self._tracker = tracker
        self._leader_lease = role
        self._clock = clock
        self._sleep = sleep
        self._webhook_is_gone = False
        self.good_at: datetime | None = None
        """When this process last polled with success, or learned that another one has the role."""

    async def run(self) -> Never:
        """Poll until cancelled. Raises :class:`StartError` once the bot's token is refused."""
        while True:
            try:
                updates = await retry_forever(self._turn, self._sleep)
            except InvalidToken:
                raise StartError(TOKEN_REVOKED) from None
            if updates is None:
                await self._sleep(STANDBY)
                continue
            self._tracker.take_batch(updates)
            if self._tracker.is_busy:
                await self._tracker.wait_until_idle(BUSY_POLL_INTERVAL)

    async def finish(self) -> None:
        """Confirm what was handled, and let another replica poll. For when nothing is in hand any more."""
        if not self._leader_lease.is_leader:
            return
        if self._tracker.offset is not None:
            with suppress(TelegramError, TimeoutError):
                async with asyncio.timeout(FINAL_CONFIRM_TIMEOUT):
                    await self._bot.get_updates(self._tracker.offset, limit=1, timeout=timedelta(0))
        with suppress(StoreAway):  # then it runs out
            await self._leader_lease.release()

    async def _turn(self) -> tuple[Update, ...] | None:
        """One poll; None where another replica has the role. Its offset confirms only what was handled."""
        if not await self._leader_lease.acquire_or_renew():
            self._webhook_is_gone, self.good_at = False, self._clock()
            return None
        try:
            if not self._webhook_is_gone:  # with one set, Telegram refuses to be polled
                self._webhook_is_gone = await self._bot.delete_webhook()
                self.good_at = self._clock()
                return ()  # to look at the role again: nothing may lie between that and a poll
            # While something is in hand it comes again with what is new, so there is nothing to wait for.
            wait = timedelta(0) if self._tracker.is_busy else POLL_TIMEOUT
            updates = await self._bot.get_updates(self._tracker.offset, timeout=wait, allowed_updates=ALLOWED_UPDATES)
        except Conflict as error:
            if "webhook" in error.message.lower():
                self._webhook_is_gone = False
            else:
                self._leader_lease.step_down()  # maybe to a replica that can reach the store where this one can't
            raise
        self.good_at = self._clock()
        log.debug("updates polled", count=len(updates))
        return updates


def _log_end(trouble: Disruption | None, failures: int) -> None:
    if trouble is not None:
        log.info(trouble.ended, failures=failures)


def _address(bot: Bot) -> str:
    return bot.base_url.partition("/bot")[0]


def _wait(error: Exception, failures: int) -> float:
    """Seconds until the next try: what a 429 asks for, or twice as many each time."""
    if isinstance(error, RetryAfter):
        asked = error.retry_after
        return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)
    return min(MAX_RETRY_WAIT, FIRST_RETRY_WAIT * 2.0 ** min(failures, 10))
