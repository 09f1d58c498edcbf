"""The database as a backend."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from bot.domain.deliveries import Claim
from bot.domain.unchanged import Unchanged
from bot.domain.waits import CLOCKS_AGREE_WITHIN, cut
from bot.errors import StoreAway
from bot.ports import Clock, Lease, utc_now
from bot.store.backend import ChangeHeld, Held, Work
from bot.store.postgres.claimed import ClaimedChat, ClaimedChats
from bot.store.postgres.claims import GlanceEnd
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.gathering import Gathering
from bot.store.postgres.held_changes import HeldChanges
from bot.store.postgres.transaction import PostgresTransaction

log = structlog.get_logger()

T = TypeVar("T")

HEARTBEAT_EVERY = 20.0
"""Seconds between two heartbeats."""

DEAD_AFTER = 60
"""Seconds without one, by the database's clock, after which a process counts as dead."""

HEARTBEAT = "INSERT INTO replicas (id, seen_at) VALUES (%s, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()"
STOP_HEARTBEAT = "DELETE FROM replicas WHERE id = %s"
DROP_DEAD = "DELETE FROM replicas WHERE abs(extract(epoch FROM now() - seen_at)) > %s"  # its clock may have been set
COUNT_REPLICAS = "SELECT count(*) FROM replicas WHERE abs(extract(epoch FROM now() - seen_at)) < %s"

TAKE_LEASE = """
    INSERT INTO leases AS held (name, holder, epoch, until) VALUES (%(name)s, %(holder)s, nextval('epochs'), %(until)s)
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder,
        until = excluded.until,
        epoch = CASE WHEN held.until > %(now)s THEN held.epoch ELSE excluded.epoch END
    WHERE held.until <= %(now)s AND NOT %(free_only)s OR held.holder = excluded.holder
    RETURNING epoch
"""
CUT_LEASE = "UPDATE leases SET until = %(until)s WHERE name = %(name)s AND until > %(until)s + %(agree)s"
GIVE_BACK_LEASE = "DELETE FROM leases WHERE name = %(name)s AND epoch = %(fencing_token)s RETURNING epoch"
TAKE_FROM_BUCKET = """
    INSERT INTO budgets AS held (name, full_at) VALUES (%(name)s, %(now)s + %(one)s)
    ON CONFLICT (name) DO UPDATE SET full_at = greatest(%(now)s, held.full_at) + %(one)s
    WHERE greatest(%(now)s, held.full_at) + %(one)s <= %(now)s + %(all)s
    RETURNING full_at
"""


class PostgresBackend:
    """Implement :class:`bot.store.backend.Backend`. All of it may raise :class:`bot.errors.StoreAway`.

    A process that runs a bot sends heartbeats under a ``process`` name of its own. With each it passes the database's
    time to ``on_time``.
    """

    name = "the database"
    secret_place = "the database's table `store`"

    def __init__(
        self, connections: Connections, clock: Clock = utc_now, on_time: Callable[[datetime], None] = lambda _: None
    ) -> None:
        self.connections = connections
        self._clock = clock
        self._on_time = on_time
        self._process = secrets.token_hex(8)
        self._heartbeats: asyncio.Task[None] | None = None
        self._claimed = ClaimedChats()
        self._held_changes = {what: HeldChanges(connections, self._claimed, what) for what in Held}
        self._glances: Gathering[GlanceEnd, bool] = Gathering(self._end_glances)

    async def run(self, work: Work[T]) -> T:
        async def whole(cursor: Cursor) -> tuple[T, list[ClaimedChat]]:
            t = PostgresTransaction(cursor)
            return await work(t), t.claimed

        result, claimed = await self.connections.run(whole)
        self._claimed.keep(claimed)
        return result

    async def change_held(self, what: Held, claim: Claim, change: ChangeHeld) -> bool:
        return await self._held_changes[what].make(claim, change)

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        end = GlanceEnd(int(claim.key), now, next_check_at, seen)
        return await self._glances.add(claim.fencing_token, end)

    async def _end_glances(self, batch: Mapping[int, GlanceEnd]) -> dict[int, bool | Exception]:
        ended = await self.connections.run(lambda cursor: PostgresTransaction(cursor).end_glances(batch))
        return {token: token in ended for token in batch}

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        until = now + duration
        agree = CLOCKS_AGREE_WITHIN

        async def take(cursor: Cursor) -> Lease | None:
            t = PostgresTransaction(cursor)
            rows = await t.rows(TAKE_LEASE, name=name, holder=holder, now=now, until=until, free_only=free_only)
            if rows:
                return Lease(name, rows[0][0], until)
            await cursor.execute(CUT_LEASE, {"name": name, "until": until, "agree": agree})
            return None

        return await self.connections.run(take)

    async def give_back_lease(self, lease: Lease) -> bool:
        return bool(await self._rows(GIVE_BACK_LEASE, name=lease.name, fencing_token=lease.fencing_token))

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        one, everything = timedelta(seconds=1 / rate), timedelta(seconds=burst / rate)
        longest = timedelta(seconds=max(burst, capacity) / rate)

        async def take(cursor: Cursor) -> float:
            t = PostgresTransaction(cursor)
            if await t.rows(TAKE_FROM_BUCKET, name=name, now=now, one=one, all=everything):
                return 0.0
            held = await t.value("SELECT full_at FROM budgets WHERE name = %s", name) or now
            full_at = cut(held, now, longest)
            if full_at != held:
                await cursor.execute("UPDATE budgets SET full_at = %s WHERE name = %s", [full_at, name])
            return max(0.001, (max(now, full_at) + one - now - everything).total_seconds())

        return await self.connections.run(take)

    async def _rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        return await self.connections.run(lambda cursor: PostgresTransaction(cursor).rows(statement, **values))

    async def is_running(self) -> bool:
        return await self.connections.run(count_replicas) > 0

    async def beat(self) -> None:
        """Send a heartbeat, ask for the time, and delete what has expired."""
        loop = asyncio.get_running_loop()

        async def beat(cursor: Cursor) -> tuple[datetime, float]:
            await cursor.execute(HEARTBEAT, [self._process])
            await cursor.execute(DROP_DEAD, [10 * DEAD_AFTER])
            return await PostgresTransaction(cursor).value("SELECT clock_timestamp()"), loop.time()

        told, at = await self.connections.run(beat)
        self._on_time(told.astimezone(UTC) + timedelta(seconds=loop.time() - at))
        await self.run(lambda t: t.drop_expired(self._clock()))

    def keep_beating(self) -> None:
        """Send heartbeats until :meth:`close`."""

        async def go_on() -> None:
            while True:
                await asyncio.sleep(HEARTBEAT_EVERY)
                try:
                    await self.beat()
                except StoreAway:
                    continue
                except Exception:
                    log.exception("heartbeat failed")

        self._heartbeats = asyncio.create_task(go_on())

    async def close(self) -> None:
        """Stop the heartbeats, finish what was begun, and disconnect."""
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.gather(self._heartbeats, return_exceptions=True)
        await asyncio.gather(self._glances.settled(), *(each.settled() for each in self._held_changes.values()))
        with suppress(StoreAway):
            await self.connections.run(lambda cursor: cursor.execute(STOP_HEARTBEAT, [self._process]))
        await self.connections.close()


async def count_replicas(cursor: Cursor) -> int:
    """Return how many processes run on this database. A killed one counts for a minute more."""
    count: int = await PostgresTransaction(cursor).value(COUNT_REPLICAS, DEAD_AFTER)
    return count
