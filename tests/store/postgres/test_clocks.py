"""Leases that a clock took which was ahead: they end by the database's own clock. And that clock is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.store.postgres.opening import open_store
from bot.store.vault import new_key
from tests.store.examples import HOUR, LEASE, MINUTE, NOW, claim_alert, claim_check, with_alerts

KEY = new_key()
STEPS = [2 * MINUTE, 2 * HOUR, timedelta(days=40), timedelta(days=3660)]


@pytest.mark.parametrize("step", STEPS, ids=["minutes", "hours", "days", "years"])
async def test_a_lease_of_a_clock_that_is_ahead_is_left_to_its_holder_until_it_is_over_by_the_databases(
    database: str, step: timedelta
) -> None:
    store = await open_store(database, [KEY])
    await with_alerts(store, 1)
    check, (message, _) = await claim_check(store, NOW + step + HOUR), await claim_alert(store, NOW + step + HOUR)
    for now in (NOW + MINUTE, NOW + MINUTE + LEASE):
        assert await store.claim_checks(now, 10, LEASE) == []
        assert await store.claim_alerts(now, 10, LEASE) == []
    with psycopg.connect(database) as connection:
        for work in ("check", "message"):
            connection.execute(f"UPDATE chats SET {work}_leased_at = {work}_leased_at - interval '5 minutes'".encode())
    again = await claim_check(store, NOW + MINUTE)
    (delivery,) = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
    assert not await store.postpone_check(check.claim, NOW)
    assert not await store.alerts_sent(message, None, ())
    assert await store.postpone_check(again.claim, NOW)
    assert await store.alerts_sent(delivery.claim, None, ())
    await store.close()


async def test_the_databases_time_is_told_before_the_store_is_open(database: str) -> None:
    told: list[datetime] = []
    store = await open_store(database, [KEY], on_time=told.append)
    await store.close()
    assert told[0].tzinfo is UTC
    assert abs(told[0] - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_lease_that_a_process_of_the_release_before_took_ends_as_usual(database: str) -> None:
    store = await open_store(database, [KEY])
    await with_alerts(store, 1)
    await claim_check(store, NOW + HOUR)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE chats SET check_set_at = NULL, check_leased_at = NULL")
    assert await store.claim_checks(NOW + HOUR + MINUTE, 10, LEASE) == []
    assert (await claim_check(store, NOW + HOUR + LEASE)).known
    await store.close()
