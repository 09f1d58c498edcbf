"""``python -m bot demo``: the real bot, connected to the sandbox's two servers, and a page in the browser to use it."""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bot.application import configure_logs, running
from bot.sandbox.demo_world import DemoWorld, build_demo_world, operator_settings
from bot.sandbox.page.app import open_page
from bot.sandbox.sandbox import open_sandbox
from bot.sandbox.story import Story

TICK = 0.2
"""Seconds between two checks for due work. They are few, so that nobody waits in front of the page."""


def show_page(language: str, port: int | None, *, in_browser: bool) -> None:
    """Serve the page until Ctrl-C, and open it in a browser if wanted. Its user speaks this language.

    Raise :class:`bot.errors.StartError` if the given port is taken.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_show_page(language, port, in_browser=in_browser))


def tell_story(language: str) -> None:
    """Play the story on standard output. Raise :class:`bot.errors.StartError` if it gets stuck."""
    asyncio.run(_tell_story(language))


def has_browser(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Return whether a browser can be opened before the user's eyes: not in CI, from afar, or without a screen."""
    if any(environment.get(name) for name in ("CI", "SSH_CONNECTION", "SSH_TTY")):
        return False
    return platform in {"darwin", "win32"} or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@asynccontextmanager
async def running_demo() -> AsyncIterator[DemoWorld]:
    """Open a sandbox with people in it, and run the bot."""
    with TemporaryDirectory(prefix="invoice-bot-") as folder:
        async with open_sandbox() as sandbox:
            settings = sandbox.settings(Path(folder) / "data", log_level="ERROR", **operator_settings(sandbox))
            configure_logs(settings)
            demo = build_demo_world(sandbox)
            async with running(settings, clock=sandbox.clock, tick=TICK):
                yield demo


async def _show_page(language: str, port: int | None, *, in_browser: bool) -> None:
    async with running_demo() as demo, open_page(demo, port) as address:
        start = f"{address}/#{demo.speaker(language).user.username}"
        click.echo(f"The bot is running. Open {start}")
        click.echo("Nothing leaves this machine, and nothing is kept. Ctrl-C ends it.")
        if in_browser and has_browser(os.environ):
            await asyncio.to_thread(webbrowser.open, start)
        await asyncio.Event().wait()


async def _tell_story(language: str) -> None:
    async with running_demo() as demo:
        await Story(demo, demo.speaker(language), click.echo).tell()
