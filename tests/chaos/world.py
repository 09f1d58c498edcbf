"""The world of a run: a provider and a Telegram, a PostgreSQL, three replicas and their customers."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.domain.chats import Link, Place, Token, Watch
from bot.factories import open_store
from bot.ports import Clock, Store
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN
from bot.store.vault import new_key
from tests.chaos.faults import FaultInjector
from tests.chaos.people import Customer, People
from tests.chaos.process import FastClock
from tests.chaos.replicas import Replica
from tests.chaos.verdict import RUNNING, Figures, Judge, readings
from tests.store.cluster import Cluster, temporary_cluster

FACTOR = 10.0
"""How many of the bot's seconds pass in a real one. Leases last minutes, which is too long for a test."""
REPLICAS = 3
CUSTOMERS = 24
CHECK_EVERY = timedelta(seconds=60)
"""In the bot's time."""


class Timed(list[Any]):
    """A list that records when each item was appended."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.at: list[datetime] = []
        self._clock = clock

    def append(self, item: Any) -> None:
        self.at.append(self._clock())
        super().append(item)


class World:
    """All parts of a run, from its preparation to the verdict."""

    def __init__(self, sandbox: Sandbox, cluster: Cluster, folder: Path, seed: int) -> None:
        rng = random.Random(seed)
        self.sandbox = sandbox
        self.figures = Figures(planned_every=CHECK_EVERY)
        self.requests = sandbox.provider.requests = Timed(sandbox.clock)
        self._folder = folder
        start = time.time()
        self._bots_clock = FastClock(start, FACTOR)
        self._environment = {
            "PATH": os.environ["PATH"],
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "PROVIDER_URL": sandbox.provider_url,
            "DATABASE_URL": cluster.make_database("chaos"),
            "TOKEN_KEYS": new_key(),
            "DATABASE_TIMEOUT": "2",
            "CHECK_INTERVAL": str(round(CHECK_EVERY.total_seconds())),
            "QUIET_HOURS": "",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
        }
        self.replicas = [Replica(n, self._environment, folder, start, FACTOR) for n in range(REPLICAS)]
        self.people = People(sandbox, rng)
        self.injector = FaultInjector(self.replicas, cluster, self._environment["DATABASE_URL"], sandbox.clock, rng)

    async def prepare(self) -> None:
        """Link all customers, and start the replicas."""
        settings = self.sandbox.settings(
            self._folder,
            database_url=self._environment["DATABASE_URL"],
            token_keys=self._environment["TOKEN_KEYS"],
        )
        store = await open_store(settings)
        for number in range(CUSTOMERS):
            self.people.customers.append(await self._add_customer(store, number))
        await store.close()
        await asyncio.gather(*(replica.start() for replica in self.replicas))
        await self._until(lambda: len(self.requests) >= CUSTOMERS, 60, "the first checks")

    async def live_through(self, lasts: timedelta) -> None:
        """Let people act while faults are injected."""
        life = asyncio.create_task(self.people.live())
        try:
            await self.injector.disrupt(lasts)
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    async def come_to_rest(self) -> None:
        """Wait until everything pending has happened."""
        customers = self.people.customers
        await self._until(lambda: all(c.alerts_of(i) for c in customers for i in c.told), 90, "all is told")
        await self._until(lambda: all(c.asks is None for c in customers), 60, "all is answered", self.people.attend)
        await self._until(lambda: all(p.answer for c in customers for p in c.presses), 60, "all presses are answered")
        await self._until(
            lambda: not any(RUNNING in m.text for c in customers for m in c.chat.messages), 120, "all payments end"
        )
        await asyncio.sleep(2 * CHECK_EVERY.total_seconds() / FACTOR)

    def judge(self) -> Figures:
        """Collect the figures and violations."""
        figures, customers, end = self.figures, self.people.customers, self._ended
        figures.happened, outages = self.injector.happened, self.injector.outages
        figures.database_away = sum((over - since for since, over in outages), timedelta())
        judge = Judge(figures, FACTOR, outages)
        judge.judge_alerts(customers)
        judge.judge_answers(customers)
        judge.judge_payments(customers, self.sandbox.provider)
        requests = (
            (r.path, r.headers["authorization"], at) for r, at in zip(self.requests, self.requests.at, strict=True)
        )
        judge.judge_checks(readings(requests), CUSTOMERS, end)
        judge.judge_polls(self.sandbox.telegram.calls_of("getUpdates"), end, self.injector.disturbed.values())
        judge.judge_logs(self.replicas)
        judge.judge_stops(self.injector.bad_statuses)
        return figures

    async def stop(self) -> None:
        """Stop all replicas cleanly."""
        self._ended = self.sandbox.clock()
        await self.injector.stop_all()

    async def kill_all(self) -> None:
        await asyncio.gather(*(replica.stop() for replica in self.replicas), return_exceptions=True)

    async def _add_customer(self, store: Store, number: int) -> Customer:
        token = Token(f"sandbox-token-of-customer-{number:06}")
        account = self.sandbox.provider.add_account(token.reveal(), credit=Decimal(10_000))
        account.invoices.clear()
        person = self.sandbox.telegram.add_user(f"Customer {number}", language_code="en")
        chat = self.sandbox.telegram.private_chat(person)
        now = self._bots_clock()
        link = Link(
            account=store.account_of(self.sandbox.provider_url, token),
            place=Place(chat.id),
            token=token,
            linked_by=person.user.id,
            linked_at=now,
            next_check_at=now,
            watch=Watch(checked_at=now),
        )
        await store.link(link, {})
        return Customer(person, chat, account, pays=number % 2 == 1)

    async def _until(
        self, condition: Callable[[], bool], seconds: float, what: str, meanwhile: Callable[[], None] | None = None
    ) -> None:
        ends = self.sandbox.clock() + timedelta(seconds=seconds)
        while not condition():
            if self.sandbox.clock() > ends:
                self.figures.violations.append(f"waited {seconds:.0f} s in vain: {what}")
                return
            if meanwhile is not None:
                meanwhile()
            await asyncio.sleep(0.2)


@asynccontextmanager
async def world(folder: Path, seed: int) -> AsyncIterator[World]:
    """Open a prepared world. At the end, stop everything."""
    with temporary_cluster() as cluster:
        async with open_sandbox() as sandbox:
            made = World(sandbox, cluster, folder, seed)
            try:
                await made.prepare()
                yield made
            finally:
                await made.kill_all()


async def run(folder: Path, lasts: timedelta, seed: int) -> Figures:
    """Run once: inject faults for ``lasts`` of real time, then wait until everything has happened, and judge."""
    async with world(folder, seed) as made:
        await made.live_through(lasts)
        await made.come_to_rest()
        await made.stop()
        return made.judge()
