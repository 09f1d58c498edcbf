"""How long others wait for an answer while the bot is flooded.

    python -m benchmarks.floods [seconds] [postgres]

The bot runs unchanged, over real HTTP, in a process of its own, by long polling. The sandbox's Telegram refuses what
comes faster than the real one allows. Right behind the beginning of a flood, and then every two seconds, each of the
others asks once. Those who flood are not measured.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.world import Talk, database, meet, running_bot
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram.limits import SendLimits

OTHERS = 20
ASK_EVERY = 2.0
"""Seconds."""
TOO_MANY = 429
GIVE_UP = 120.0
"""Seconds. Who waits longer counts as having waited so long."""


Flood = Callable[[Sandbox, Talk], Coroutine[Any, Any, None]]


def at_once(count: int) -> Flood:
    """Return a flood of one chat."""

    async def flood(_sandbox: Sandbox, flooder: Talk) -> None:
        for _ in range(count):
            flooder.person.send(flooder.chat, "/help")

    return flood


async def twenty_a_second(_: Sandbox, flooder: Talk) -> None:
    """Flood from one chat without end."""
    while True:
        flooder.person.send(flooder.chat, "/help")
        await asyncio.sleep(1 / 20)


async def newcomers(sandbox: Sandbox, _: Talk) -> None:
    """Let many people start the bot at once."""
    for number in range(2000):
        talk = meet(sandbox, f"Newcomer {number}")
        talk.person.send(talk.chat, "/start")


FLOODS: dict[str, Flood] = {
    "nobody floods": at_once(0),
    "200 messages of one chat": at_once(200),
    "1,000 messages of one chat": at_once(1000),
    "20 messages a second of one chat": twenty_a_second,
    "2,000 newcomers at once": newcomers,
}


async def measure(flood: Flood, seconds: float, wanted: str) -> tuple[list[float], int]:
    """Return how long the others waited, and how many messages Telegram refused as too many."""
    async with open_sandbox() as sandbox:
        sandbox.telegram.limits = SendLimits()
        flooder, *others = (meet(sandbox, f"Customer {number}") for number in range(OTHERS + 1))
        with TemporaryDirectory() as folder, database(wanted) as setting:
            async with running_bot(sandbox, Path(folder), dict.fromkeys([flooder, *others], 0), **setting):
                ask(others)
                await waits(sandbox, others)
                flooding = asyncio.create_task(flood(sandbox, flooder))
                await asyncio.sleep(0)
                ask(others)
                for _ in range(round(seconds / ASK_EVERY)):
                    await asyncio.sleep(ASK_EVERY)
                    ask(others)
                waited = await waits(sandbox, others)
                flooding.cancel()
                return waited[len(others) :], sum(call.status == TOO_MANY for call in sandbox.telegram.calls)


def ask(talks: Sequence[Talk]) -> None:
    for talk in talks:
        talk.person.send(talk.chat, "/help")


async def waits(sandbox: Sandbox, talks: Sequence[Talk]) -> list[float]:
    """Wait until everything is answered. Return the seconds until each answer, in the order of asking."""
    ends = asyncio.get_running_loop().time() + GIVE_UP
    while any(len(answers) < len(questions) for questions, answers in map(heard, talks)):
        if asyncio.get_running_loop().time() > ends:
            break
        await asyncio.sleep(0.1)
    found = []
    for questions, answers in map(heard, talks):
        found += [(a - q, q) for q, a in zip_longest(questions, answers, fillvalue=sandbox.clock())]
    return [wait.total_seconds() for wait, _ in sorted(found, key=itemgetter(1))]


def heard(talk: Talk) -> tuple[list[datetime], list[datetime]]:
    """Return when each question came, and when each answer: one message."""
    history = talk.chat.history
    return [m.date for m in history if not m.sender.is_bot], [m.date for m in history if m.sender.is_bot]


async def main(seconds: float = 20, wanted: str = "") -> None:
    """Flood the bot in each way, and print how long others waited."""
    print(f"{'':34} {'p50':>7} {'p99':>7} {'longest':>8} {'questions':>10} {'refused':>8}")
    for name, flood in FLOODS.items():
        waited, refused = await measure(flood, seconds, wanted)
        p99 = quantiles(waited, n=100)[98]
        print(
            f"{name:34} {median(waited):6.2f}s {p99:6.2f}s {max(waited):7.2f}s {len(waited):10} {refused:8}", flush=True
        )


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else 20, *sys.argv[2:3]))
