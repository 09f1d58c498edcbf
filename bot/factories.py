"""The bot's parts as the settings want them: store, Telegram, source of updates, provider, services and handlers."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx
import structlog
from telegram.ext import Application, ApplicationBuilder
from telegram.request import BaseRequest

from bot.chat.handlers.accounts import AccountHandlers
from bot.chat.handlers.answers import AnswerHandlers
from bot.chat.handlers.document_batches import DocumentBatchHandlers
from bot.chat.handlers.document_ticks import DocumentTickHandlers
from bot.chat.handlers.documents import DocumentHandlers
from bot.chat.handlers.due_calendar import CalendarDrawing, CalendarHandlers
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.jumping import JumpHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.packs import PackHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.handlers.searching import SearchHandlers
from bot.chat.handlers.selecting import SelectionHandlers
from bot.chat.handlers.services import ServiceHandlers
from bot.chat.handlers.settings import SettingsHandlers
from bot.chat.handlers.snoozing import SnoozeHandlers
from bot.chat.handlers.start import StartHandlers
from bot.chat.handlers.statistics import StatisticsHandlers
from bot.chat.handlers.together import TogetherHandlers
from bot.chat.handlers.topping_up import TopUpHandlers
from bot.chat.polling import Poller
from bot.chat.rate_limiter import SharedRateLimiter
from bot.chat.request import TelegramRequest, UpdatesRequest
from bot.chat.routing import Handlers
from bot.chat.strangers import strangers_in
from bot.chat.texts import TextsFor
from bot.chat.update_processor import InOrderPerChat
from bot.chat.update_tracker import UpdateTracker
from bot.chat.webhook import Webhook
from bot.domain.answers import Question
from bot.domain.schedule import CheckPlan
from bot.domain.search.conditions import Vocabulary
from bot.domain.selections import Purpose
from bot.files.calendars import write_calendar
from bot.files.csv_tables import write_texts
from bot.files.drawing import Drawing
from bot.files.names import safe_name
from bot.files.packs import DocumentSpool
from bot.files.workbooks import write_workbook
from bot.limiter import Limiter, RateLimit
from bot.ports import Clock, Messenger, PackMessenger, Store, TableWriters, utc_now
from bot.provider.archives import ProviderArchive
from bot.provider.client import ProviderClient
from bot.provider.direct_requests import DirectRequests
from bot.provider.einvoices import EInvoices
from bot.provider.space import TemporarySpace
from bot.provider.transport import make_transport, trusted_certificates
from bot.services.browsing import Browsing
from bot.services.checks import Checker
from bot.services.credit import Credits
from bot.services.delivery import AlertSender
from bot.services.document_batches import DocumentBatches
from bot.services.document_choice import DocumentChoice
from bot.services.documents import Documents
from bot.services.due_calendars import DueCalendars
from bot.services.leader_lease import LeaderLease
from bot.services.linking import Inviting, Linking
from bot.services.pack_documents import PackFiles, PackTools
from bot.services.packs import Packs, PackSender
from bot.services.payments.flow import Payments
from bot.services.reading import AccountReads
from bot.services.redrawing import Redrawing
from bot.services.searching import Searching
from bot.services.service_history import ServiceHistory
from bot.services.snoozing import Snoozing
from bot.services.statistics import StatisticsReader
from bot.services.tables import Tables
from bot.services.topping_up import ToppingUp
from bot.services.workers import Workers
from bot.settings import Settings, StoreSettings
from bot.store.tinydb.keyfile import load_or_make_key
from bot.store.tinydb.opening import open_store as open_folder
from bot.turns import Turn

log = structlog.get_logger()

CHECKS_AT_ONCE = 50
PAYMENTS_AT_ONCE = 50
SENDS_AT_ONCE = 25
PACKS_AT_ONCE = 2
"""Each reads one document after the other, and takes twice the size of a part of the temporary folder."""
BURSTS_FOR_PEOPLE = {Turn.OTHER: 0.25}
BURSTS_FOR_CHECKS = dict.fromkeys(Turn, 0.5)
BURSTS_FOR_PACKS = dict.fromkeys(Turn, 0.25)
"""Seconds of ``PROVIDER_RATE``. Those who go first have one."""
HTTP_CONNECTIONS = 100
"""To Telegram, and to the provider: checks and downloads together leave some for answers and payments."""

Telegram = Application[Any, Any, Any, Any, Any, Any]

UpdateSource = Poller | Webhook


class Providers(NamedTuple):
    """Clients of the provider's API: for people who wait, and for checks, which leave them room in the shared limit.

    Packs leave room to both. ``space`` is what all downloads share.
    """

    for_people: ProviderClient
    for_checks: ProviderClient
    for_packs: ProviderClient
    space: TemporarySpace


class Services:
    """The use cases on one store, provider, messenger and clock, and the workers in which they run.

    ``vocabulary`` returns the words that mean something to the search.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        providers: Providers,
        messenger: Messenger,
        pack_messenger: PackMessenger,
        plan: CheckPlan,
        clock: Clock,
        vocabulary: Callable[[], Vocabulary],
    ) -> None:
        provider, rules = providers.for_people, settings.payment_rules
        self.check_workers = Workers(checks_at_once(settings))
        self.send_workers = Workers(SENDS_AT_ONCE)
        self.payment_workers = Workers(PAYMENTS_AT_ONCE)
        redrawing = Redrawing(store, messenger)
        self.checker = Checker(store, providers.for_checks, clock, plan, self.check_workers, redrawing=redrawing)
        self.credits = Credits(provider, store, clock)
        self.alert_sender = AlertSender(store, store, messenger, clock, plan, self.send_workers)
        einvoices = EInvoices()
        self.payments = Payments(
            store, provider, messenger, clock, plan, self.payment_workers, rules=rules, einvoices=einvoices
        )
        self.linking = Linking(store, provider, clock, plan, base_url=settings.provider_url)
        self.inviting = Inviting(store, self.linking, clock)
        reads = AccountReads(provider, store, clock)
        self.browsing = Browsing(reads)
        self.searching = Searching(self.browsing, store, clock, vocabulary, settings.zone)
        self.documents = Documents(reads, store, einvoices)
        self.batches = DocumentBatches(self.documents, store, clock)
        self.pack_workers = Workers(PACKS_AT_ONCE)
        pack_reads = AccountReads(providers.for_packs, store, clock)
        pack_tools = PackTools(
            pack_reads,
            Tables(pack_reads, TableWriters(write_workbook, write_texts), settings.zone),
            pack_messenger,
            PackFiles(DocumentSpool, ProviderArchive, safe_name, providers.space),
            clock,
        )
        self.pack_sender = PackSender(store, store, pack_tools, plan, self.pack_workers)
        self.packs = Packs(store, self.pack_sender, clock)
        self.due_calendars = DueCalendars(store, plan, clock, settings.public_url)
        self.statistics = StatisticsReader(reads, clock, settings.zone)
        self.snoozing = Snoozing(store, clock, plan)
        self.service_history = ServiceHistory(self.browsing, store, clock)
        self.topping_up = ToppingUp(self.browsing, self.credits, store, clock)

    async def finish(self, within: float) -> None:
        """Wait until all work in progress has ended; after ``within`` seconds, cancel the rest."""
        workers = (self.check_workers, self.send_workers, self.payment_workers, self.pack_workers)
        await asyncio.gather(*(each.finish(within) for each in workers))


def build_handlers(
    settings: Settings, store: Store, services: Services, texts_for: TextsFor, plan: CheckPlan, clock: Clock
) -> Handlers:
    """Return all handlers, each with the services that it calls."""
    groups = GroupHandlers(store, services.inviting, services.linking, texts_for, clock, settings.allowed_users)
    invoices = InvoiceHandlers(store, services.browsing, services.credits, services.snoozing, clock)
    linking = LinkHandlers(services.linking, groups, invoices, store, clock)
    topping_up = TopUpHandlers(services.topping_up, clock)
    of_services = ServiceHandlers(services.service_history)
    accounts = AccountHandlers(store, services.linking, services.browsing)
    documents = DocumentHandlers(services.documents, services.browsing, plan, clock)
    packs = PackHandlers(store, services.packs, services.searching, documents.archive, clock)
    takes = {
        Question.PERIOD: packs.take_period,
        Question.REFERENCE: topping_up.take_reference,
        Question.NAME: of_services.take_name,
        Question.ACCOUNT: accounts.take_name,
    }
    drawing = CalendarDrawing(services.due_calendars, write_calendar, texts_for, plan)
    searching = SearchHandlers(store, services.searching, invoices, clock)
    payments = PaymentHandlers(services.payments, store, store, services.credits, clock)
    selecting = services.payments.selecting
    batches = DocumentBatchHandlers(services.batches, services.searching, documents)
    ticks = DocumentTickHandlers(DocumentChoice(services.searching, selecting), selecting, batches, store, clock)
    texts = linking.expecting_token(searching.text)
    return Handlers(
        accounts=accounts,
        answers=AnswerHandlers(takes, texts, services.payments, services.linking, clock),
        start=StartHandlers(store, linking, invoices, accounts.located("invoice", "show"), clock),
        general=GeneralHandlers(store, services.checker, services.credits, clock),
        invoices=invoices,
        together=TogetherHandlers(store, services.browsing, invoices, clock),
        searching=searching,
        jumping=JumpHandlers(store, services.searching),
        documents=documents,
        statistics=StatisticsHandlers(services.statistics, Drawing().draw),
        calendars=CalendarHandlers(services.due_calendars, drawing),
        batches=batches,
        document_ticks=ticks,
        packs=packs,
        linking=linking,
        groups=groups,
        payments=payments,
        selections=SelectionHandlers(selecting, {Purpose.PAY: payments, Purpose.PDF: ticks}, clock),
        snoozing=SnoozeHandlers(services.snoozing, clock),
        settings=SettingsHandlers(store, plan, clock),
        topping_up=topping_up,
        services=of_services,
    )


def build_plan(settings: Settings) -> CheckPlan:
    """Return when chats are checked and reminded, where they have not chosen for themselves."""
    interval = timedelta(seconds=settings.check_interval)
    return CheckPlan(
        interval,
        settings.zone,
        settings.preferences,
        settings.is_banking_day,
        settings.provider_calendar,
        settings.currency,
        settings.allowed_users,
        settings.check_rules,
    )


def build_source(
    settings: Settings, telegram: Telegram, tracker: UpdateTracker, store: Store, clock: Clock
) -> UpdateSource:
    """Return the webhook if one is set, else long polling, which one replica does at a time."""
    if settings.webhook_url:
        secret = settings.webhook_secret.get_secret_value()
        url = settings.webhook_url
        return Webhook(telegram.bot, tracker, url, secret, clock, strangers_among=strangers_in(store))
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    lease = LeaderLease("polling", holder, store, clock)
    return Poller(telegram.bot, tracker, lease, clock, strangers_among=strangers_in(store))


def build_providers(settings: Settings, http: httpx.AsyncClient, store: Store, clock: Clock) -> Providers:
    """Return clients on shared connections. Of ``PROVIDER_RATE``, checks leave something to people who wait.

    Who floods, or is a stranger, leaves something to the checks.
    """
    space = TemporarySpace()

    def client(seconds: Mapping[Turn, float]) -> ProviderClient:
        rate = settings.provider_rate
        limiter = Limiter("provider", provider_limit(rate, seconds), store, clock) if rate else None
        return ProviderClient(http, settings.provider_url, settings.zone, clock=clock, limiter=limiter, space=space)

    return Providers(client(BURSTS_FOR_PEOPLE), client(BURSTS_FOR_CHECKS), client(BURSTS_FOR_PACKS), space)


def provider_limit(rate: float, seconds: Mapping[Turn, float]) -> RateLimit:
    """Return a limit with a burst of one second, and less for some."""
    bursts = {turn: max(1, round(rate * part)) for turn, part in seconds.items()}
    return RateLimit(rate, max(1, round(rate)), bursts)


def checks_at_once(settings: Settings) -> int:
    """Return how many checks run at once: no more than ``PROVIDER_RATE`` allows in five seconds."""
    rate = settings.provider_rate
    return min(CHECKS_AT_ONCE, max(1, round(rate * 5))) if rate else CHECKS_AT_ONCE


def open_embedded_store(settings: StoreSettings, clock: Clock = utc_now) -> Store:
    """Open the store in ``DATA_DIR``, sealed with ``TOKEN_KEYS`` or the folder's key. Raise :class:`StartError`."""
    keys = tuple(key.get_secret_value() for key in settings.token_keys)
    if not keys:
        keys, made = load_or_make_key(settings.data_dir)
        if made:
            log.warning(
                "made a key file",
                file=str(settings.data_dir / "token.key"),
                meaning="It seals the tokens. With this file and the data, anybody can read them; without it, nobody "
                "can. So keep a copy of it apart from the data, or set TOKEN_KEYS.",
            )
    return open_folder(settings.data_dir, keys, clock)


async def open_store(
    settings: StoreSettings, clock: Clock = utc_now, on_time: Callable[[datetime], None] = lambda _: None
) -> Store:
    """Open the store that the settings name. Wait while a database is away. Raise :class:`StartError`.

    A database's clock is passed to ``on_time`` now and then, the first time before this returns.
    """
    if settings.database_url is None:
        # Not in a thread: nothing else runs yet, and a thread would go on after a signal has ended the start.
        return open_embedded_store(settings, clock)
    from bot.store.postgres.opening import open_store as open_postgres  # takes time and memory that a folder needs not

    return await open_postgres(
        settings.database_url.get_secret_value(),
        [key.get_secret_value() for key in settings.token_keys],
        connections=settings.database_connections,
        timeout=settings.database_timeout,
        clock=clock,
        on_time=on_time,
    )


def build_telegram(
    settings: Settings, limits: SharedRateLimiter | None = None, verify: ssl.SSLContext | None = None
) -> Telegram:
    """Return python-telegram-bot's application, on the faster transport. It connects when it is initialized.

    It has no updater: updates come from an :data:`UpdateSource`. Without ``limits`` it never waits before a request.
    ``verify`` as in :func:`bot.provider.transport.make_transport`.
    """
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # to get waits as timedelta; without it, the library warns of each
    processor = InOrderPerChat(UpdateTracker(asyncio.Queue()))
    verify = verify or trusted_certificates()
    transport = make_transport(
        HTTP_CONNECTIONS, always_rest=True, verify=verify
    )  # each request may be about another chat
    root = settings.telegram_api_url
    builder = ApplicationBuilder().rate_limiter(limits) if limits else ApplicationBuilder()
    requests, polls = (
        DirectRequests(each, BaseRequest.USER_AGENT) for each in (transport, make_transport(1, verify=verify))
    )
    telegram: Telegram = (
        builder.token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .request(TelegramRequest(requests, read_timeout=20))
        .get_updates_request(UpdatesRequest(polls, read_timeout=10))
        .updater(None)
        .update_queue(processor.tracker.queue)
        .concurrent_updates(processor)
        .build()
    )
    processor.handle = telegram.process_update
    return telegram
