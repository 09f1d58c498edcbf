"""A sandbox Telegram served over HTTP, python-telegram-bot's client for it, and one person with her chat."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from telegram import Bot

from bot.sandbox.clock import SandboxClock
from bot.sandbox.server import serve
from bot.sandbox.telegram import BOT_TOKEN, Chat, Person, SandboxTelegram


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock()


@pytest.fixture
def telegram(clock: SandboxClock) -> SandboxTelegram:
    return SandboxTelegram(clock)


@pytest.fixture
async def url(telegram: SandboxTelegram) -> AsyncIterator[str]:
    async with serve(telegram.app) as url:
        yield url


@pytest.fixture
async def bot(url: str) -> AsyncIterator[Bot]:
    async with Bot(BOT_TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot") as bot:
        yield bot


@pytest.fixture
def ada(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Ada", language_code="de")


@pytest.fixture
def chat(telegram: SandboxTelegram, ada: Person) -> Chat:
    return telegram.private_chat(ada)
