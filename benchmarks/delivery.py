"""How fast many alerts leave that are due at once, and how long people wait for an answer meanwhile.

    python -m benchmarks.delivery [ALERTS] [GROUPS] [postgres]

The bot runs unchanged, over real HTTP, in a process of its own, by long polling. Each alert waits in a private chat of
its own. Groups have eight accounts each, and one alert waits for each account. The sandbox's Telegram refuses what
comes faster than the real one allows, 30 messages a second in all and 20 a minute in a group. Each call and each answer
is on the way for a moment that varies. Every second somebody asks something.

The rate is what Telegram took in a second, alerts and answers, from the first alert to the last one in a private chat:
groups are slower by Telegram's own limit. The slowest ten seconds of it count by themselves.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from benchmarks.figures import Figure, show
from benchmarks.floods import ask, waits
from benchmarks.processes import processor_time
from benchmarks.world import Talk, database, meet, running_bot
from bot.domain.alerts import Alert, AlertKind
from bot.domain.chat_keys import ACCOUNTS_AT_MOST, key_of
from bot.domain.chats import Link, Place, Token, Watch
from bot.domain.knowledge import learn
from bot.ports import Checked, Store, utc_now
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import Chat
from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import ApiError
from bot.sandbox.telegram.limits import TOTAL, SendLimits, is_counted
from tests.fakes import invoice

ASKING = 10
"""People who ask, one after the other, with chats of their own."""
ASK_EVERY = 1.0
"""Seconds."""
DISTANCE = 0.03
"""Seconds that a call is on the way at most, and its answer."""
WINDOW = 10.0
"""Seconds of the slowest part."""
STALLED = 60.0
"""Seconds without any alert, after which no more are waited for."""
ALERTS = 10_000
GROUPS = 0
FILLED_AT_ONCE = 20


class WatchedLimits(SendLimits):
    """Telegram's limits, which note when each message passed, and what was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[tuple[datetime, int | None]] = []
        self.refused = 0

    def refusal(self, call: Call) -> ApiError | None:
        """Return a refusal if the call is too early. Otherwise note it."""
        refused = super().refusal(call)
        if refused is not None:
            self.refused += 1
        elif is_counted(call):
            self.passed.append((call.at, call.chat_id))
        return refused


@dataclass(frozen=True)
class Delivered:
    """What came of it. ``lost`` and ``twice`` are alerts, ``worked`` the bot's processor seconds for an alert."""

    rate: float
    alerts_rate: float
    slowest: float
    refused: int
    lost: int
    twice: int
    worked: float
    waited: Sequence[float] = field(repr=False)
    groups_rate: float = 0.0
    """Messages a minute in a group, from its first to its last."""

    @property
    def fraction(self) -> float:
        """The rate as a part of what Telegram allows."""
        return self.rate / TOTAL[0]


async def deliver(alerts: int = ALERTS, groups: int = GROUPS, wanted: str = "") -> Delivered:
    """Let the bot deliver so many alerts, and so many groups with eight each."""
    async with open_sandbox() as sandbox:
        sandbox.telegram.distance = DISTANCE
        limits = sandbox.telegram.limits = WatchedLimits()
        asking = [meet(sandbox, f"Customer {number}") for number in range(ASKING)]
        chats = [meet(sandbox, f"Reader {number}").chat for number in range(alerts)]
        reader = meet(sandbox, "Member").person
        in_groups = [reader.create_group(f"Group {number}") for number in range(groups)]
        for group in in_groups:
            reader.set_bot_status(group, "member")
        accounts = [*itertools.product(in_groups, range(ACCOUNTS_AT_MOST)), *((chat, 0) for chat in chats)]

        async def fill(store: Store) -> None:
            with patch("os.fsync"):
                await _at_once([_wait_in(store, sandbox, *account) for account in accounts])

        settings = {"CHECK_INTERVAL": "86400", "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}
        with TemporaryDirectory() as folder, database(wanted) as setting:
            linked = dict.fromkeys(asking, 0)
            async with running_bot(sandbox, Path(folder), linked, fill, **settings, **setting) as bot:
                while not limits.passed:  # noqa: ASYNC110  # until the first one is there
                    await asyncio.sleep(0.02)
                began = processor_time(bot.pid)
                questions = asyncio.create_task(_keep_asking(asking))
                await _last(chats, in_groups)
                worked = processor_time(bot.pid) - began
                questions.cancel()
                with suppress(asyncio.CancelledError):
                    await questions
                waited = await waits(sandbox, asking)
    return _result(limits, chats, in_groups, waited, worked)


async def _at_once(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    queue = iter(works)

    async def worker() -> None:
        for work in queue:
            await work

    await asyncio.gather(*(worker() for _ in range(FILLED_AT_ONCE)))


async def _wait_in(store: Store, sandbox: Sandbox, chat: Chat, slot: int) -> None:
    """Link an account of a chat. Let a check of it find one invoice, so that an alert waits."""
    now = utc_now()
    token, number = Token(f"token-of-reader-{abs(chat.id)}-{slot}"), 1 + slot
    account = store.account_of(sandbox.provider_url, token)
    found = learn(None, invoice(number, (now + timedelta(days=7)).date()), now)
    watch = Watch(checked_at=now)
    link = Link(
        account=account,
        place=Place(chat.id),
        token=token,
        linked_by=1,
        linked_at=now,
        next_check_at=now + timedelta(days=1),
        watch=watch,
    )
    await store.link(link, {}, slot=slot)
    check = await store.claim_check(key_of(chat.id, slot), now, timedelta(minutes=1))
    assert check is not None
    alert = Alert(f"{chat.id}/{slot}", link.place, account, AlertKind.NEW, now, invoice_id=number, due=found.due)
    found = replace(found, announced=True)
    done = Checked({number: found}, [alert], watch, next_check_at=now + timedelta(days=1))
    assert await store.finish_check(check.claim, done)


async def _keep_asking(asking: Sequence[Talk]) -> None:
    for talk in itertools.cycle(asking):
        ask([talk])
        await asyncio.sleep(ASK_EVERY)


async def _last(chats: Sequence[Chat], groups: Sequence[Chat]) -> None:
    """Wait until all alerts are there, or until none has come for a long time."""
    loop = asyncio.get_running_loop()
    came, at = -1, loop.time()
    while loop.time() < at + STALLED:
        there = sum(min(1, len(chat.messages)) for chat in chats)
        there += sum(min(ACCOUNTS_AT_MOST, len(_told(group))) for group in groups)
        if there == len(chats) + ACCOUNTS_AT_MOST * len(groups):
            await asyncio.sleep(2)  # what comes twice comes now
            return
        if there > came:
            came, at = there, loop.time()
        await asyncio.sleep(0.5)


def _told(chat: Chat) -> list[str]:
    return [message.text for message in chat.messages if message.sender.is_bot]


def _result(
    limits: WatchedLimits, chats: Sequence[Chat], groups: Sequence[Chat], waited: Sequence[float], worked: float
) -> Delivered:
    private = {chat.id for chat in chats}
    of_alerts = [at for at, chat_id in limits.passed if chat_id in private]
    first, last = min(of_alerts), max(of_alerts)
    passed = sorted((at - first).total_seconds() for at, _ in limits.passed if first <= at <= last)
    seconds = (last - first).total_seconds()
    slowest = min(
        (sum(start <= at < start + WINDOW for at in passed) / WINDOW for start in range(int(seconds - WINDOW) + 1)),
        default=0.0,
    )
    counts = [(len(_told(chat)), 1) for chat in chats] + [(len(_told(group)), ACCOUNTS_AT_MOST) for group in groups]
    rates = [_group_rate(limits, group.id) for group in groups]
    return Delivered(
        rate=(len(passed) - 1) / seconds,
        alerts_rate=(len(of_alerts) - 1) / seconds,
        slowest=slowest,
        refused=limits.refused,
        lost=sum(max(0, due - came) for came, due in counts),
        twice=sum(max(0, came - due) for came, due in counts),
        worked=worked / sum(due for _, due in counts),
        waited=waited,
        groups_rate=median(rates) if rates else 0.0,
    )


def _group_rate(limits: WatchedLimits, chat_id: int) -> float:
    at = [when for when, chat in limits.passed if chat == chat_id]
    return 60 * (len(at) - 1) / (at[-1] - at[0]).total_seconds() if len(at) > 1 else 0.0


def figures_of(done: Delivered) -> list[Figure]:
    """Return the figures of one run."""
    p50, p99 = median(done.waited), quantiles(done.waited, n=100)[98]
    figures = [
        Figure("delivery.fraction", "alerts and answers, of what Telegram allows", "×", (done.fraction,)),
        Figure("delivery.alerts", "alerts alone, of what Telegram allows", "×", (done.alerts_rate / TOTAL[0],)),
        Figure("delivery.slowest", "messages in the slowest ten seconds", "×", (done.slowest / TOTAL[0],)),
        Figure("delivery.refused", "messages refused as too many", "", (float(done.refused),)),
        Figure("delivery.wrong", "alerts lost, or told twice", "", (float(done.lost + done.twice),)),
        Figure("delivery.answer.p50", "an answer while alerts leave, median", "s", (p50,)),
        Figure("delivery.answer.p99", "an answer while alerts leave, p99", "s", (p99,)),
        Figure("delivery.answer.longest", "an answer while alerts leave, the slowest", "s", (max(done.waited),)),
        Figure("delivery.worked", "processor time for each alert, answers included", "ms", (1000 * done.worked,)),
    ]
    if done.groups_rate:
        figures.append(Figure("delivery.group", "messages in a group", "a minute", (done.groups_rate,)))
    return figures


def measure(alerts: int = ALERTS, groups: int = GROUPS, wanted: str = "") -> list[Figure]:
    """Return how fast the alerts left, how long answers took, and what went wrong."""
    return figures_of(asyncio.run(deliver(alerts, groups, wanted)))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    alerts, groups = [*numbers, *(ALERTS, GROUPS)[len(numbers) :]]
    show(measure(alerts, groups, "postgres" if "postgres" in sys.argv else ""))
