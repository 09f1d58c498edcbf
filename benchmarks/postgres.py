"""Compare the PostgreSQL store's operations per second with bare transactions on the same database, in one run.

    python -m benchmarks.postgres [chats] [at_once]

A bare transaction is the least that one chat's change costs by itself: begin, lock a row, update it, commit. It takes
the same pool and the same concurrency. The benchmark claims due checks in batches, and ends each by itself, as many at
once as a process has checks under way: without news; with an alert and nothing else, as when a token is refused; and
with an alert and what is known of an invoice, as for a reminder, where all that the chat knows is written. It claims
messages in batches, and notes each as sent. Each chat knows 30 invoices.

A step of a payment is timed while as many others save what they can: messages that are edited, or bare transactions.

The database is a temporary one on this machine, with fsync, reached through a socket. A network adds a round trip to
each statement.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from benchmarks.figures import Figure, show
from bot.domain.payments import State
from bot.factories import CHECKS_AT_ONCE
from bot.garbage import no_full_collections
from bot.ports import Check, Delivery
from bot.store.postgres.connections import Cursor
from bot.store.postgres.opening import open_store
from bot.store.store import Store
from bot.store.vault import new_key
from tests.store.backends import database_of
from tests.store.cluster import temporary_cluster
from tests.store.examples import NOW, checked, knowledge, message_about, new_alert, new_link, new_payment

LEASE = timedelta(minutes=5)
BATCH = 50
ROUNDS = 5
CHATS = 2000
CONNECTIONS = 10
STEPS = 30
KNOWN = knowledge(*range(1, 31))

BARE = "bare transactions"
STEP, STEP_AMONG_BARE = "step of a payment", "step of a payment among bare transactions"

Rounds = dict[str, list[float]]
Make = Callable[[], Awaitable[Any]]


async def at_once(count: int, works: Sequence[Make]) -> float:
    """Run all ``works``, ``count`` at the same time. Return how many per second."""
    queue = iter(works)

    async def worker() -> None:
        for work in queue:
            assert await work() is not False  # a claim was lost

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(count)))
    return len(works) / (time.perf_counter() - began)


def bare(store: Store, chats: int) -> list[Make]:
    async def change(cursor: Cursor, chat_id: int) -> None:
        await cursor.execute("SELECT id FROM chats WHERE id = %s FOR UPDATE", [chat_id])
        await cursor.fetchone()
        await cursor.execute("UPDATE chats SET check_due = check_due WHERE id = %s", [chat_id])

    def one(chat_id: int) -> Make:
        return lambda: database_of(store).run(lambda cursor: change(cursor, chat_id))

    return [one(chat_id) for chat_id in range(1, chats + 1)]


async def claim_all(claim: Callable[[], Awaitable[Sequence[Any]]]) -> tuple[float, list[Any]]:
    """Claim in batches until nothing is due. Return the claims per second, and the claims."""
    claimed: list[Any] = []
    began = time.perf_counter()
    while batch := await claim():
        claimed += batch
    return len(claimed) / (time.perf_counter() - began), claimed


async def one_round(store: Store, number: int, chats: int, count: int, results: Rounds) -> None:
    """Check all chats three times, twice with news, and deliver the alerts."""
    now = NOW + timedelta(hours=2 * number + 1)
    soon, later = now + timedelta(minutes=1), now + timedelta(hours=1)
    results[BARE].append(await at_once(count, bare(store, chats)))

    def without_news(check: Check) -> Make:
        return lambda: store.finish_check(check.claim, checked(check, now=now, next_check_at=soon))

    def with_alert(check: Check, **learned: Any) -> Make:
        assert check.chat.link is not None
        alert = new_alert(check.chat.link, 1, f"{number}-{check.chat.id}", now)
        found = checked(check, alert, now=now, next_check_at=later if learned else soon, **learned)
        return lambda: store.finish_check(check.claim, found)

    def with_news(check: Check) -> Make:
        return with_alert(check, known={**check.known, 1: replace(check.known[1], told=number)})

    def sent(delivery: Delivery) -> Make:
        message = replace(message_about(1, message_id=number, place=delivery.chat.link.place), sent_at=now)  # type: ignore[union-attr]
        return lambda: store.alerts_sent(delivery.claim, message, (1,))

    rate, checks = await claim_all(lambda: store.claim_checks(now, BATCH, LEASE))
    results["checks claimed"].append(rate)
    results["checks finished, nothing new"].append(await at_once(count, [without_news(check) for check in checks]))
    _, checks = await claim_all(lambda: store.claim_checks(soon, BATCH, LEASE))
    results["checks finished, one alert"].append(await at_once(count, [with_alert(check) for check in checks]))
    _, checks = await claim_all(lambda: store.claim_checks(soon, BATCH, LEASE))
    results["checks finished, one reminder"].append(await at_once(count, [with_news(check) for check in checks]))
    # Before the claims: the bot itself writes to no claimed chat as these do.
    results[STEP_AMONG_BARE].append(await payment_step(store, f"bare-{number}", bare(store, chats), count))
    rate, deliveries = await claim_all(lambda: store.claim_alerts(soon, BATCH, LEASE))
    results["messages claimed"].append(rate)
    edits: list[Make] = [lambda d=d: store.message_edited(d.claim, 1, ()) for d in deliveries]  # type: ignore[misc]
    results[STEP].append(await payment_step(store, f"ours-{number}", edits, count))
    results["messages noted as sent"].append(await at_once(count, [sent(delivery) for delivery in deliveries]))
    assert len(checks) == len(deliveries) == chats


async def payment_step(store: Store, name: str, load: Sequence[Make], count: int) -> float:
    """Return the median time of a step of a payment in milliseconds, while ``count`` others save something."""
    times = []
    async with under_load(load, count):
        for step in range(STEPS):
            payment = new_payment(f"{name}-{step}", account=f"{name}-{step}")
            await store.add_payment(payment)
            began = time.perf_counter()
            assert await store.advance_payment(replace(payment, state=State.CONFIRMED), State.ASKED)
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


@asynccontextmanager
async def under_load(works: Sequence[Make], count: int) -> AsyncIterator[None]:
    """Let ``count`` workers do these works again and again."""
    queue, over = cycle(works), False

    async def worker() -> None:
        while not over:
            assert await next(queue)() is not False

    workers = [asyncio.create_task(worker()) for _ in range(count)]
    try:
        yield
    finally:
        over = True
        await asyncio.gather(*workers)


async def all_rounds(url: str, chats: int, count: int, clock: datetime = NOW) -> Rounds:
    """Return the results of each round. The first one only warms up."""
    store = await open_store(url, [new_key()], connections=CONNECTIONS, timeout=60, clock=lambda: clock)
    links = [new_link(store, chat_id) for chat_id in range(1, chats + 1)]
    await at_once(count, [lambda link=link: store.link(link, KNOWN) for link in links])  # type: ignore[misc]
    results: Rounds = defaultdict(list)
    for number in range(ROUNDS + 1):
        await one_round(store, number, chats, count, results)
    await store.close()
    return {name: rounds[1:] for name, rounds in results.items()}


def measure(chats: int = CHATS, count: int = CHECKS_AT_ONCE) -> list[Figure]:
    with temporary_cluster(fsync="on") as cluster, no_full_collections():
        results = asyncio.run(all_rounds(cluster.make_database("benchmark"), chats, count))
    found = {name: tuple(rounds) for name, rounds in results.items()}
    bare_rates, step, among_bare = (found.pop(name) for name in (BARE, STEP, STEP_AMONG_BARE))
    rates = [
        Figure(f"postgres.{name}", f"PostgreSQL: {name}", "a second", ours, bare_rates, BARE)
        for name, ours in found.items()
    ]
    words = "a step of a payment while messages are edited"
    return [*rates, Figure("postgres.payment_step", words, "ms", step, among_bare, "among bare transactions")]


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
