"""What an answer costs: processor time of the whole bot, beside echo bots on the common libraries.

    python -m benchmarks.answers [PYTHON WITH AIOGRAM]

Each bot is a process of its own, over real HTTP, against the same stand-in for Telegram, whose work does not count. All
of them get the same bursts of messages from many chats, in turns. What a process costs at rest is measured by itself,
and taken off.

The bot runs on its embedded store, with its real handlers. Only its limit of 25 messages a second is lifted: the echoes
have none, and would be measured in larger bursts.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.figures import Figure, show
from benchmarks.start import fill
from benchmarks.telegram_stand_in import Message, TelegramStandIn, telegram_stand_in
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key

ROOT = Path(__file__).parents[1]
AIOGRAM_PYTHON = ROOT / ".venv-tools" / "bin" / "python"
"""`make conformance` sets it up."""

CHATS = 200
BURST = 50
"""Messages that come at once, each from another chat."""
BURSTS = 2
ROUNDS = 12
WARM_UP = 2
REST = 4.0
"""Seconds in which nothing is asked."""

BASE = "echo of aiogram"
AIOGRAM = """
import asyncio, sys
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

root, token = sys.argv[1:]
dispatcher = Dispatcher()

@dispatcher.message(F.text)
async def echo(message):
    await message.answer(message.text)

session = AiohttpSession(api=TelegramAPIServer.from_base(root))
asyncio.run(dispatcher.start_polling(Bot(token, session=session), handle_signals=False))
"""
LIBRARY = """
import sys
from telegram.ext import ApplicationBuilder, MessageHandler, filters
from telegram.request import HTTPXRequest
from bot.provider.transport import make_transport

async def echo(update, context):
    await update.message.reply_text(update.message.text)

root, token, transport = sys.argv[1:]
builder = ApplicationBuilder().token(token).base_url(root + "/bot").concurrent_updates(True)
if transport == "aiohttp":
    own = [HTTPXRequest(n, httpx_kwargs={"transport": make_transport(n)}) for n in (256, 1)]
    builder = builder.request(own[0]).get_updates_request(own[1])
application = builder.build()
application.add_handler(MessageHandler(filters.TEXT, echo))
application.run_polling()
"""
OURS = """
from bot.chat import rate_limiter
rate_limiter.GLOBAL_LIMIT = rate_limiter.RateLimit(rate=1e6, burst=1000)
from bot.__main__ import main
main(["run"])
"""

LINKED, STRANGERS = range(1, 1 + CHATS), range(10_001, 10_001 + CHATS)
QUESTIONS: Mapping[str, Sequence[Message]] = {
    "/help": [Message(chat, "/help") for chat in LINKED],
    "/status": [Message(chat, "/status") for chat in LINKED],
    "a stranger's word": [Message(chat, "hello") for chat in STRANGERS],
}
ECHOED = [Message(chat, "hello") for chat in LINKED]


class Asked(NamedTuple):
    """A running bot, and what it is asked, again and again."""

    process: int
    telegram: TelegramStandIn
    questions: Iterator[Message]


def measure(aiogram_python: Path = AIOGRAM_PYTHON) -> list[Figure]:
    """Return the milliseconds of a core that an answer takes, beside aiogram's echo."""
    taken = asyncio.run(_measured(aiogram_python))
    base = taken.pop(BASE)
    return [Figure(f"answer: {name}", name, "ms", tuple(each), tuple(base), BASE) for name, each in taken.items()]


async def _measured(aiogram_python: Path) -> dict[str, list[float]]:
    """Return the milliseconds that an answer took in each round, by what was asked of whom."""
    async with AsyncExitStack() as stack:
        bots = {
            BASE: await stack.enter_async_context(_echo(aiogram_python, AIOGRAM)),
            "echo of python-telegram-bot": await stack.enter_async_context(_echo(sys.executable, LIBRARY, "own")),
            "the same over aiohttp": await stack.enter_async_context(_echo(sys.executable, LIBRARY, "aiohttp")),
        }
        process, telegram = await stack.enter_async_context(_ours())
        bots |= {name: Asked(process, telegram, cycle(asked)) for name, asked in QUESTIONS.items()}
        for asked in bots.values():
            for _ in range(WARM_UP):
                await _answer(asked, 0.0)
        processes = {asked.process for asked in bots.values()}
        rests = dict(zip(processes, await asyncio.gather(*map(_rest, processes)), strict=True))
        taken: dict[str, list[float]] = {name: [] for name in bots}
        for _ in range(ROUNDS):
            for name, asked in bots.items():
                taken[name].append(1000 * await _answer(asked, rests[asked.process]))
        return taken


def processor_seconds(process: int) -> float:
    """Return the processor time of a process so far, as exactly as Linux knows it."""
    return time.clock_gettime(~process << 3 | 2)  # clock_getcpuclockid(3), which Python lacks


async def _answer(asked: Asked, at_rest: float) -> float:
    """Return the seconds of a core that an answer takes beyond the ``at_rest`` of each second."""
    began, worked = time.monotonic(), processor_seconds(asked.process)
    for _ in range(BURSTS):
        await asked.telegram.ask(list(islice(asked.questions, BURST)))
    await asyncio.sleep(0.2)  # the last answer is read, and confirmed
    worked = processor_seconds(asked.process) - worked
    return (worked - at_rest * (time.monotonic() - began)) / (BURST * BURSTS)


async def _rest(process: int) -> float:
    """Return the processor seconds a second of a bot that is asked nothing."""
    began, worked = time.monotonic(), processor_seconds(process)
    await asyncio.sleep(REST)
    return (processor_seconds(process) - worked) / (time.monotonic() - began)


@asynccontextmanager
async def _echo(python: Path | str, script: str, *arguments: str) -> AsyncIterator[Asked]:
    """Run an echo bot while the context lasts."""
    async with telegram_stand_in() as telegram:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = (str(python), "-c", script, telegram.url, BOT_TOKEN, *arguments)
        async with _running(telegram, command, environment) as process:
            yield Asked(process, telegram, cycle(ECHOED))


@asynccontextmanager
async def _ours() -> AsyncIterator[tuple[int, TelegramStandIn]]:
    """Run the bot while the context lasts. Its chats are linked, and no check is due."""
    async with telegram_stand_in() as telegram:
        with TemporaryDirectory() as folder:
            key = new_key()
            await fill(Path(folder), key, CHATS)
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
                "TELEGRAM_API_URL": telegram.url,
                "PROVIDER_URL": "http://localhost",
                "DATA_DIR": folder,
                "TOKEN_KEYS": key,
                "LOG_LEVEL": "WARNING",
            }
            async with _running(telegram, (sys.executable, "-c", OURS), environment) as process:
                yield process, telegram


@asynccontextmanager
async def _running(
    telegram: TelegramStandIn, command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[int]:
    """Run a program while the context lasts. Yield its number once it polls."""
    program = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        await telegram.until(lambda: telegram.polls > 0)
        yield program.pid
    finally:
        with suppress(ProcessLookupError):
            program.kill()
        await program.wait()


if __name__ == "__main__":
    show(measure(*map(Path, sys.argv[1:])))
