"""Contract of leader leases, of token buckets that all processes share, and of the backlog."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from bot.ports import Backlog, Lease, Store
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    SECOND,
    Opener,
    claim_alert,
    claim_check,
    linked,
    with_alerts,
)

LEASE_NAME = "polling"


async def take(store: Store, holder: str, now: datetime = NOW) -> Lease:
    lease = await store.take_lease(LEASE_NAME, holder, now, MINUTE)
    assert lease is not None
    return lease


async def count_taken(store: Store, now: datetime, burst: int, rate: float = 2.0, name: str = "telegram") -> int:
    """Return how many tokens a bucket gives at one moment before it asks to wait."""
    count = 0
    while not await store.take_from_bucket(name, now, rate, burst):
        count += 1
    return count


class LeaseContract:
    """Leader leases, token buckets, backlog."""

    async def test_a_lease_has_one_holder_until_it_ends(self, opener: Opener) -> None:
        store = await opener.open()
        held = await take(store, "a")
        assert (held.name, held.until) == (LEASE_NAME, NOW + MINUTE)
        assert await store.take_lease(LEASE_NAME, "b", NOW + MINUTE - SECOND, MINUTE) is None
        assert (await take(store, "b", NOW + MINUTE)).fencing_token != held.fencing_token
        assert await store.take_lease(LEASE_NAME, "a", NOW + MINUTE, MINUTE) is None

    async def test_a_holder_extends_its_lease_under_the_same_fencing_token(self, opener: Opener) -> None:
        store = await opener.open()
        held = await take(store, "a")
        assert await take(store, "a", NOW + 30 * SECOND) == Lease(LEASE_NAME, held.fencing_token, NOW + 90 * SECOND)
        assert await store.take_lease(LEASE_NAME, "b", NOW + MINUTE, MINUTE) is None

    async def test_a_lease_that_ended_gets_a_new_fencing_token_even_for_its_old_holder(self, opener: Opener) -> None:
        store = await opener.open()
        held = await take(store, "a")
        assert (await take(store, "a", NOW + HOUR)).fencing_token != held.fencing_token

    async def test_a_lease_that_was_given_back_can_be_taken_at_once(self, opener: Opener) -> None:
        store = await opener.open()
        held = await take(store, "a")
        assert await store.give_back_lease(held)
        assert (await take(store, "b", NOW)).fencing_token != held.fencing_token

    async def test_a_lease_that_another_holder_took_over_cannot_be_given_back(self, opener: Opener) -> None:
        store = await opener.open()
        lost = await take(store, "a")
        await take(store, "b", NOW + MINUTE)
        assert not await store.give_back_lease(lost)
        assert await store.take_lease(LEASE_NAME, "c", NOW + MINUTE, MINUTE) is None

    async def test_with_free_only_a_lease_that_ended_stays_with_its_holder(self, opener: Opener) -> None:
        store = await opener.open()
        held = await take(store, "a")
        assert await store.take_lease(LEASE_NAME, "b", NOW + HOUR, MINUTE, free_only=True) is None
        extended = await store.take_lease(LEASE_NAME, "a", NOW + HOUR, MINUTE, free_only=True)
        assert extended is not None
        assert extended.fencing_token != held.fencing_token
        assert await store.give_back_lease(extended)
        assert await store.take_lease(LEASE_NAME, "b", NOW + HOUR, MINUTE, free_only=True) is not None

    async def test_leases_with_different_names_are_independent(self, opener: Opener) -> None:
        store = await opener.open()
        await take(store, "a")
        assert await store.take_lease("another", "b", NOW, MINUTE) is not None

    async def test_only_one_of_many_concurrent_callers_gets_a_lease(self, opener: Opener) -> None:
        store = await opener.open()
        leases = await asyncio.gather(*(store.take_lease(LEASE_NAME, str(n), NOW, MINUTE) for n in range(20)))
        assert len([lease for lease in leases if lease]) == 1

    async def test_a_bucket_gives_its_burst_and_then_its_rate(self, opener: Opener) -> None:
        store = await opener.open()
        assert await count_taken(store, NOW, burst=5) == 5
        assert await store.take_from_bucket("telegram", NOW, 2.0, 5) == pytest.approx(0.5)
        assert await count_taken(store, NOW + 3 * SECOND / 4, burst=5) == 1
        assert await count_taken(store, NOW + SECOND, burst=5) == 1
        assert await count_taken(store, NOW + HOUR, burst=5) == 5

    async def test_a_refused_request_takes_nothing_from_the_bucket(self, opener: Opener) -> None:
        store = await opener.open()
        await count_taken(store, NOW, burst=1)
        for _ in range(10):
            assert await store.take_from_bucket("telegram", NOW, 2.0, 1) == pytest.approx(0.5)
        assert await store.take_from_bucket("telegram", NOW + SECOND / 2, 2.0, 1) == 0.0

    async def test_a_smaller_burst_leaves_the_difference_to_a_larger_one(self, opener: Opener) -> None:
        store = await opener.open()
        assert await count_taken(store, NOW, burst=3) == 3
        assert await count_taken(store, NOW, burst=5) == 2
        assert await store.take_from_bucket("telegram", NOW, 2.0, 3) == pytest.approx(1.5)

    async def test_buckets_are_independent_and_a_clock_set_back_fills_none(self, opener: Opener) -> None:
        store = await opener.open()
        assert await count_taken(store, NOW, burst=2) == 2
        assert await count_taken(store, NOW, burst=2, name="chat:1") == 2
        assert await count_taken(store, NOW - HOUR, burst=2) == 0

    async def test_concurrent_callers_take_no_more_than_a_bucket_holds(self, opener: Opener) -> None:
        store = await opener.open()
        waits = await asyncio.gather(*(store.take_from_bucket("telegram", NOW, 2.0, 5) for _ in range(20)))
        assert len([wait for wait in waits if not wait]) == 5

    async def test_without_work_there_is_no_backlog(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        assert await store.backlog(NOW) == Backlog(None, None, 0, 0)

    async def test_the_backlog_says_since_when_the_longest_overdue_check_is_due(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert (await store.backlog(NOW + HOUR)).check_due_since == link.next_check_at
        await claim_check(store, NOW + HOUR)
        assert (await store.backlog(NOW + HOUR)).check_due_since is None
        assert (await store.backlog(NOW + HOUR + LEASE)).check_due_since == NOW + HOUR + LEASE

    async def test_the_backlog_counts_alerts_and_says_since_when_a_message_is_due(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        await with_alerts(store, 3, chat_id=OTHER)
        assert await store.backlog(NOW + MINUTE) == Backlog(None, NOW, 3, 0)
        first, second = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
        assert await store.backlog(NOW + MINUTE) == Backlog(None, None, 3, 0)
        assert await store.move_to_dead_letters(first.claim)
        assert await store.alerts_failed(second.claim, NOW + HOUR, uncertain=False, counts=False)
        dead = len(first.alerts)
        assert await store.backlog(NOW + 2 * MINUTE) == Backlog(None, None, 3 - dead, dead)
        assert (await store.backlog(NOW + 2 * HOUR)).message_due_since == NOW + HOUR

    async def test_a_resting_chat_is_behind_with_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.rest(CHAT, "blocked")
        backlog = await store.backlog(NOW + HOUR)
        assert (backlog.check_due_since, backlog.message_due_since, backlog.waiting) == (None, None, 1)

    async def test_delivered_alerts_are_no_backlog(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        assert await store.alerts_sent(claim, None, ())
        assert await store.backlog(NOW + MINUTE) == Backlog(None, None, 0, 0)
