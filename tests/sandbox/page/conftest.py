"""The page in a real browser: headless Chromium, with the sandbox in the same process.

One browser serves all tests, so they share the event loop in which it was started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from telegram import Bot

from bot.application import running
from bot.sandbox.demo_world import DemoWorld, build_demo_world, operator_settings
from bot.sandbox.page.app import open_page
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN
from tests.programs import WITHOUT_CHROMIUM, chromium, without
from tests.sandbox.page.screen import Screen
from tests.sandbox_bot import TICK

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


expect.set_options(timeout=15_000)  # milliseconds; the machine may be busy

in_one_loop = partial(pytest_asyncio.fixture, loop_scope="session")


@in_one_loop(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium. Without one the tests are skipped; in CI they fail."""
    path = chromium()
    if path is None:
        without(WITHOUT_CHROMIUM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@in_one_loop()
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as opened:
        yield opened


@pytest.fixture
def demo(sandbox: Sandbox) -> DemoWorld:
    """Three people, their group and their account. No bot is running yet."""
    return build_demo_world(sandbox)


@in_one_loop()
async def address(demo: DemoWorld) -> AsyncIterator[str]:
    async with open_page(demo, 0) as address:
        yield address


@in_one_loop()
async def at_work(demo: DemoWorld, tmp_path: Path) -> AsyncIterator[None]:
    """Run the real bot."""
    settings = demo.sandbox.settings(tmp_path, **operator_settings(demo.sandbox))
    async with running(settings, clock=demo.sandbox.clock, tick=TICK):
        yield


@in_one_loop()
async def bot(demo: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    """A client for the Bot API, so that the test plays the bot."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # otherwise the library warns
    url = demo.sandbox.telegram_url
    async with Bot(BOT_TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot") as bot:
        yield bot


@in_one_loop()
async def screen(browser: Browser, address: str) -> AsyncIterator[Screen]:
    """The page on a wide screen, as Ada. At the end, the browser must have reported no error."""
    async with Screen.opened(browser, f"{address}/#ada") as screen:
        yield screen
