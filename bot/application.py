"""The composition root: the one place that puts the bot's parts together, starts them and stops them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Never

import stamina
import structlog
from telegram.ext import CallbackContext, JobQueue

from bot import logs
from bot.chat.background_jobs import BackgroundJobs
from bot.chat.dispatch import Dispatcher
from bot.chat.handlers.due_calendar import CalendarFeed
from bot.chat.handlers.greeting import Greeter
from bot.chat.messenger import TelegramMessenger
from bot.chat.pack_messenger import TelegramPackMessenger
from bot.chat.polling import retry_forever
from bot.chat.profile import publish_profile
from bot.chat.rate_limiter import SharedRateLimiter
from bot.chat.routing import add_handlers, watch_membership, watch_migrations
from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations, make_texts_for
from bot.chat.update_processor import InOrderPerChat
from bot.chat.webhook import Webhook
from bot.clock import LOOK_EVERY, ClockWatch
from bot.errors import StartError, StoreAway
from bot.factories import (
    HTTP_CONNECTIONS,
    Providers,
    Services,
    Telegram,
    build_handlers,
    build_plan,
    build_providers,
    build_source,
    build_telegram,
    open_store,
)
from bot.garbage import Collector, no_full_collections
from bot.health import Health
from bot.heartbeat import beating
from bot.loop_watch import watch_loop
from bot.ports import Clock, Store, utc_now
from bot.provider.client import open_http_client
from bot.provider.transport import make_transport, trusted_certificates
from bot.settings import Settings, StoreSettings
from bot.ticking import catch_up, repeat

if TYPE_CHECKING:  # most bots listen nowhere, and importing a web server takes a while
    from bot.web import WebApp

log = structlog.get_logger()

DOWNLOADS_AT_ONCE = 25
GRACE_PERIOD = 20.0
"""Seconds within which all work in progress must end when the bot stops.

:data:`bot.chat.background_jobs.CUT_OFF_TIMEOUT` and :data:`bot.chat.polling.FINAL_CONFIRM_TIMEOUT` come on top of it.
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InvoiceBot:
    """The bot's parts, wired. :func:`running` starts and stops it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        providers: Providers,
        telegram: Telegram,
        clock: Clock,
        clock_watch: ClockWatch | None = None,
        health: Health | None = None,
        web_app: WebApp | None = None,
    ) -> None:
        processor = telegram.update_processor
        assert isinstance(processor, InOrderPerChat)  # noqa: S101  # set by build_telegram
        plan = build_plan(settings)
        self.telegram = telegram
        self.tracker = processor.tracker
        self.source = build_source(settings, telegram, self.tracker, store, clock)
        self.translations = load_translations(
            settings.currency,
            settings.zone,
            paying=settings.payment_rules,
            top_up=settings.top_up_ways,
            site=settings.provider_site,
        )
        texts_for = make_texts_for(self.translations, plan)
        messenger = TelegramMessenger(telegram.bot, texts_for, plan)
        pack_messenger = TelegramPackMessenger(telegram.bot, texts_for, plan)
        words = partial(vocabulary_of, self.translations)
        self.services = Services(settings, store, providers, messenger, pack_messenger, plan, clock, words)
        self._store = store
        self._clock_watch = clock_watch or ClockWatch(clock)
        self.health = health or Health(clock, self._clock_watch)
        self._web_app = web_app
        self._jobs = BackgroundJobs(DOWNLOADS_AT_ONCE)
        self._receiving: asyncio.Task[Never] | None = None
        self._watching: asyncio.Task[Never] | None = None

        dispatcher = Dispatcher(store, texts_for, clock, settings.allowed_users, self._jobs, self.tracker)
        handlers = build_handlers(settings, store, self.services, texts_for, plan, clock)
        add_handlers(telegram, dispatcher, handlers)
        drawing = handlers.calendars.drawing
        self._calendar_feed = CalendarFeed(self.services.due_calendars, drawing, telegram.bot, store, clock)
        self._greeter = Greeter(telegram.bot, store, texts_for, settings.allowed_users)
        watch_membership(telegram, store, clock, self.tracker, self._greeter)
        watch_migrations(telegram, store, self.tracker, self._greeter)
        telegram.add_error_handler(_log_failure)

    async def run(self, tick: float = 1.0) -> None:
        """Start, then work until cancelled. Raise :class:`StartError`, also once the bot's token is revoked."""
        await (await self.start(tick))

    async def start(self, tick: float) -> asyncio.Task[Never]:
        """Wait for Telegram as long as it takes, then receive updates and tick every ``tick`` seconds.

        Return the task that receives updates; it ends by :class:`StartError` only. Raise :class:`StartError`.
        """
        services = self.services
        await retry_forever(self.telegram.initialize)

        async def check_due() -> None:
            await services.checker.work_off(0.9 * tick)  # it has ended when the next one begins

        async def deliver_due() -> None:
            await services.alert_sender.work_off(0.9 * tick)

        ticks = (
            check_due,
            deliver_due,
            services.payments.tick,
            services.linking.tick,
            services.pack_sender.tick,
        )
        await self.telegram.start()
        self._watching = asyncio.create_task(self._watch_clock())
        self._receiving = asyncio.create_task(self.source.run())
        if self._web_app is not None:
            self._web_app.calendars = self._calendar_feed
            self._web_app.webhook = self.source if isinstance(self.source, Webhook) else None
        await publish_profile(self.telegram.bot, self.translations)  # people are answered meanwhile
        for work in ticks:
            repeat(self._queue, work, tick)
        self.health.watch(self._store, self.source, services.checker)
        log.info("bot is running", name=self.telegram.bot.username)
        return self._receiving

    async def stop(self) -> None:
        """Take no more updates, let work in progress end within :data:`GRACE_PERIOD`, cancel the rest, and disconnect.

        The next start resumes cancelled checks, alerts and payments from the store. Telegram sends the updates again,
        and with them requests such as downloads. If a download's update was already confirmed, its chat is told to ask
        again. A step that fails is logged and skips no later step.
        """
        log.info("bot is stopping")
        self.health.stop()
        end = asyncio.get_running_loop().time() + GRACE_PERIOD
        for step in (self._stop_receiving, self._finish_updates, self._cancel_updates, self._finish_work):
            await _survive(step(end))
        await _survive(self.source.finish())
        await _survive(self.telegram.bot.shutdown())

    async def _watch_clock(self) -> Never:
        """Notice when a clock was set, and let the ticks go on."""
        while True:
            self._clock_watch.look()
            catch_up(self._queue)
            await asyncio.sleep(LOOK_EVERY)

    async def _stop_receiving(self, _: float) -> None:
        self.tracker.close()
        self._greeter.stop()
        for task in (self._receiving, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _finish_updates(self, end: float) -> None:
        if self.telegram.running:
            for job in self._queue.jobs():
                job.schedule_removal()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self.telegram.stop()

    async def _cancel_updates(self, _: float) -> None:
        await self.telegram.update_processor.shutdown()
        self.tracker.cut_off()
        await self._queue.stop(wait=False)

    async def _finish_work(self, end: float) -> None:
        left = max(0.0, end - asyncio.get_running_loop().time())
        await asyncio.gather(self._jobs.finish(left), self.services.finish(left))

    @property
    def _queue(self) -> JobQueue[Any]:
        if self.telegram.job_queue is None:  # only without the extra job-queue
            raise StartError("python-telegram-bot is installed without its job queue. Install the pinned requirements.")
        return self.telegram.job_queue


@asynccontextmanager
async def assembled(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[InvoiceBot]:
    """Yield the bot, not yet started. At the end, stop it, and only then close what it uses.

    With a database it goes by the database's clock, unless it is given another one than the machine's. Raise
    :class:`StartError` if the store can't be opened.
    """
    async with AsyncExitStack() as stack:
        clock_watch = ClockWatch(clock, shared=settings.database_url is not None and clock is utc_now)
        clock = clock_watch.clock
        health = Health(clock, clock_watch)
        web_app = await stack.enter_async_context(_serving(settings, health, clock))
        store = await open_store(settings, clock, clock_watch.compare_with_database)
        stack.push_async_callback(store.close)
        with suppress(StoreAway):
            clock_watch.compare_with_stored(await store.newest_wait())
        verify = trusted_certificates()  # read once
        transport = make_transport(HTTP_CONNECTIONS, verify=verify)
        http = await stack.enter_async_context(open_http_client(transport=transport))
        providers = build_providers(settings, http, store, clock)
        telegram = build_telegram(settings, SharedRateLimiter(store, clock), verify)
        bot = InvoiceBot(settings, store, providers, telegram, clock, clock_watch, health, web_app)
        stack.push_async_callback(bot.stop)
        await stack.enter_async_context(beating(settings.heartbeat_url.get_secret_value(), health, http))
        yield bot


@asynccontextmanager
async def _serving(settings: Settings, health: Health, clock: Clock) -> AsyncIterator[WebApp | None]:
    """Serve health, metrics and the webhook while the context lasts, if the settings say where."""
    if settings.web_listen is None:
        yield None
        return
    from bot.metrics import Metrics
    from bot.web import WebApp, serve

    web_app = WebApp(health, Metrics(), clock)
    async with serve(web_app, settings.web_listen, settings.webhook_url, settings.public_url):
        watching = asyncio.create_task(watch_loop())
        try:
            yield web_app
        finally:
            watching.cancel()


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock = utc_now, tick: float = 1.0) -> AsyncIterator[InvoiceBot]:
    """Yield the bot, running while the context lasts. Raise :class:`StartError` if it can't start."""
    async with assembled(settings, clock) as bot:
        await bot.start(tick)
        yield bot


async def run(settings: Settings, clock: Clock = utc_now) -> None:
    """Run the bot until SIGINT or SIGTERM; a second signal ends the process at once. Raise :class:`StartError`."""
    loop = asyncio.get_running_loop()
    for name in SIGNALS:
        loop.add_signal_handler(name, _end_at_once)
    with no_full_collections():
        await _run(settings, clock)


async def _run(settings: Settings, clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    async with assembled(settings, clock) as bot:
        log.info("bot is starting", telegram=settings.telegram_api_url, provider=settings.provider_url)
        work = asyncio.create_task(bot.run())
        collecting = asyncio.create_task(Collector().run())

        def end() -> None:
            for name in SIGNALS:
                loop.remove_signal_handler(name)
            work.cancel()

        for name in SIGNALS:
            loop.add_signal_handler(name, end)
        with suppress(asyncio.CancelledError):
            await work
        collecting.cancel()


def _end_at_once() -> None:
    """End the process on a signal before the store is open: no work is lost, and a thread may wait for the database.

    Without a handler, process number 1 would not end at all. In a container without an init, that is this one.
    """
    log.info("bot is stopping")
    logs.flush()
    os._exit(0)


def configure_logs(settings: StoreSettings) -> None:
    """Set up logging, with the bot's own secrets masked."""
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    # An outage is logged when it begins and when it ends, not at every retry.
    stamina.instrumentation.set_on_retry_hooks([])


async def _log_failure(update: object, context: CallbackContext[Any, Any, Any, Any]) -> None:
    log.error("unexpected failure", update_id=getattr(update, "update_id", None), exc_info=context.error)


async def _survive(step: Awaitable[object]) -> None:
    try:
        await step
    except Exception:
        log.exception("part of the stop failed")
