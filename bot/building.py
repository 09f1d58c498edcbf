"""Parts of the bot that settings decide on: what brings updates, and at which pace the provider is asked."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any, NamedTuple

import httpx
from telegram.ext import Application

from bot.chat.intake import Intake
from bot.chat.polling import Poller
from bot.chat.webhook import Webhook
from bot.pacing import Limit, Pace
from bot.ports import Clock, Store
from bot.provider.client import ProviderClient
from bot.services.roles import Role
from bot.settings import Settings

CHECKS_AT_ONCE = 50

Telegram = Application[Any, Any, Any, Any, Any, Any]

Source = Poller | Webhook
"""What brings the updates."""


class Providers(NamedTuple):
    """The provider's API, for what people wait for and for checks, which leave the others room in a shared limit."""

    for_people: ProviderClient
    for_checks: ProviderClient


def build_source(settings: Settings, telegram: Telegram, intake: Intake, store: Store, clock: Clock) -> Source:
    """The webhook if one is set, else long polling, on one replica at a time."""
    if settings.webhook_url:
        secret = settings.webhook_secret.get_secret_value()
        return Webhook(telegram.bot, intake, settings.webhook_url, secret, clock)
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    return Poller(telegram.bot, intake, Role("polling", holder, store, clock), clock)


def build_providers(settings: Settings, http: httpx.AsyncClient, store: Store, clock: Clock) -> Providers:
    """Clients on shared connections, each at the pace that ``PROVIDER_RATE`` leaves it."""

    def client(seconds: float) -> ProviderClient:
        rate = settings.provider_rate
        pace = Pace("provider", Limit(rate, max(1, round(rate * seconds))), store, clock) if rate else None
        return ProviderClient(http, settings.provider_url, settings.zone, clock=clock, pace=pace)

    return Providers(for_people=client(1), for_checks=client(0.5))


def checks_at_once(settings: Settings) -> int:
    """No more than the provider's limit lets through in some seconds: the others are better off unclaimed."""
    rate = settings.provider_rate
    return min(CHECKS_AT_ONCE, max(1, round(rate * 5))) if rate else CHECKS_AT_ONCE
