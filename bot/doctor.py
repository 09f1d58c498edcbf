"""Checks an operator can run before (or instead of) guessing: each line is OK, or says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.application import build_telegram, connect, open_embedded_store, utc_now
from bot.domain.chats import Token
from bot.errors import FolderInUse, PermissionMissing, ProviderError, StartError, TokenRefused
from bot.provider.client import ProviderClient, open_client
from bot.settings import Settings, load_settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``advice`` is empty where all is well."""

    what: str
    detail: str = ""
    advice: str = ""


async def examine() -> AsyncIterator[Finding]:
    """Check settings, key and store, Telegram, and the provider, in this order."""
    try:
        settings = load_settings()
    except StartError as error:
        yield Finding("Settings", advice=str(error))
        return
    yield _settings(settings)
    yield await _store(settings)
    yield await _telegram(settings)
    yield await _provider(settings)


def _settings(settings: Settings) -> Finding:
    url = urlsplit(settings.provider_url)
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        return Finding("Settings", advice="PROVIDER_URL is not encrypted: tokens can be read on the way. Use https.")
    return Finding("Settings", "all there")


async def _store(settings: Settings) -> Finding:
    if not (settings.data_dir / "store.json").exists():
        return Finding("Store and key", f"{settings.data_dir} is made at the first start")
    try:
        store = await asyncio.to_thread(open_embedded_store, settings)
    except FolderInUse:
        return Finding("Store and key", f"{settings.data_dir} is in use, most likely by the running bot")
    except StartError as error:
        return Finding("Store and key", advice=str(error))
    await store.close()
    return Finding("Store and key", f"{settings.data_dir} opens")


async def _telegram(settings: Settings) -> Finding:
    telegram = build_telegram(settings)
    try:
        return Finding("Telegram", f"@{await connect(telegram)}")
    except StartError as error:
        return Finding("Telegram", advice=str(error))
    finally:
        await telegram.shutdown()


async def _provider(settings: Settings) -> Finding:
    """Ask with a token that can't exist: an API that is there refuses it."""
    async with open_client(1) as http:
        client = ProviderClient(http, settings.provider_url, settings.zone, clock=utc_now)
        try:
            await client.list_invoices(Token("doctor-has-no-token"), "en")
        except (TokenRefused, PermissionMissing):
            return Finding("Provider", settings.provider_url)
        except ProviderError as error:
            return Finding(
                "Provider",
                advice=f"{settings.provider_url} does not answer as the invoice API does: {error}. Check PROVIDER_URL.",
            )
        return Finding("Provider", advice=f"{settings.provider_url} gives invoices to any token. Is it the right one?")
