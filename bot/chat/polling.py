"""Fetching updates by long polling, and the patience that Telegram's outages ask for.

python-telegram-bot's own Updater isn't used: a 401 ends its polling while it goes on calling itself running, its stop
raises that error again, and each failed poll is logged with a traceback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Never, TypeVar

import structlog
from telegram import Bot
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application
from telegram.request import HTTPXRequest

from bot.chat.bot import ALLOWED_UPDATES
from bot.errors import StartError

log = structlog.get_logger()

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

POLL = timedelta(seconds=10)
"""How long Telegram holds a poll open when there is nothing new."""

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
"""Seconds before the first, and at most before any other, further try."""

SERVER_ERROR = 500


TOKEN_REFUSED = "Telegram does not accept TELEGRAM_BOT_TOKEN. Copy it again from @BotFather, or make a new one there."
TOKEN_REVOKED = (
    "Telegram no longer accepts TELEGRAM_BOT_TOKEN: it was revoked or replaced. Copy the new one from @BotFather."
)


class TelegramRequest(HTTPXRequest):
    """The library's HTTP client over a transport for so many ``connections``; ``read_timeout`` in seconds.

    A 5xx stays one line, where the library would log a proxy's page with a traceback.
    """

    def __init__(self, transport: object, connections: int, read_timeout: float) -> None:
        super().__init__(
            connection_pool_size=connections,
            read_timeout=read_timeout,
            write_timeout=20,
            connect_timeout=10,
            pool_timeout=10,
            media_write_timeout=120,
            httpx_kwargs={"transport": transport},
        )

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Status and body. Raises :class:`TelegramError`."""
        status, body = await super().do_request(*args, **kwargs)
        if status >= SERVER_ERROR:
            raise NetworkError(f"HTTP status {status}")
        return status, body


async def connect(bot: Bot) -> str:
    """Ask Telegram once who we are: the bot's user name. Raises :class:`StartError` that says what to do."""
    try:
        async with bot:
            return bot.username
    except InvalidToken:
        raise StartError(TOKEN_REFUSED) from None
    except TelegramError as error:
        raise StartError(
            f"Telegram can't be reached at {bot.base_url.partition('/bot')[0]} ({error.message}). "
            "Check TELEGRAM_API_URL and the network."
        ) from None


async def reach(
    application: Application,  # type: ignore[type-arg]  # its six parameters say nothing here
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Initialize and make ready to be polled, however long Telegram is away. Raises :class:`StartError`."""
    try:
        await persist(application.initialize, sleep)
        await persist(application.bot.delete_webhook, sleep)  # with one set, Telegram refuses to be polled
    except InvalidToken:
        raise StartError(TOKEN_REFUSED) from None


async def persist(call: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """What ``call`` gives, tried for as long as it takes; an outage is logged when it begins and when it ends.

    Raises :class:`InvalidToken`, against which no patience helps.
    """
    failures = 0
    while True:
        try:
            result = await call()
        except InvalidToken:
            raise
        except Exception as error:  # an answer that can't be read is an outage too
            if not failures:
                unknown = None if isinstance(error, TelegramError) else error
                log.warning("Telegram outage began", error=str(error), exc_info=unknown)
            await sleep(_wait(error, failures))
            failures += 1
        else:
            if failures:
                log.info("Telegram outage ended", failures=failures)
            return result


async def poll(bot: Bot, updates: asyncio.Queue[object], sleep: Sleep = asyncio.sleep) -> Never:
    """Put all updates into the queue, until cancelled. Raises :class:`StartError` once the bot's token is refused.

    Each request confirms what the one before it brought: what a cancellation leaves unconfirmed comes again.
    """
    offset: int | None = None
    while True:
        fetch = partial(bot.get_updates, offset, timeout=POLL, allowed_updates=ALLOWED_UPDATES)
        try:
            news = await persist(fetch, sleep)
        except InvalidToken:
            raise StartError(TOKEN_REVOKED) from None
        for update in news:
            offset = update.update_id + 1
            updates.put_nowait(update)


def _wait(error: Exception, failures: int) -> float:
    """Seconds until the next try: what a 429 asks for, or twice as many each time."""
    if isinstance(error, RetryAfter):
        asked = error.retry_after
        return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 10))
