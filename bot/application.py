"""The composition root: the one place that builds the bot's parts and wires them, starts them and stops them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import stamina
import structlog
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder, CallbackContext
from telegram.request import HTTPXRequest

from bot import logs
from bot.chat.bot import ALLOWED_UPDATES, add_handlers, publish_menu, watch_membership
from bot.chat.dispatch import Dispatcher, InOrderPerChat
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.messenger import TelegramMessenger
from bot.chat.texts import Phrasebook, open_phrasebook
from bot.errors import StartError
from bot.ports import Clock, Store
from bot.provider.client import ProviderClient, open_client
from bot.provider.transport import make_transport
from bot.services.browsing import Browsing
from bot.services.delivering import Courier
from bot.services.linking import Linking
from bot.services.monitoring import Monitor
from bot.services.paying import Payments
from bot.services.plan import CheckPlan
from bot.services.workers import Workers
from bot.settings import Settings
from bot.store.keyfile import load_or_make_key
from bot.store.tinydb import TinyStore, open_store

log = structlog.get_logger()

Telegram = Application[Any, Any, Any, Any, Any, Any]

CHECKS_AT_ONCE = 50
SENDS_AT_ONCE = 25
CONNECTIONS = 100
GRACE = 15.0
"""Seconds that work in hand has to end when the bot stops."""


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def open_embedded_store(settings: Settings) -> TinyStore:
    """The store in ``DATA_DIR``, sealed with ``TOKEN_KEYS`` or the folder's own key. Raises :class:`StartError`."""
    keys = tuple(key.get_secret_value() for key in settings.token_keys)
    if not keys:
        keys, made = load_or_make_key(settings.data_dir)
        if made:
            log.warning(
                "made a key for sealing the tokens; whoever has this file and the data can read them, "
                "and without it nobody can: keep a copy of it apart from the data, or set TOKEN_KEYS",
                file=str(settings.data_dir / "token.key"),
            )
    return open_store(settings.data_dir, keys)


def build_telegram(settings: Settings) -> Telegram:
    """python-telegram-bot's application, on the faster transport; it connects when it is initialized."""
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # its waits as timedelta; without, it warns of each
    root = settings.telegram_api_url
    return (
        ApplicationBuilder()
        .token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .request(_telegram_request(CONNECTIONS, read_timeout=20))
        .get_updates_request(_telegram_request(1, read_timeout=10))
        .concurrent_updates(InOrderPerChat())
        .build()
    )


def _telegram_request(connections: int, read_timeout: float) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        read_timeout=read_timeout,
        write_timeout=20,
        connect_timeout=10,
        pool_timeout=10,
        media_write_timeout=120,
        httpx_kwargs={"transport": make_transport(connections)},
    )


class InvoiceBot:
    """The bot's parts, wired. :func:`running` starts and stops it."""

    def __init__(
        self, settings: Settings, store: Store, provider: ProviderClient, telegram: Telegram, clock: Clock
    ) -> None:
        self.telegram = telegram
        self.phrasebook: Phrasebook = open_phrasebook(settings.currency, settings.zone)
        self._plan = CheckPlan(timedelta(seconds=settings.check_interval), settings.zone)
        self._workers = [Workers(CHECKS_AT_ONCE), Workers(SENDS_AT_ONCE), Workers(CHECKS_AT_ONCE)]
        messenger = TelegramMessenger(telegram.bot, self.phrasebook)
        checks, sends, looks = self._workers
        self._monitor = Monitor(store, provider, clock, self._plan, checks)
        self._courier = Courier(store, store, messenger, clock, sends)
        self._payments = Payments(store, store, provider, messenger, clock, looks)
        linking = Linking(store, provider, clock, self._plan, base_url=settings.provider_url)
        add_handlers(
            telegram,
            Dispatcher(store, self.phrasebook, clock, settings.allowed_users),
            GeneralHandlers(store, self.phrasebook, clock),
            InvoiceHandlers(Browsing(provider), clock),
            LinkHandlers(linking, clock),
            PaymentHandlers(self._payments, clock),
        )
        watch_membership(telegram, store, clock)
        telegram.add_error_handler(_log_failure)

    async def start(self, tick: float) -> None:
        """Connect to Telegram, begin to take updates, and tick every ``tick`` seconds. Raises :class:`StartError`."""
        await connect(self.telegram)
        await publish_menu(self.telegram.bot, self.phrasebook)
        for work in (self._monitor.tick, self._courier.tick, self._payments.tick):
            self._repeat(work, tick)
        await self.telegram.start()
        if self.telegram.updater is not None:
            await self.telegram.updater.start_polling(
                allowed_updates=ALLOWED_UPDATES, bootstrap_retries=-1, error_callback=_log_polling_failure
            )

    async def stop(self) -> None:
        """Take no more updates, let what is in hand come to its end, and disconnect."""
        telegram = self.telegram
        if telegram.updater is not None and telegram.updater.running:
            await telegram.updater.stop()
        if telegram.running:
            try:
                await asyncio.wait_for(telegram.stop(), GRACE)
            except TimeoutError:
                log.warning("some updates were not finished in time")
        await asyncio.gather(*(workers.finish(GRACE) for workers in self._workers))
        await telegram.shutdown()

    def _repeat(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        """Call ``work`` on a UTC interval; a late or slow call is made up for by the next, never dropped or doubled."""

        async def call(_: CallbackContext[Any, Any, Any, Any]) -> None:
            await work()

        queue = self.telegram.job_queue
        if queue is None:  # only without the extra job-queue
            raise StartError("python-telegram-bot is installed without its job queue. Install the pinned requirements.")
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        queue.run_repeating(call, every, first=0, name=work.__qualname__, job_kwargs=options)


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock = utc_now, tick: float = 1.0) -> AsyncIterator[InvoiceBot]:
    """The bot, running while the context lasts. Raises :class:`StartError` where it can't be started."""
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(open_embedded_store, settings)
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(open_client(CONNECTIONS))
        provider = ProviderClient(http, settings.provider_url, settings.zone, clock=clock)
        bot = InvoiceBot(settings, store, provider, build_telegram(settings), clock)
        stack.push_async_callback(bot.stop)
        await bot.start(tick)
        log.info("bot is running", telegram=settings.telegram_api_url, provider=settings.provider_url)
        yield bot
        log.info("bot is stopping")


async def run(settings: Settings) -> None:
    """Run the bot until SIGINT or SIGTERM. Raises :class:`StartError`."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with running(settings):
        await stop.wait()


async def connect(telegram: Telegram) -> str:
    """Ask Telegram who we are, and give the bot's user name. Raises :class:`StartError` that says what to do."""
    try:
        await telegram.initialize()
    except InvalidToken:
        raise StartError(
            "Telegram does not accept TELEGRAM_BOT_TOKEN. Copy it again from @BotFather, or make a new one there."
        ) from None
    except TelegramError as error:
        raise StartError(
            f"Telegram can't be reached at {telegram.bot.base_url.partition('/bot')[0]} ({error.message}). "
            "Check TELEGRAM_API_URL and the network."
        ) from None
    return str(telegram.bot.username)


def configure_logs(settings: Settings) -> None:
    """Set logging up, with the bot's own secrets masked."""
    secrets = [settings.telegram_bot_token, *settings.token_keys]
    logs.configure(settings.log_level, settings.log_format, [secret.get_secret_value() for secret in secrets])
    # An outage is logged when it begins and when it ends, not at every try.
    stamina.instrumentation.set_on_retry_hooks([])


async def _log_failure(update: object, context: CallbackContext[Any, Any, Any, Any]) -> None:
    error = context.error
    log.error("unexpected failure", update_id=getattr(update, "update_id", None), exc_info=error)


def _log_polling_failure(error: TelegramError) -> None:
    log.warning("updates can't be fetched", error=error.message)
