"""Updates by long polling, and waiting until an outage of Telegram is over.

python-telegram-bot's own Updater is not used. After a 401 it stops polling but still calls itself running; its stop
raises that error again; and it logs each failed poll with a traceback.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Never, TypeVar

import structlog
from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.chat.incoming import Incoming
from bot.chat.request import BotApiMissing, pause_of
from bot.chat.strangers import StrangersAmong, nobody
from bot.chat.update_tracker import ALLOWED_UPDATES, UpdateTracker
from bot.errors import StartError, StoreAway
from bot.ports import Clock, Sleep
from bot.services.leader_lease import LeaderLease

log = structlog.get_logger()

T = TypeVar("T")

POLL_TIMEOUT = timedelta(seconds=10)
"""How long Telegram keeps a poll open when there is nothing new."""

BUSY_POLL_INTERVAL = 0.5
"""Seconds until the next poll while an update in progress takes longer. Others must not wait for it."""
STANDBY = 5.0
"""Seconds after which a replica that does not poll asks again whether it should."""
FINAL_CONFIRM_TIMEOUT = 2.0
"""Seconds that a stop waits to confirm handled updates. If that fails, they come again and do no harm."""

FIRST_OUTAGE_WAIT = 1.0
MAX_OUTAGE_WAIT = 30.0
"""Seconds before the first retry, and at most before any later one."""

REFUSED_FOR = timedelta(minutes=2)
"""For so long getMe must confirm that the bot's token is refused. Telegram has refused good ones in passing."""

TOKEN_REFUSED = "Telegram does not accept TELEGRAM_BOT_TOKEN. Copy it again from @BotFather, or make a new one there."
TOKEN_REVOKED = (
    "Telegram no longer accepts TELEGRAM_BOT_TOKEN: it was revoked or replaced. Copy the new one from @BotFather."
)
NAMES_OF_EXCEPTIONS = re.compile(
    r"^(?:[a-zA-Z]+\.)?(?:[A-Z]\w*(?:Error|Failed|Timeout|Refused): )+|^[a-z]+\.[A-Z]\w+: "
)

NO_BOT_API = "There is no Bot API for this token at {}. TELEGRAM_API_URL or TELEGRAM_BOT_TOKEN is wrong."


class Disruption(NamedTuple):
    """A reason why Telegram can't be used: its log events, and what an operator can do."""

    began: str
    ended: str
    meaning: str


OUTAGE = Disruption("Telegram outage began", "Telegram outage ended", "Telegram is asked again until it answers.")
REFUSAL = Disruption(
    "bot token refusal began",
    "bot token refusal ended",
    "Telegram refuses TELEGRAM_BOT_TOKEN. That can pass: the process ends only if it lasts for minutes.",
)
CONFLICT = Disruption(
    "bot token conflict began",
    "bot token conflict ended",
    "Another process polls with this bot token, or has set a webhook, which is deleted again. Stop that process, or "
    "give it a bot of its own.",
)


async def connect(bot: Bot) -> str:
    """Ask Telegram once for the bot's user name. Raise :class:`StartError`, which says what to do."""
    try:
        async with bot:
            return bot.username
    except InvalidToken:
        raise StartError(TOKEN_REFUSED) from None
    except BotApiMissing:
        raise StartError(NO_BOT_API.format(_address(bot))) from None
    except TelegramError as error:
        raise StartError(
            f"Telegram can't be reached at {_address(bot)} ({_in_words(error)}). "
            "Check TELEGRAM_API_URL and the network."
        ) from None


def _in_words(error: TelegramError) -> str:
    """Return what failed, without the names of the libraries' exceptions in front of it."""
    return NAMES_OF_EXCEPTIONS.sub("", error.message)


async def retry_forever(
    call: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, doubt: TokenDoubt | None = None
) -> T:
    """Return the result of ``call``, retried as long as it takes. Log a disruption when it begins and when it ends.

    Raise :class:`StartError` if the bot's token is refused: waiting does not help then. A ``doubt`` decides when to
    believe that. At a start, when somebody waits, it is believed at once (None).
    """
    failures, disruption = 0, None
    while True:
        try:
            result = await call()
        except Exception as error:  # an answer that can't be read is an outage too
            if isinstance(error, InvalidToken):
                await _believe_or_doubt(doubt)
            before, disruption = disruption, _disruption(error)
            if before is not disruption:
                _log_end(before, failures)
                unknown = None if isinstance(error, TelegramError) else error
                log.warning(disruption.began, error=str(error), meaning=disruption.meaning, exc_info=unknown)
            await sleep(_wait(error, failures))
            failures += 1
        else:
            _log_end(disruption, failures)
            if doubt is not None:
                doubt.end()
            return result


class TokenDoubt:
    """Whether the bot's token is still good, once a call was refused. ``get_me`` decides, asked minutes apart."""

    def __init__(self, get_me: Callable[[], Awaitable[object]], clock: Clock) -> None:
        self._get_me = get_me
        self._clock = clock
        self._since: datetime | None = None
        """When getMe first confirmed that the token is refused."""

    async def is_confirmed(self) -> bool:
        """Ask whether a refusal is to be believed: getMe must have confirmed it :data:`REFUSED_FOR` before, too."""
        try:
            await self._get_me()
        except InvalidToken:
            now = self._clock()
            if self._since is None or self._since > now:
                self._since = now
            return now - self._since >= REFUSED_FOR
        except Exception as error:  # noqa: BLE001  # an outage says nothing about the token
            log.debug("refusal can't be confirmed", error=str(error))
        else:
            self.end()
        return False

    def end(self) -> None:
        """Note a good answer."""
        self._since = None


class Poller:
    """Brings updates by long polling. Of several replicas, only the one with the leader's ``lease`` polls."""

    def __init__(
        self,
        bot: Bot,
        tracker: UpdateTracker,
        lease: LeaderLease,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        strangers_among: StrangersAmong = nobody,
    ) -> None:
        self._bot = bot
        self._tracker = tracker
        self._strangers_among = strangers_among
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._doubt = TokenDoubt(bot.get_me, clock)
        self._webhook_is_gone = False
        self.good_at: datetime | None = None
        """When this process last polled with success, or learned that another one is the leader."""

    async def run(self) -> Never:
        """Poll until cancelled. Raise :class:`StartError` once the bot's token is refused."""
        while True:
            updates = await retry_forever(self._poll, self._sleep, self._doubt)
            if updates is None:
                await self._sleep(STANDBY)
                continue
            news = [update for update in updates if self._tracker.is_new(update)]
            more_wait = self._tracker.take_batch(updates, await self._strangers_among(news))
            if self._tracker.is_busy and not more_wait:
                await self._tracker.wait_until_idle(BUSY_POLL_INTERVAL)

    async def finish(self) -> None:
        """Confirm what was handled, and let another replica poll. Call this when no update is in progress."""
        if not self._lease.is_leader:
            return
        if self._tracker.offset is not None:
            with suppress(TelegramError, TimeoutError):
                async with asyncio.timeout(FINAL_CONFIRM_TIMEOUT):
                    await self._bot.get_updates(self._tracker.offset, limit=1, timeout=timedelta(0))
        with suppress(StoreAway):  # then the lease runs out
            await self._lease.release()

    async def _poll(self) -> Sequence[Incoming] | None:
        """Poll once. Return None if another replica is the leader. The offset confirms only handled updates."""
        if not await self._lease.acquire_or_renew():
            self._webhook_is_gone, self.good_at = False, self._clock()
            return None
        try:
            if not self._webhook_is_gone:  # while one is set, Telegram refuses polls
                self._webhook_is_gone = await self._bot.delete_webhook()
                self.good_at = self._clock()
                return []  # ask for the lease again: that must come right before a poll
            # Updates in progress come again at once, together with new ones, so waiting is of no use.
            wait = timedelta(0) if self._tracker.is_busy else POLL_TIMEOUT
            polled = await self._bot.get_updates(self._tracker.offset, timeout=wait, allowed_updates=ALLOWED_UPDATES)
            updates = Incoming.all_in(polled, self._bot)
        except Conflict as error:
            if "webhook" in error.message.lower():
                self._webhook_is_gone = False
            else:
                self._lease.step_down()  # another replica may reach the store while this one can't
            raise
        self.good_at = self._clock()
        log.debug("updates polled", count=len(updates))
        return updates


async def _believe_or_doubt(doubt: TokenDoubt | None) -> None:
    """Raise :class:`StartError` if a refusal of the token is to be believed."""
    if doubt is None:
        raise StartError(TOKEN_REFUSED)
    if await doubt.is_confirmed():
        raise StartError(TOKEN_REVOKED)


def _disruption(error: Exception) -> Disruption:
    match error:
        case Conflict():
            return CONFLICT
        case InvalidToken():
            return REFUSAL
        case _:
            return OUTAGE


def _log_end(disruption: Disruption | None, failures: int) -> None:
    if disruption is not None:
        log.info(disruption.ended, failures=failures)


def _address(bot: Bot) -> str:
    return bot.base_url.partition("/bot")[0]


def _wait(error: Exception, failures: int) -> float:
    """Return the seconds until the next try: what a 429 asks for, or twice as many each time."""
    if isinstance(error, RetryAfter):
        return pause_of(error)
    return min(MAX_OUTAGE_WAIT, FIRST_OUTAGE_WAIT * 2.0 ** min(failures, 10))
