"""For how long the event loop is held at most, with many chats in one process: nobody is answered meanwhile.

    python -m benchmarks.holds [CHATS] [--steps]

The whole bot runs in this process, as `python -m bot run` does, on an embedded store whose writes reach the disk. Its
metrics are asked for every few seconds. The provider and Telegram are other processes on loopback. All chats are due
at once. In the first cycle each has a new invoice: every check saves something, and alerts go out while checks go on.
In the second cycle checks find nothing new, while the rest of the alerts goes out.

A hold is a turn of the loop: what comes meanwhile waits for the next one. The processor time of this process beside it
tells the bot's own fault, whichever thread took the time, from a busy machine. If a hold is longer than the limit by
both, this ends with an error. ``--steps`` prints what the loop did in the longest ones.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.request import urlopen

import structlog

from benchmarks.chats import fill
from benchmarks.figures import Figure, show
from benchmarks.processes import first_line, python_module
from benchmarks.provider import listed, provider
from benchmarks.steps import Steps
from benchmarks.telegram_stand_in import telegram_stand_in
from bot import application
from bot.sandbox.telegram import BOT_TOKEN
from bot.settings import load_settings
from bot.store.vault import new_key

CHATS = 10_000
LIMIT = 50.0
"""Milliseconds."""
ASK_EVERY = 3.0
"""Seconds between two looks at the metrics."""
INTERVAL = 90
"""Seconds between two checks of a chat: as many checks as ten times the chats make in a quarter of an hour."""


def now() -> tuple[float, float]:
    """Return the clock, and the processor time of this process."""
    return time.perf_counter(), time.process_time()


class Hold(NamedTuple):
    """The longest hold in milliseconds, by the clock, and as far as this process worked meanwhile.

    The latter is what would be left on an idle machine, at most.
    """

    lasted: float = 0.0
    ours: float = 0.0

    def or_longer(self, lasted: float, worked: float) -> Hold:
        return Hold(max(self.lasted, lasted), max(self.ours, min(lasted, worked)))


class Watch(selectors.DefaultSelector):
    """Measures the turns of a loop: from one look for what has come to the next, everybody else waits.

    It keeps only the longest, so that there is no garbage of its own to be collected. Counts what the bot logs, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest = Hold()
        self.events: Counter[str] = Counter()
        self.steps: Steps | None = None
        self._began = now()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        lasted, worked = (1000 * (end - began) for began, end in zip(self._began, now(), strict=True))
        self.longest = self.longest.or_longer(lasted, worked)
        if self.steps is not None:
            ours = min(lasted, worked)
            self.steps.turn_ended(f"{lasted:.0f} ms, {ours:.0f} of them by the bot", ours)
        events = super().select(timeout)
        self._began = now()
        return events

    def begin_anew(self) -> Hold:
        """Return the longest hold so far, and forget it."""
        longest, self.longest = self.longest, Hold()
        return longest

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count log events by their names."""

        def count(_logger: Any, _method: str, event: Any) -> Any:
            self.events[str(event.get("event"))] += 1
            return event

        processors = structlog.get_config()["processors"]
        structlog.configure(processors=[count, *processors])
        try:
            yield
        finally:
            structlog.configure(processors=processors)


async def serve(port: int) -> None:
    """Be Telegram until the end of standard input: print the address. Ask for the metrics at this port meanwhile."""
    async with telegram_stand_in() as telegram:
        print(telegram.url, flush=True)
        threading.Thread(target=ask_for_metrics, args=(port,), daemon=True).start()
        await asyncio.to_thread(sys.stdin.read)


def ask_for_metrics(port: int) -> None:
    while True:
        time.sleep(ASK_EVERY)
        with suppress(OSError):
            urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).close()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def run_cycles(folder: Path, chats: int, watch: Watch) -> dict[str, Hold]:
    """Run the bot. Return the longest hold of the first cycle, and of a later one."""
    key, port = new_key(), free_port()
    known = [invoice for invoice in listed() if not invoice.is_open]
    await fill(folder, key, chats, known, lambda _: timedelta(0))
    async with provider() as stand_in, python_module("benchmarks.holds", "serve", str(port)) as telegram:
        os.environ |= {
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": await first_line(telegram),
            "PROVIDER_URL": stand_in.url,
            "DATA_DIR": str(folder),
            "TOKEN_KEYS": key,
            "CHECK_INTERVAL": str(INTERVAL),
            "QUIET_HOURS": "",
            "WEB_LISTEN": f"127.0.0.1:{port}",
            "LOG_LEVEL": "ERROR",
        }
        settings = load_settings(_env_file=None)
        application.configure_logs(settings)
        holds = dict[str, Hold]()
        with watch.counting():
            bot = asyncio.create_task(application.run(settings))
            while not watch.events["bot is running"]:  # noqa: ASYNC110  # as below: nobody tells
                await asyncio.sleep(0.1)
            watch.begin_anew()
            for cycle, checks in (("first", chats), ("second", 2 * chats)):
                while watch.events["check ended"] < checks:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                holds[cycle] = watch.begin_anew()
                print(f"{cycle} cycle: {dict(watch.events)}", file=sys.stderr)
            bot.cancel()
            await bot
    return holds


def measure(chats: int = CHATS, *, with_steps: bool = False) -> list[Figure]:
    """Return the longest hold of each cycle, and how much of it this process worked."""
    watch = Watch()
    if with_steps:
        watch.steps = Steps()
    runner = asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch))
    with TemporaryDirectory() as folder, runner:
        cycles = runner.run(run_cycles(Path(folder), chats, watch))
    if watch.steps is not None:
        watch.steps.show()
    return [figure for cycle, longest in cycles.items() for figure in figures_of(chats, cycle, longest)]


def figures_of(chats: int, cycle: str, longest: Hold) -> list[Figure]:
    what = f"{chats:,} chats, {cycle} cycle: longest hold of the loop"
    return [
        Figure(f"holds.{cycle}", f"{what}, as far as the bot worked", "ms", (longest.ours,)),
        Figure(f"holds.{cycle}.clock", f"{what}, by the clock", "ms", (longest.lasted,)),
    ]


def main(arguments: list[str]) -> None:
    figures = measure(*(int(each) for each in arguments if each.isdecimal()), with_steps="--steps" in arguments)
    show(figures)
    if any(figure.median > LIMIT for figure in figures if not figure.name.endswith("clock")):
        sys.exit(f"The loop was held for longer than {LIMIT:.0f} ms.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(*map(int, sys.argv[2:])))
    else:
        main(sys.argv[1:])
