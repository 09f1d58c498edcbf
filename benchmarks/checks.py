"""Compare checks of accounts with the plain way of reading invoices, on loopback, in turns in one run.

    python -m benchmarks.checks [ACCOUNTS] [ROUNDS]

Ours is the whole check loop on the embedded store: claim the chat, read its 30 invoices, compare, finish. The plain way
reads the same bytes of the same accounts and only decodes them: httpx with its own pool, json into dictionaries. The
provider is another process. In each round no account has changed, then one in a hundred, then all: first so that there
is nothing to tell, then so that an alert is saved. Accounts with an open invoice have a credit, too, which is a second
request for both ways. When all have changed, the last saved check is over an hour ago, so that each check is saved.

Rates are by the processor time of this process, which other programs hardly change; by the clock they stand beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import httpx

from benchmarks.bare_client import StandInLoad
from benchmarks.figures import Figure, show
from benchmarks.processes import Work
from benchmarks.provider import INVOICES, ZONE, Provider, provider, rate_alone
from bot import logs
from bot.domain.chats import Chat, Member, Place, Token
from bot.domain.schedule import CheckPlan
from bot.garbage import no_full_collections
from bot.provider.client import ProviderClient, open_http_client
from bot.services.checks import Checker
from bot.services.linking import Linking
from bot.services.workers import Workers
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key

CONCURRENCY = 50
ACCOUNTS, ROUNDS = 300, 5
INTERVAL = timedelta(minutes=15)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)

THAN = "plain httpx + json"
CHANGES = {
    "unchanged": ("", "nothing changed"),
    "few": ("few told", "1 % changed"),
    "changed": ("all silent", "all changed, nothing to tell"),
    "told": ("all told", "all changed, an alert each"),
}
"""What changes before the checks of each kind, and how it is called."""
OPEN = {"": (0, "all paid"), "_open": (1, "one open, and a credit")}
"""Kinds of accounts: how many invoices are open."""


@dataclass(slots=True)
class Rates:
    """Checks a second of a core, and by the clock, in each round."""

    of_a_core: list[float] = field(default_factory=list)
    by_the_clock: list[float] = field(default_factory=list)

    def add(self, checks: int, work: Work) -> None:
        seconds, passed = work.seconds, work.passed
        self.of_a_core.append(checks / seconds)
        self.by_the_clock.append(checks / passed)


class Ours:
    """The bot's own check loop, on an embedded store with linked chats."""

    def __init__(self, store: Store, client: ProviderClient) -> None:
        self.now = NOW
        self._store = store
        self._client = client
        self._plan = CheckPlan(INTERVAL, ZONE)

    async def link(self, accounts: int) -> None:
        linking = Linking(self._store, self._client, lambda: self.now, self._plan, base_url="http://localhost")
        for number in range(1, accounts + 1):
            await linking.link(Chat(number), Place(number), Member(number, ""), Token(f"token-{number:010}"))

    async def check_all(self) -> None:
        """Check every chat once."""
        self.now += INTERVAL + timedelta(minutes=1)
        workers = Workers(CONCURRENCY)
        checker = Checker(self._store, self._client, lambda: self.now, self._plan, workers)
        await checker.work_off(600)
        await workers.finish()

    async def tell_all(self) -> int:
        """Note all alerts as sent, and return how many: the next check finds none waiting."""
        sent = 0
        while batch := await self._store.claim_alerts(self.now, CONCURRENCY, INTERVAL):
            for delivery in batch:
                await self._store.alerts_sent(delivery.claim, None, ())
                sent += 1
        return sent


async def read_plainly(url: str, accounts: int, *, credit: bool) -> None:
    """Read and decode the list of each account, and its credit if that is wanted."""
    numbers = iter(range(1, accounts + 1))
    async with httpx.AsyncClient(trust_env=False) as client:

        async def worker() -> None:
            for number in numbers:
                token = {"Authorization": f"Bearer token-{number:010}"}
                answer = await client.get(f"{url}/client/invoices", headers=token)
                assert len(json.loads(answer.content)["data"]) == INVOICES
                if credit:
                    answer = await client.get(f"{url}/client", headers=token)
                    assert json.loads(answer.content)["data"]["credit"]

        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


async def settle(ours: Ours) -> None:
    """Check until what has changed before is no news any more: most accounts have not changed for days."""
    for _ in range(2):
        await ours.check_all()
        await ours.tell_all()


@asynccontextmanager
async def linked(stand_in: Provider, accounts: int) -> AsyncIterator[Ours]:
    """Yield our way, with so many linked chats of which each was checked twice."""
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data", [new_key()])
        async with open_http_client() as http:
            ours = Ours(store, ProviderClient(http, stand_in.url, ZONE))
            with patch("os.fsync"):
                await ours.link(accounts)
                await settle(ours)
            yield ours
        await store.close()


async def compare(
    opened: int, accounts: int, rounds: int, changes: list[str]
) -> tuple[dict[str, tuple[Rates, Rates]], StandInLoad]:
    """Return the rates of ours and of the plain way for each change, and how busy the stand-in was."""
    found: dict[str, tuple[Rates, Rates]] = defaultdict(lambda: (Rates(), Rates()))
    shares = list[float]()
    async with provider(opened) as stand_in, linked(stand_in, accounts) as ours:
        alone = await rate_alone(stand_in)
        await read_plainly(stand_in.url, accounts, credit=opened > 0)
        for _ in range(rounds):
            with patch("os.fsync"):
                await settle(ours)
            for change in changes:
                if command := CHANGES[change][0]:
                    await stand_in.change(*command.split())
                our_rates, plain_rates = found[change]
                work = Work()
                await read_plainly(stand_in.url, accounts, credit=opened > 0)
                plain_rates.add(accounts, work)
                work, busy = Work(), Work(stand_in.pid)
                await ours.check_all()
                our_rates.add(accounts, work)
                shares.append(busy.share)
                with patch("os.fsync"):
                    told = await ours.tell_all()
                assert told == (accounts if change == "told" else accounts // 100 if change == "few" else 0), told
    return dict(found), StandInLoad(alone, tuple(shares))


def measure(accounts: int = ACCOUNTS, rounds: int = ROUNDS, kinds: dict[str, list[str]] | None = None) -> list[Figure]:
    """Return the checks a second for each kind of account and each change. With nothing open, nothing can be told."""
    logs.configure("WARNING", "console")
    figures, loads = list[Figure](), list[StandInLoad]()
    with no_full_collections():
        for kind, changes in (kinds or {"": ["unchanged", "changed"], "_open": list(CHANGES)}).items():
            opened, account = OPEN[kind]
            found, load = asyncio.run(compare(opened, accounts, rounds, changes))
            loads.append(load)
            for change, (ours, plain) in found.items():
                name, what = f"checks.{change}{kind}", f"checks, {account}: {CHANGES[change][1]}"
                cores = (tuple(ours.of_a_core), tuple(plain.of_a_core))
                clock = (tuple(ours.by_the_clock), tuple(plain.by_the_clock))
                figures.append(Figure(name, what, "a second of a core", *cores, THAN))
                figures.append(Figure(f"{name}.clock", f"{what}, by the clock", "a second", *clock, THAN))
    busiest = max(loads, key=lambda load: max(load.shares))
    return [*figures, *busiest.figures("checks.stand_in", "the provider's stand-in")]


if __name__ == "__main__":
    asked_accounts, asked_rounds = [*map(int, sys.argv[1:]), *(ACCOUNTS, ROUNDS)[len(sys.argv) - 1 :]]
    show(measure(asked_accounts, asked_rounds))
