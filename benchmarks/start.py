"""How long the bot takes until it first asks Telegram for updates, and what it holds in memory then.

    python -m benchmarks.start [CHATS …]

The baseline is the smallest bot on the same library, python-telegram-bot's own echo. Both are processes of their own
that start in turns, against the same stand-in for Telegram. The chats of the bot are linked, each with a few invoices
that it knows, and no check is due. Memory is what the process holds (RSS) after a rest.

Libraries that only some settings need are not imported: the bot runs on the embedded store, and listens nowhere.
Libraries that only developers have, and that others import if they find them, are hidden.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.chats import fill
from benchmarks.figures import Figure, show
from benchmarks.processes import ROOT, killed_at_the_end, memory_of, processor_time
from benchmarks.telegram_stand_in import TelegramStandIn, telegram_stand_in
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key

ROUNDS = 4
SIZES = (0, 10_000, 100_000)
MANY = 50_000
"""With more chats, there is only one round after the one that does not count."""
REST = 2.0
"""Seconds after the first poll."""
LONGEST = 300.0
ECHO_NAME = "python-telegram-bot's echo"

HIDDEN = "import sys; sys.modules |= dict.fromkeys(('better_exceptions', 'greenlet', 'pygments', 'pytz', 'rich'))\n"
ECHO = """
import sys
from telegram.ext import Application, MessageHandler, filters

async def echo(update, context):
    await update.message.reply_text(update.message.text)

root, token = sys.argv[1:]
application = Application.builder().token(token).base_url(root + "/bot").base_file_url(root + "/file/bot").build()
application.add_handler(MessageHandler(filters.TEXT, echo))
application.run_polling()
"""
OURS = "from bot.__main__ import main; main(['run'])"


class Start(NamedTuple):
    """The seconds until the first poll, those of the processor in it, and the megabytes at rest."""

    seconds: float
    worked: float
    size: float


async def started(telegram: TelegramStandIn, script: Sequence[str], environment: Mapping[str, str]) -> Start:
    """Start a bot, and kill it after a rest."""
    polls, began = telegram.polls, time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", *script, env=environment)
    async with killed_at_the_end(process):
        await telegram.until(lambda: telegram.polls > polls, LONGEST)
        took, worked = time.perf_counter() - began, processor_time(process.pid)
        await asyncio.sleep(REST)
        return Start(took, worked, memory_of(process.pid))


async def starts(chats: int, rounds: int) -> tuple[list[Start], list[Start]]:
    """Return the starts of ours with so many chats, and of the echo in turns with them."""
    key = new_key()
    with TemporaryDirectory() as directory:
        await fill(Path(directory), key, chats)
        async with telegram_stand_in() as telegram:
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
                "TELEGRAM_API_URL": telegram.url,
                "PROVIDER_URL": "http://localhost",
                "DATA_DIR": directory,
                "TOKEN_KEYS": key,
                "LOG_LEVEL": "ERROR",
            }
            ours, echo = list[Start](), list[Start]()
            for _ in range(rounds + 1):
                ours.append(await started(telegram, [HIDDEN + OURS], environment))
                echo.append(await started(telegram, [HIDDEN + ECHO, telegram.url, BOT_TOKEN], environment))
    return ours[1:], echo[1:]


def figures_of(chats: int, ours: Sequence[Start], echo: Sequence[Start]) -> list[Figure]:
    """Return the figures of so many chats."""
    units = (
        ("seconds", "until the first poll", "s"),
        ("worked", "processor time until then", "s of a core"),
        ("size", "memory at rest", "MB"),
    )
    return [
        Figure(
            f"start.{chats}.{name}",
            f"{chats:,} chats: {what}",
            unit,
            tuple(getattr(start, name) for start in ours),
            tuple(getattr(start, name) for start in echo),
            ECHO_NAME,
        )
        for name, what, unit in units
    ]


def measure(*sizes: int) -> list[Figure]:
    """Return the starts with so many chats, and the memory that each chat takes."""
    figures, sizes = list[Figure](), sizes or SIZES
    at_rest = dict[int, list[float]]()
    for chats in sizes:
        ours, echo = asyncio.run(starts(chats, ROUNDS if chats <= MANY else 1))
        figures += figures_of(chats, ours, echo)
        at_rest[chats] = [start.size for start in ours]
    least, most = min(sizes), max(sizes)
    if most > least:
        more = median(at_rest[most]) - median(at_rest[least])
        figures.append(Figure("start.chat", "memory for each chat", "KB", (more * 1024 / (most - least),)))
    return figures


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
