"""Compare the PostgreSQL store's operations per second with bare transactions on the same database, in one run.

    python -m benchmarks.postgres [chats] [at_once]

A bare transaction is the least that one chat's change costs: begin, lock a row, update it, commit. It takes the same
pool and the same concurrency. The benchmark claims due checks in batches, and finishes each in its own transaction:
first without news, then with an alert. It claims messages in batches, and notes each as sent. Each chat knows 30
invoices. The database is a temporary one on this machine, with fsync, reached through a socket. A network adds a round
trip to each statement (four per transaction), but many concurrent transactions keep most of their rate.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.figures import Figure, show
from bot.ports import Check, Delivery
from bot.store.postgres.connections import Cursor
from bot.store.postgres.opening import open_store
from bot.store.store import Store
from bot.store.vault import new_key
from tests.store.backends import database_of
from tests.store.cluster import temporary_cluster
from tests.store.examples import NOW, checked, knowledge, new_alert, new_link

LEASE = timedelta(minutes=5)
BATCH = 50
ROUNDS = 3
CONNECTIONS = 10
CHATS, AT_ONCE = 2000, 20
BARE = "bare transactions"
KNOWN = knowledge(*range(1, 31))

Rates = dict[str, float]


async def at_once(count: int, works: Sequence[Callable[[], Awaitable[Any]]]) -> float:
    """Run all ``works``, ``count`` at the same time. Return how many per second."""
    queue = iter(works)

    async def worker() -> None:
        for work in queue:
            await work()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(count)))
    return len(works) / (time.perf_counter() - began)


async def bare(store: Store, chats: int, count: int) -> float:
    async def change(cursor: Cursor, chat_id: int) -> None:
        await cursor.execute("SELECT id FROM chats WHERE id = %s FOR UPDATE", [chat_id])
        await cursor.fetchone()
        await cursor.execute("UPDATE chats SET check_due = check_due WHERE id = %s", [chat_id])

    def one(chat_id: int) -> Callable[[], Awaitable[Any]]:
        return lambda: database_of(store).run(lambda cursor: change(cursor, chat_id))

    return await at_once(count, [one(chat_id) for chat_id in range(1, chats + 1)])


async def claim_all(claim: Callable[[], Awaitable[Sequence[Any]]]) -> tuple[float, list[Any]]:
    """Claim in batches until nothing is due. Return the claims per second, and the claims."""
    claimed: list[Any] = []
    began = time.perf_counter()
    while batch := await claim():
        claimed += batch
    return len(claimed) / (time.perf_counter() - began), claimed


async def one_round(store: Store, number: int, chats: int, count: int) -> Rates:
    """Check all chats twice, the second time with news, and deliver the alerts."""
    now = NOW + timedelta(hours=2 * number + 1)
    rates: Rates = {BARE: await bare(store, chats, count)}

    def finish(check: Check, *alert: Any, later: timedelta) -> Callable[[], Awaitable[Any]]:
        return lambda: store.finish_check(check.claim, checked(check, *alert, now=now, next_check_at=now + later))

    rate, checks = await claim_all(lambda: store.claim_checks(now, BATCH, LEASE))
    rates["checks claimed"] = rate
    soon = timedelta(minutes=1)
    rates["checks finished, nothing new"] = await at_once(count, [finish(check, later=soon) for check in checks])
    _, checks = await claim_all(lambda: store.claim_checks(now + soon, BATCH, LEASE))
    works = []
    for check in checks:
        assert check.chat.link is not None
        alert = new_alert(check.chat.link, 1, f"{number}-{check.chat.id}", now)
        works.append(finish(check, alert, later=timedelta(hours=1)))
    rates["checks finished, one alert"] = await at_once(count, works)
    rate, deliveries = await claim_all(lambda: store.claim_alerts(now + soon, BATCH, LEASE))
    rates["messages claimed"] = rate

    def sent(delivery: Delivery) -> Callable[[], Awaitable[Any]]:
        return lambda: store.alerts_sent(delivery.claim, None, ())

    rates["messages noted as sent"] = await at_once(count, [sent(delivery) for delivery in deliveries])
    assert len(checks) == len(deliveries) == chats
    return rates


async def run_rounds(url: str, chats: int, count: int) -> list[Rates]:
    store = await open_store(url, [new_key()], connections=CONNECTIONS, timeout=60, clock=lambda: NOW)
    links = [new_link(store, chat_id) for chat_id in range(1, chats + 1)]
    await at_once(count, [lambda link=link: store.link(link, KNOWN) for link in links])  # type: ignore[misc]
    rounds = [await one_round(store, number, chats, count) for number in range(ROUNDS + 1)][1:]
    await store.close()
    return rounds


def measure(chats: int = CHATS, count: int = AT_ONCE) -> list[Figure]:
    """Return how many a second there are of each, beside bare transactions."""
    with temporary_cluster(fsync="on") as cluster:
        rounds = asyncio.run(run_rounds(cluster.make_database("benchmark"), chats, count))
    found = {name: tuple(rates[name] for rates in rounds) for name in rounds[0]}
    bare_rates = found.pop(BARE)
    return [Figure(f"postgres.{name}", name, "a second", rates, bare_rates, BARE) for name, rates in found.items()]


if __name__ == "__main__":
    wanted_chats, wanted_at_once = [*map(int, sys.argv[1:]), *(CHATS, AT_ONCE)[len(sys.argv) - 1 :]]
    show(measure(wanted_chats, wanted_at_once))
