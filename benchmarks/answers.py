"""What an answer costs: processor time of the whole bot, beside echo bots on the common libraries.

    AIOGRAM_PYTHON=.venv-tools/bin/python python -m benchmarks.answers

Each bot is a process of its own, over real HTTP, against the same stand-in for Telegram, whose work does not count. All
of them get the same bursts of messages from many chats, in turns. What a process costs at rest is measured by itself,
and taken off.

The bot runs on its embedded store, with its real handlers. Only its limit of messages a second is lifted: the echoes
have none, and would be measured in larger bursts.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.chats import fill
from benchmarks.figures import Figure, show
from benchmarks.processes import ROOT, Work, killed_at_the_end
from benchmarks.telegram_stand_in import Message, TelegramStandIn, telegram_stand_in
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key

AIOGRAM_PYTHON = os.environ.get("AIOGRAM_PYTHON", str(ROOT / ".venv-tools" / "bin" / "python"))
"""aiogram has an environment of its own: `make bench` sets it up."""

CHATS = 200
BURST = 50
"""Messages that come at once, each from another chat."""
BURSTS = 2
ROUNDS = 12
WARM_UP = 2
REST = 4.0
"""Seconds in which nothing is asked."""

ECHO = "aiogram"
WORDS = {
    ECHO: "aiogram's echo",
    "library": "python-telegram-bot's echo",
    "library_aiohttp": "python-telegram-bot's echo on the bot's transport",
    "help": "/help",
    "status": "/status",
    "stranger": "a word of somebody who is not linked",
}
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
rate_limiter.ALLOWED = 1_000_000
from bot.__main__ import main
main(["run"])
"""

LINKED, STRANGERS = range(1, 1 + CHATS), range(10_001, 10_001 + CHATS)
QUESTIONS: Mapping[str, Sequence[Message]] = {
    "help": [Message(chat, "/help") for chat in LINKED],
    "status": [Message(chat, "/status") for chat in LINKED],
    "stranger": [Message(chat, "hello") for chat in STRANGERS],
}
ECHOED = [Message(chat, "hello") for chat in LINKED]


class Asked(NamedTuple):
    """A running bot, and what it is asked, again and again."""

    process: int
    telegram: TelegramStandIn
    questions: Iterator[Message]


def measure() -> list[Figure]:
    """Return the milliseconds of a core that an answer takes, beside aiogram's echo."""
    taken = asyncio.run(_measured())
    base = tuple(taken.pop(ECHO))
    return [
        Figure(f"answers.{name}", WORDS[name], "ms", tuple(each), base, WORDS[ECHO]) for name, each in taken.items()
    ]


async def _measured() -> dict[str, list[float]]:
    """Return the milliseconds that an answer took in each round, by what was asked of whom."""
    async with AsyncExitStack() as stack:
        bots = {
            ECHO: await stack.enter_async_context(_echo(AIOGRAM_PYTHON, AIOGRAM)),
            "library": await stack.enter_async_context(_echo(sys.executable, LIBRARY, "own")),
            "library_aiohttp": await stack.enter_async_context(_echo(sys.executable, LIBRARY, "aiohttp")),
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


async def _answer(asked: Asked, at_rest: float) -> float:
    """Return the seconds of a core that an answer takes beyond the ``at_rest`` of each second."""
    work = Work(asked.process)
    for _ in range(BURSTS):
        await asked.telegram.ask(list(islice(asked.questions, BURST)))
    await asyncio.sleep(0.2)  # the last answer is read, and confirmed
    return (work.seconds - at_rest * work.passed) / (BURST * BURSTS)


async def _rest(process: int) -> float:
    """Return the part of a core that a bot takes which is asked nothing."""
    work = Work(process)
    await asyncio.sleep(REST)
    return work.share


@asynccontextmanager
async def _echo(python: str, script: str, *arguments: str) -> AsyncIterator[Asked]:
    """Run an echo bot while the context lasts."""
    async with telegram_stand_in() as telegram:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = (python, "-c", script, telegram.url, BOT_TOKEN, *arguments)
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
    async with killed_at_the_end(program):
        await telegram.until(lambda: telegram.polls > 0)
        yield program.pid


if __name__ == "__main__":
    show(measure())
