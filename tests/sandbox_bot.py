"""Helpers for tests that talk to the real bot in the sandbox."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Message, Person

TOKEN = "sandbox-token-of-ada-0123456789"
TICK = 0.05
ROOT = Path(__file__).parent.parent


def says(*parts: str) -> Callable[[Message], bool]:
    return lambda message: all(part in message.text for part in parts)


async def ask(chat: Chat, person: Person, text: str, *parts: str) -> Message:
    """Send a message and wait for the bot's answer to it."""
    sent = person.send(chat, text)
    return await chat.wait_for(lambda m: m.sender is not person.user and all(p in m.text for p in parts), after=sent)


async def checked(chat: Chat, ask_for_it: Callable[[], object], words: str) -> Message:
    """What the bot answers when somebody asks for a check; in the sandbox one is often under way already."""
    while True:
        last = chat.messages[-1]
        ask_for_it()
        answer = await chat.wait_for(lambda m: words in m.text or "right now" in m.text, after=last)
        if words in answer.text:
            return answer


def environment_of(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """Return the environment of a bot that runs in a process of its own."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "PROVIDER_URL": sandbox.provider_url,
        "DATA_DIR": str(folder / "data"),
    }


@asynccontextmanager
async def process(sandbox: Sandbox, folder: Path, ahead: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot as a process. At the end, kill it without warning."""
    environment = environment_of(sandbox, folder) | {"LOG_LEVEL": "ERROR"}
    polls = len(sandbox.telegram.calls_of("getUpdates"))
    script = str(ROOT / "tests" / "killable_bot.py")
    started = await asyncio.create_subprocess_exec(sys.executable, script, str(ahead), env=environment, cwd=folder)
    try:
        await until(lambda: len(sandbox.telegram.calls_of("getUpdates")) > polls)
        yield started
    finally:
        started.kill()
        await started.wait()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(40):
        while not condition():  # noqa: ASYNC110  # the provider publishes no events
            await asyncio.sleep(0.01)
