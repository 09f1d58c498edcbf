"""How late checks begin, and how long people wait for an answer meanwhile, with many chats in one process.

    python -m benchmarks.lateness [CHATS] [INTERVAL] [SECONDS]

The whole bot runs in a process of its own, on an embedded store, and serves its metrics. The checks of its chats are
due evenly over the interval. The provider and Telegram are stand-ins that answer at once. Four times a second somebody
asks something, and the next one once there is an answer.

After a start each check is one in full, and so is the next one. 5,000 chats at 45 seconds make as many checks a second
as 100,000 at a quarter of an hour, and are watched after two intervals, when most checks are glances.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from benchmarks.bare_client import StandInLoad, bare_rate
from benchmarks.chats import fill
from benchmarks.figures import Figure, show
from benchmarks.processes import ROOT, Work, killed_at_the_end
from benchmarks.provider import Provider, listed, provider, rate_alone
from benchmarks.telegram_stand_in import Message, TelegramStandIn, telegram_stand_in
from bot.ports import utc_now
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key

SECONDS = 40.0
SETTLED_AFTER = 10.0
"""Seconds after the start of the bot, before anything counts."""
FILLED_A_SECOND = 1200
"""Chats that are linked in a second at least."""
ASK_EVERY = 0.25
ASKING = 100
"""Chats that ask in turns."""
QUESTIONS = ("/help", "/status", "/invoices")

FORM = b"chat_id=1&text=Hello"
SENDING = b"POST /bot1:token/sendMessage HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b" % (
    len(FORM),
    FORM,
)

WATCHED = """
import sys, time
import structlog
from bot import application

seen = open(sys.argv[1], "w", buffering=1)
configure_logs = application.configure_logs

def note(_logger, _method, event):
    if event["event"] == "check ended" and event["lag"] is not None:
        print(time.time(), "lag", event["lag"], file=seen)
    if event["event"] == "event loop watched":
        print(time.time(), "hold", event["longest"], file=seen)
    return event

def configure_watched(settings):
    configure_logs(settings)
    structlog.configure(processors=[note, *structlog.get_config()["processors"]])

application.configure_logs = configure_watched
from bot.__main__ import main
main(["run"])
"""
"""The bot, which notes how late each check was."""


@dataclass(frozen=True, slots=True)
class Case:
    """So many chats, each checked every ``interval`` seconds. ``warm``: seconds before anything counts."""

    name: str
    what: str
    chats: int
    interval: float
    warm: float = SETTLED_AFTER

    @property
    def due(self) -> float:
        """Checks a second."""
        return self.chats / self.interval


CASES = (
    Case("small", "10,000 chats at 15 min", 10_000, 900),
    Case("large", "100,000 chats at 15 min", 100_000, 900),
    Case("settled", "5,000 chats at 45 s", 5_000, 45, warm=100),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the bot: seconds of lateness, of waits, and of holds of its loop; and its part of a core."""

    lags: Sequence[float]
    waits: Sequence[float]
    holds: Sequence[float]
    bot: float
    provider: StandInLoad
    telegram: StandInLoad


async def ask_for(seconds: float, telegram: TelegramStandIn, chats: Sequence[int]) -> list[float]:
    """Ask in turns for a while. Return how long each answer took."""
    waits, end = list[float](), time.monotonic() + seconds
    for chat, question in zip(cycle(chats), cycle(QUESTIONS), strict=False):
        began = time.monotonic()
        if began >= end:
            return waits
        await telegram.ask([Message(chat, question)])
        waits.append(time.monotonic() - began)
        await asyncio.sleep(max(0.0, began + ASK_EVERY - time.monotonic()))
    return waits


def noted(file: Path, what: str, since: float) -> list[float]:
    """Return what the bot has noted since an instant."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return [float(value) for at, name, value in lines if name == what and float(at) >= since]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def see(case: Case, seconds: float) -> Seen:
    """Run the bot, and return what was seen of it."""
    with TemporaryDirectory() as directory:
        folder, seen, key = Path(directory) / "data", Path(directory) / "seen", new_key()
        begins = utc_now() + timedelta(seconds=SETTLED_AFTER + case.chats / FILLED_A_SECOND)  # filling takes a while
        step = case.interval / case.chats
        await fill(folder, key, case.chats, listed(), lambda n: begins - utc_now() + timedelta(seconds=step * n))
        async with provider() as stand_in, telegram_stand_in() as telegram:
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
                "TELEGRAM_API_URL": telegram.url,
                "PROVIDER_URL": stand_in.url,
                "DATA_DIR": str(folder),
                "TOKEN_KEYS": key,
                "CHECK_INTERVAL": f"{case.interval:g}",
                "WEB_LISTEN": f"127.0.0.1:{free_port()}",
                "LOG_LEVEL": "ERROR",
            }
            command = (sys.executable, "-c", WATCHED, str(seen))
            async with killed_at_the_end(await asyncio.create_subprocess_exec(*command, env=environment)) as bot:
                await telegram.until(lambda: telegram.polls > 0, 600)
                await asyncio.sleep(max(0.0, (begins - utc_now()).total_seconds()) + case.warm)
                return await _watched(bot.pid, stand_in, telegram, seen, seconds)


async def _watched(pid: int, stand_in: Provider, telegram: TelegramStandIn, seen: Path, seconds: float) -> Seen:
    since, asking = time.time(), range(1, 1 + ASKING)
    bot, others, own = Work(pid), Work(stand_in.pid), Work()
    waits = await ask_for(seconds, telegram, asking)
    bot_share, provider_share, telegram_share = bot.share, others.share, own.share
    lags, holds = noted(seen, "lag", since), noted(seen, "hold", since)
    provider_alone = StandInLoad(await rate_alone(stand_in), (provider_share,))
    telegram_alone = StandInLoad(await bare_rate(telegram.url, SENDING), (telegram_share,))
    return Seen(lags, waits, holds, bot_share, provider_alone, telegram_alone)


def figures_of(case: Case, seen: Seen, seconds: float) -> list[Figure]:
    def figure(name: str, what: str, unit: str, value: float, *baseline: float, than: str = "") -> Figure:
        return Figure(f"lateness.{case.name}.{name}", f"{case.what}: {what}", unit, (value,), baseline, than)

    lag, wait = ([*quantiles(values, n=100)] for values in (seen.lags, seen.waits))
    figures = [
        figure("rate", "checks that began", "a second", len(seen.lags) / seconds, case.due, than="due"),
        figure("p50", "lateness of checks, median", "s", lag[49]),
        figure("p99", "lateness of checks, p99", "s", lag[98]),
        figure("core", "part of a core", "", seen.bot),
        figure("answers.p50", "an answer, median", "ms", 1000 * wait[49]),
        figure("answers.p99", "an answer, p99", "ms", 1000 * wait[98]),
        *seen.provider.figures(f"lateness.{case.name}.provider", f"{case.what}: the provider's stand-in"),
        *seen.telegram.figures(f"lateness.{case.name}.telegram", f"{case.what}: Telegram's stand-in"),
    ]
    with suppress(ValueError):
        figures.append(figure("hold", "loop without a turn at most", "ms", 1000 * max(seen.holds)))
    return figures


def measure(cases: Sequence[Case] = CASES, seconds: float = SECONDS) -> list[Figure]:
    """Return how late checks were, how long answers took, and how much of a core it took."""
    return [figure for case in cases for figure in figures_of(case, asyncio.run(see(case, seconds)), seconds)]


def main(arguments: Sequence[str]) -> None:
    numbers = [float(word) for word in arguments]
    if not numbers:
        return show(measure())
    chats, interval, seconds = [*numbers, *(10_000.0, 900.0, SECONDS)[len(numbers) :]]
    case = Case("asked", f"{chats:,.0f} chats at {interval:g} s", int(chats), interval)
    return show(measure([case], seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
