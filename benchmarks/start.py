"""How long the bot takes until it first asks Telegram for updates, and what it holds in memory then.

    python -m benchmarks.start [CHATS]

The baseline is the smallest bot on the same library, python-telegram-bot's own echo. Both are processes of their own
that start in turns, against the same stand-in for Telegram. The chats of the bot are linked, each with a few invoices
that it knows, and no check is due. Memory is what the process holds (RSS) after a rest.

Libraries that only some settings need are not imported: the bot runs on the embedded store, and listens nowhere.
Libraries that only developers have, and that others import if they find them, are hidden.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

from benchmarks.capacity import processor_time
from bot.domain.chats import Link, Place, Token, Watch
from bot.domain.invoices import Invoice
from bot.domain.knowledge import learn
from bot.ports import utc_now
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.fakes import invoice

ROOT = Path(__file__).parents[1]
ROUNDS = 5
REST = 3.0
"""Seconds after the first poll."""
KNOWN = 5
"""Invoices of a chat."""

HIDDEN = "import sys; sys.modules['rich'] = sys.modules['better_exceptions'] = None\n"
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


def in_an_hour(_: int) -> timedelta:
    return timedelta(hours=1)


async def fill(
    folder: Path,
    key: str,
    chats: int,
    invoices: Iterable[Invoice] = (),
    due_in: Callable[[int], timedelta] = in_an_hour,
) -> None:
    """Link the chats, with these invoices known and the next check due in so long. Nobody waits for the disk."""
    now = utc_now()
    invoices = invoices or [invoice(n, (now + timedelta(days=100)).date()) for n in range(1, 1 + KNOWN)]
    known = {each.id: learn(None, each, now) for each in invoices}
    with patch("os.fsync"):
        store = open_store(folder, [key])
        for number in range(1, 1 + chats):
            token = Token(f"token-of-customer-{number}")
            link = Link(
                account=store.account_of("http://localhost", token),
                place=Place(number),
                token=token,
                linked_by=number,
                linked_at=now,
                next_check_at=utc_now() + due_in(number),
                watch=Watch(checked_at=now),
            )
            await store.link(link, known)
        await store.close()


class Start(NamedTuple):
    """The seconds until the first poll, those of the processor in it, and the megabytes at rest."""

    seconds: float
    worked: float
    size: float


async def started(sandbox: Sandbox, script: Sequence[str], environment: dict[str, str]) -> Start:
    """Start a bot, and kill it after a rest."""
    polls = len(sandbox.telegram.calls_of("getUpdates"))
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", *script, env=environment)
    try:
        while len(sandbox.telegram.calls_of("getUpdates")) == polls:  # noqa: ASYNC110  # the stand-in says nothing
            await asyncio.sleep(0.005)
        took, worked = time.perf_counter() - began, processor_time(process.pid)
        await asyncio.sleep(REST)
        status = Path(f"/proc/{process.pid}/status").read_text()
        return Start(took, worked, int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def main(chats: int) -> None:
    key = new_key()
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        await fill(folder, key, chats)
        async with open_sandbox() as sandbox:
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
                "TELEGRAM_API_URL": sandbox.telegram_url,
                "PROVIDER_URL": sandbox.provider_url,
                "DATA_DIR": directory,
                "TOKEN_KEYS": key,
                "LOG_LEVEL": "ERROR",
            }
            bots = {
                "echo": [HIDDEN + ECHO, sandbox.telegram_url, BOT_TOKEN],
                f"ours, {chats:,} chats": [HIDDEN + OURS],
            }
            results: dict[str, list[Start]] = {name: [] for name in bots}
            for _ in range(ROUNDS + 1):
                for name, script in bots.items():
                    results[name].append(await started(sandbox, script, environment))
    report({name: runs[1:] for name, runs in results.items()})


def report(results: dict[str, list[Start]]) -> None:
    """Print medians, and the spread of the time."""
    echo = statistics.median(run.worked for run in results["echo"])
    for name, runs in results.items():
        seconds, worked, size = (statistics.median(column) for column in zip(*runs, strict=True))
        shortest, longest = min(run.seconds for run in runs), max(run.seconds for run in runs)
        print(f"{name:<20} first poll after {seconds:.2f} s ({shortest:.2f} to {longest:.2f}),", end=" ")
        print(f"{worked:.2f} s of a core ({worked / echo:.2f} × echo); at rest {size:.0f} MB")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 0))
