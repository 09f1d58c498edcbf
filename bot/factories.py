"""Parts of the bot that settings decide on: the store, Telegram, what brings updates, the provider and its pace."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any, NamedTuple

import httpx
import structlog
from telegram.ext import Application, ApplicationBuilder

from bot.chat.dispatch import InOrderPerChat
from bot.chat.polling import Poller
from bot.chat.rate_limiter import SharedRateLimiter
from bot.chat.request import TelegramRequest, UpdatesRequest
from bot.chat.update_tracker import UpdateTracker
from bot.chat.webhook import Webhook
from bot.limiter import Limiter, RateLimit
from bot.ports import Clock, Store
from bot.provider.client import ProviderClient
from bot.provider.transport import make_transport
from bot.services.leader_lease import LeaderLease
from bot.settings import Settings
from bot.store.postgres.backend import open_store as open_postgres
from bot.store.tinydb.keyfile import load_or_make_key
from bot.store.tinydb.opening import open_store as open_folder

log = structlog.get_logger()

CHECKS_AT_ONCE = 50
HTTP_CONNECTIONS = 100
"""To Telegram, and to the provider: checks and downloads together leave some for answers and payments."""

Telegram = Application[Any, Any, Any, Any, Any, Any]

UpdateSource = Poller | Webhook
"""What brings the updates."""


class Providers(NamedTuple):
    """The provider's API, for what people wait for and for checks, which leave the others room in a shared limit."""

    for_people: ProviderClient
    for_checks: ProviderClient


def build_source(
    settings: Settings, telegram: Telegram, tracker: UpdateTracker, store: Store, clock: Clock
) -> UpdateSource:
    """The webhook if one is set, else long polling, on one replica at a time."""
    if settings.webhook_url:
        secret = settings.webhook_secret.get_secret_value()
        return Webhook(telegram.bot, tracker, settings.webhook_url, secret, clock)
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    return Poller(telegram.bot, tracker, LeaderLease("polling", holder, store, clock), clock)


def build_providers(settings: Settings, http: httpx.AsyncClient, store: Store, clock: Clock) -> Providers:
    """Clients on shared connections, each at the pace that ``PROVIDER_RATE`` leaves it."""

    def client(seconds: float) -> ProviderClient:
        rate = settings.provider_rate
        limiter = Limiter("provider", RateLimit(rate, max(1, round(rate * seconds))), store, clock) if rate else None
        return ProviderClient(http, settings.provider_url, settings.zone, clock=clock, limiter=limiter)

    return Providers(for_people=client(1), for_checks=client(0.5))


def checks_at_once(settings: Settings) -> int:
    """No more than the provider's limit lets through in some seconds: the others are better off unclaimed."""
    rate = settings.provider_rate
    return min(CHECKS_AT_ONCE, max(1, round(rate * 5))) if rate else CHECKS_AT_ONCE


def open_embedded_store(settings: Settings) -> Store:
    """The store in ``DATA_DIR``, sealed with ``TOKEN_KEYS`` or the folder's own key. Raises :class:`StartError`."""
    keys = tuple(key.get_secret_value() for key in settings.token_keys)
    if not keys:
        keys, made = load_or_make_key(settings.data_dir)
        if made:
            log.warning(
                "made a key file",
                file=str(settings.data_dir / "token.key"),
                meaning="It seals the tokens. Whoever has this file and the data can read them, and without it nobody "
                "can: keep a copy of it apart from the data, or set TOKEN_KEYS.",
            )
    return open_folder(settings.data_dir, keys)


async def open_store(settings: Settings) -> Store:
    """The store that the settings name. Raises :class:`StartError`; a database that is away is waited for."""
    if settings.database_url is None:
        # Not in a thread: nothing else runs yet, and a thread would go on where a signal has ended the start.
        return open_embedded_store(settings)
    return await open_postgres(
        settings.database_url.get_secret_value(),
        [key.get_secret_value() for key in settings.token_keys],
        connections=settings.database_connections,
        timeout=settings.database_timeout,
    )


def build_telegram(settings: Settings, limits: SharedRateLimiter | None = None) -> Telegram:
    """python-telegram-bot's application, on the faster transport; it connects when it is initialized.

    It has no updater: updates come from a :data:`UpdateSource`. ``limits`` None: it asks without waiting.
    """
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # its waits as timedelta; without, it warns of each
    root = settings.telegram_api_url
    builder = ApplicationBuilder().rate_limiter(limits) if limits else ApplicationBuilder()
    return (
        builder.token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .request(TelegramRequest(make_transport(HTTP_CONNECTIONS), HTTP_CONNECTIONS, read_timeout=20))
        .get_updates_request(UpdatesRequest(make_transport(1), 1, read_timeout=10))
        .updater(None)
        .concurrent_updates(InOrderPerChat())
        .build()
    )
