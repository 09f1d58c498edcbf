"""The whole sandbox: a provider and a Telegram on loopback, one clock, and the settings for a bot that uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox.clock import SandboxClock
from bot.sandbox.provider.app import BASE_PATH, SandboxProvider
from bot.sandbox.server import serve
from bot.sandbox.telegram import BOT_TOKEN, SandboxTelegram
from bot.settings import Settings, load_settings

MORNING = 10
"""An hour at which reminders are due and nobody has quiet hours."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Both servers and their addresses."""

    provider: SandboxProvider
    telegram: SandboxTelegram
    clock: SandboxClock
    provider_url: str
    telegram_url: str

    def settings(self, data_dir: Path, **others: Any) -> Settings:
        """Return settings for a bot in this sandbox. It ignores the environment and checks every second."""
        mine = {
            "telegram_bot_token": BOT_TOKEN,
            "telegram_api_url": self.telegram_url,
            "provider_url": self.provider_url,
            "data_dir": data_dir,
            "check_interval": 1,
        }
        return load_settings(_env_file=None, **(mine | others))


@asynccontextmanager
async def open_sandbox() -> AsyncIterator[Sandbox]:
    """Serve both while the context lasts. Their day begins at :data:`MORNING`, whatever the real time is."""
    clock = SandboxClock()
    provider, telegram = SandboxProvider(clock), SandboxTelegram(clock)
    clock.put_forward_to(MORNING, provider.zone)
    async with serve(provider.app) as provider_url, serve(telegram.app) as telegram_url:
        yield Sandbox(provider, telegram, clock, f"{provider_url}{BASE_PATH}", telegram_url)
