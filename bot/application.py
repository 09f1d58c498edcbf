"""The composition root: the one place that builds the bot's parts and wires them, starts them and stops them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Never

import stamina
import structlog
from telegram.ext import CallbackContext, JobQueue

from bot import logs
from bot.chat.background_jobs import BackgroundJobs
from bot.chat.dispatch import Dispatcher, InOrderPerChat
from bot.chat.handlers.export import ExportHandlers
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.payment_selection import PaymentSelectionHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.handlers.settings import SettingsHandlers
from bot.chat.handlers.snoozing import SnoozeHandlers
from bot.chat.messenger import TelegramMessenger
from bot.chat.polling import initialize_patiently
from bot.chat.rate_limiter import SharedRateLimiter
from bot.chat.routing import Handlers, add_handlers, publish_menu, watch_membership
from bot.chat.texts import Translations, load_translations, make_texts_for
from bot.chat.update_tracker import UpdateTracker
from bot.chat.webhook import Webhook
from bot.domain.schedule import CheckPlan
from bot.errors import StartError, StoreAway
from bot.factories import (
    HTTP_CONNECTIONS,
    Telegram,
    build_providers,
    build_source,
    build_telegram,
    checks_at_once,
    open_store,
)
from bot.health import Health
from bot.metrics import Metrics
from bot.ports import Clock, Store, utc_now
from bot.provider.client import ProviderClient, open_client
from bot.services.browsing import Browsing
from bot.services.checks import Checker
from bot.services.delivery import AlertSender
from bot.services.inviting import Inviting
from bot.services.linking import Linking
from bot.services.payments.flow import Payments
from bot.services.payments.selection import PaymentSelection
from bot.services.snoozing import Snoozing
from bot.services.workers import Workers
from bot.settings import Settings
from bot.web import WebApp, shown

log = structlog.get_logger()

PAYMENTS_AT_ONCE = 50
SENDS_AT_ONCE = 25
DOWNLOADS_AT_ONCE = 25
GRACE_PERIOD = 20.0
"""Seconds that all work in hand together has to end when the bot stops.

:data:`bot.chat.background_jobs.CUT_OFF_TIMEOUT` and :data:`bot.chat.polling.FINAL_CONFIRM_TIMEOUT` come on top of it.
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InvoiceBot:
    """The bot's parts, wired. :func:`running` starts and stops it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        provider: ProviderClient,
        telegram: Telegram,
        clock: Clock,
        web_app: WebApp | None = None,
        check_provider: ProviderClient | None = None,
    ) -> None:
        self.telegram = telegram
        rules = settings.payment_rules
        self.translations: Translations = load_translations(settings.currency, settings.zone, payments=rules.on)
        self._web_app = web_app or WebApp(Health(clock), Metrics(), clock)
        self._store = store
        self._bringing: asyncio.Task[Never] | None = None
        self.tracker = UpdateTracker(telegram.update_queue)
        processor = _processor_of(telegram)
        processor.tell(self.tracker.set_aside, self.tracker.end)
        self.source = build_source(settings, telegram, self.tracker, store, clock)
        self._plan = CheckPlan(
            timedelta(seconds=settings.check_interval), settings.zone, settings.preferences, settings.is_banking_day
        )
        self._workers = [Workers(checks_at_once(settings)), Workers(SENDS_AT_ONCE), Workers(PAYMENTS_AT_ONCE)]
        self._jobs = BackgroundJobs(DOWNLOADS_AT_ONCE)
        texts_for = make_texts_for(self.translations, self._plan)
        messenger = TelegramMessenger(telegram.bot, texts_for, self._plan)
        checks, sends, payments = self._workers
        self._checker = Checker(store, check_provider or provider, clock, self._plan, checks)
        self._alert_sender = AlertSender(store, store, messenger, clock, self._plan, sends)
        self._payments = Payments(store, provider, messenger, clock, self._plan, payments, rules=rules)
        linking = Linking(store, provider, clock, self._plan, base_url=settings.provider_url)
        snoozing = Snoozing(store, clock, self._plan)
        groups = GroupHandlers(store, Inviting(store, linking, clock), texts_for, clock, settings.allowed_users)
        payment_selection = PaymentSelection(store, provider, self._payments, clock)
        add_handlers(
            telegram,
            Dispatcher(
                store,
                texts_for,
                clock,
                settings.allowed_users,
                self._jobs,
                processor.wait_for,
                self.tracker.was_confirmed_early,
            ),
            Handlers(
                general=GeneralHandlers(store, self._checker, texts_for, clock),
                invoices=InvoiceHandlers(Browsing(provider), snoozing, clock),
                linking=LinkHandlers(linking, groups, clock),
                groups=groups,
                payments=PaymentHandlers(self._payments, store, clock),
                payment_selection=PaymentSelectionHandlers(payment_selection, clock),
                snoozing=SnoozeHandlers(snoozing, clock),
                settings=SettingsHandlers(store, texts_for, self._plan, clock),
                export=ExportHandlers(store),
            ),
        )
        watch_membership(telegram, store, clock, processor.give_back)
        telegram.add_error_handler(_log_failure)

    async def run(self, tick: float = 1.0) -> None:
        """Start, then work until cancelled. Raises :class:`StartError`, also where the bot's token is revoked."""
        await (await self.start(tick))

    async def start(self, tick: float) -> asyncio.Task[Never]:
        """Wait for Telegram as long as it takes, then begin to take updates and to tick every ``tick`` seconds.

        Gives the task that brings the updates, which ends by :class:`StartError` only. Raises that too.
        """
        bot = self.telegram.bot
        await initialize_patiently(self.telegram)
        await publish_menu(bot, self.translations)
        for work in (self._checker.tick, self._alert_sender.tick, self._payments.tick):
            self._repeat(work, tick)
        await self.telegram.start()
        self._bringing = asyncio.create_task(self.source.run())
        self._web_app.health.watch(self._store, self.source, self._checker)
        self._web_app.webhook = self.source if isinstance(self.source, Webhook) else None
        log.info("bot is running", name=bot.username)
        return self._bringing

    async def stop(self) -> None:
        """Take no more updates, let what is in hand end within :data:`GRACE_PERIOD`, cancel the rest, and disconnect.

        Checks, alerts and payments that were cancelled are taken up again from the store, and updates (with them what
        was asked for, such as downloads) come again, at the next start. Who waits for a download whose update was
        confirmed already is told to ask again. A step that fails is logged, and skips none.
        """
        log.info("bot is stopping")
        self._web_app.health.stop()
        end = asyncio.get_running_loop().time() + GRACE_PERIOD
        for step in (self._take_no_more, self._finish_updates, self._cancel_updates, self._finish_work):
            await _survive(step(end))
        await _survive(self.source.finish())
        await _survive(self.telegram.bot.shutdown())

    async def _take_no_more(self, _: float) -> None:
        self.tracker.close()
        if self._bringing is not None:
            self._bringing.cancel()
            await asyncio.gather(self._bringing, return_exceptions=True)

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
        await asyncio.gather(self._jobs.finish(left), *(workers.finish(left) for workers in self._workers))

    @property
    def _queue(self) -> JobQueue[Any]:
        if self.telegram.job_queue is None:  # only without the extra job-queue
            raise StartError("python-telegram-bot is installed without its job queue. Install the pinned requirements.")
        return self.telegram.job_queue

    def _repeat(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        """Call ``work`` on a UTC interval; a late or slow call is made up for by the next, never dropped or doubled."""

        async def call(_: CallbackContext[Any, Any, Any, Any]) -> None:
            with suppress(StoreAway):  # it has logged that; a later tick finds the same work
                await work()

        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._queue.run_repeating(call, every, first=0, name=work.__qualname__, job_kwargs=options)


@asynccontextmanager
async def assembled(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[InvoiceBot]:
    """The bot, not yet started. It is stopped at the end, and only then what it stands on is closed.

    Raises :class:`StartError` where the store can't be opened.
    """
    async with AsyncExitStack() as stack:
        web_app = WebApp(Health(clock), Metrics(), clock)
        if settings.web_listen:
            await stack.enter_async_context(shown(web_app, settings.web_listen, settings.webhook_url))
        store = await open_store(settings)
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(open_client(HTTP_CONNECTIONS))
        for_people, for_checks = build_providers(settings, http, store, clock)
        telegram = build_telegram(settings, SharedRateLimiter(store, clock))
        bot = InvoiceBot(settings, store, for_people, telegram, clock, web_app, for_checks)
        stack.push_async_callback(bot.stop)
        yield bot


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock = utc_now, tick: float = 1.0) -> AsyncIterator[InvoiceBot]:
    """The bot, running while the context lasts. Raises :class:`StartError` where it can't be started."""
    async with assembled(settings, clock) as bot:
        await bot.start(tick)
        yield bot


async def run(settings: Settings, clock: Clock = utc_now) -> None:
    """Run the bot until SIGINT or SIGTERM; a second signal ends the process at once. Raises :class:`StartError`."""
    loop = asyncio.get_running_loop()
    for name in SIGNALS:
        loop.add_signal_handler(name, _end_at_once)
    async with assembled(settings, clock) as bot:
        log.info("bot is starting", telegram=settings.telegram_api_url, provider=settings.provider_url)
        work = asyncio.create_task(bot.run())

        def end() -> None:
            for name in SIGNALS:
                loop.remove_signal_handler(name)
            work.cancel()

        for name in SIGNALS:
            loop.add_signal_handler(name, end)
        with suppress(asyncio.CancelledError):
            await work


def _end_at_once() -> None:
    """For a signal before the store is open: nothing is in hand, and a thread may be waiting for the database.

    Without a handler the process with the number 1, which it is in a container without an init, would not end at all.
    """
    log.info("bot is stopping")
    os._exit(0)


def configure_logs(settings: Settings) -> None:
    """Set logging up, with the bot's own secrets masked."""
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    # An outage is logged when it begins and when it ends, not at every try.
    stamina.instrumentation.set_on_retry_hooks([])


def _processor_of(telegram: Telegram) -> InOrderPerChat:
    processor = telegram.update_processor
    assert isinstance(processor, InOrderPerChat)  # noqa: S101  # build_telegram has said so
    return processor


async def _log_failure(update: object, context: CallbackContext[Any, Any, Any, Any]) -> None:
    error = context.error
    log.error("unexpected failure", update_id=getattr(update, "update_id", None), exc_info=error)


async def _survive(step: Awaitable[object]) -> None:
    try:
        await step
    except Exception:
        log.exception("stopping failed in part")
