"""A Telegram on loopback with one person in it, a store on disk, a provider in memory, and the bot between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from telegram import Bot

from bot.application import InvoiceBot
from bot.factories import build_telegram
from bot.sandbox.server import serve
from bot.sandbox.telegram import BOT_TOKEN, Chat, Person, SandboxTelegram
from bot.settings import Settings, load_settings
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.chat.fakes import FakeProvider, Time, fake_providers

NEVER = 86_400.0
"""Seconds between two ticks. No test here is about the regular background work."""


@pytest.fixture(scope="session", autouse=True)
def _one_tls_context() -> Iterator[None]:
    """Share one TLS context. Nothing here uses TLS, and each bot would read all certificates, which is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def telegram(time: Time) -> SandboxTelegram:
    return SandboxTelegram(time)


@pytest.fixture
async def url(telegram: SandboxTelegram) -> AsyncIterator[str]:
    async with serve(telegram.app) as url:
        yield url


@pytest.fixture
def ada(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Ada", language_code="en")


@pytest.fixture
def chat(telegram: SandboxTelegram, ada: Person) -> Chat:
    return telegram.private_chat(ada)


@pytest.fixture
def allowed_users() -> str:
    """The setting: empty allows everybody."""
    return ""


@pytest.fixture
def settings(url: str, tmp_path: Path, allowed_users: str) -> Settings:
    return load_settings(
        _env_file=None,
        telegram_bot_token=BOT_TOKEN,
        telegram_api_url=url,
        provider_url="http://127.0.0.1:9/api",
        data_dir=tmp_path / "data",
        allowed_users=allowed_users or None,
    )


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    store = open_store(settings.data_dir, [new_key()])
    yield store
    await store.close()


@pytest.fixture
async def bot(settings: Settings) -> AsyncIterator[Bot]:
    """Only the library's bot, with the application's own transport."""
    async with build_telegram(settings).bot as bot:
        yield bot


@pytest.fixture
async def invoice_bot(
    settings: Settings, store: Store, provider: FakeProvider, time: Time
) -> AsyncIterator[InvoiceBot]:
    """The whole bot as the application wires it, polling."""
    bot = InvoiceBot(settings, store, fake_providers(provider), build_telegram(settings), time)
    await bot.start(NEVER)
    yield bot
    await bot.stop()
