"""A lease that one of several replicas holds: while the store is there, while it is away, and once it is back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import StoreAway
from bot.ports import Lease
from bot.services.leader_lease import HELD_AT_LEAST, LEASE_DURATION, TAKEOVER_DELAY, LeaderLease
from bot.store.tinydb.memory import Leases

SECOND = timedelta(seconds=1)


class Shared:
    """A store of leases that can be away. ``asked`` counts the calls."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.away = False
        self.asked = 0
        self.takes = timedelta()
        self._leases = Leases()

    def clock(self) -> datetime:
        return self.now

    def lease_of(self, holder: str) -> LeaderLease:
        return LeaderLease("polling", holder, self, self.clock)

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        self._answer()
        self.now += self.takes
        return await self._leases.take(name, holder, now, duration, free_only=free_only)

    async def give_back_lease(self, lease: Lease) -> bool:
        self._answer()
        return await self._leases.give_back(lease)

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise StoreAway


@pytest.fixture
def shared() -> Shared:
    return Shared()


async def wait(shared: Shared, role: LeaderLease, span: timedelta) -> None:
    """Let time pass while a replica without the lease asks for it now and then."""
    end = shared.now + span
    while shared.now < end:
        assert not await role.acquire_or_renew()
        shared.now += min(5 * SECOND, end - shared.now)


async def test_one_holds_it_and_another_takes_over_within_a_minute_of_a_kill(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    assert await first.acquire_or_renew()
    await wait(shared, second, LEASE_DURATION)
    assert await second.acquire_or_renew()
    assert not await first.acquire_or_renew()
    assert not first.is_leader


async def test_it_is_prolonged_in_time_and_without_asking_the_store_each_time(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    for _ in range(600):
        assert await first.acquire_or_renew()
        shared.now += SECOND
    assert not await second.acquire_or_renew()
    assert shared.asked < 600 / 10 + 10


async def test_there_is_time_enough_left_for_a_poll_whenever_it_is_held(shared: Shared) -> None:
    role, other = shared.lease_of("a"), shared.lease_of("b")
    for _ in range(100):
        assert await role.acquire_or_renew()
        before = shared.now
        shared.now += HELD_AT_LEAST - SECOND
        assert not await other.acquire_or_renew()
        shared.now = before + SECOND
    assert HELD_AT_LEAST < LEASE_DURATION


async def test_given_back_it_is_free_at_once(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    await first.release()
    assert not first.is_leader
    assert await second.acquire_or_renew()


async def test_while_the_store_is_away_the_holder_keeps_it_and_nobody_else_gets_it(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    shared.away = True
    for _ in range(100):
        shared.now += TAKEOVER_DELAY - SECOND
        assert await first.acquire_or_renew()
        assert not await second.acquire_or_renew()


async def test_once_the_store_is_back_others_wait_until_it_was_prolonged(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    shared.away = True
    for _ in range(200):
        shared.now += TAKEOVER_DELAY - SECOND
        assert await first.acquire_or_renew()
        assert not await second.acquire_or_renew()
    shared.away = False
    assert not await second.acquire_or_renew()
    shared.now += TAKEOVER_DELAY - SECOND
    assert not await second.acquire_or_renew()
    assert await first.acquire_or_renew()
    shared.now += 2 * SECOND
    assert not await second.acquire_or_renew()


async def test_once_the_store_is_back_a_lease_that_nobody_holds_any_more_is_taken(shared: Shared) -> None:
    second = shared.lease_of("b")
    await shared.lease_of("a").acquire_or_renew()
    shared.away = True
    shared.now += timedelta(hours=1)
    assert not await second.acquire_or_renew()
    shared.away = False
    await wait(shared, second, TAKEOVER_DELAY)
    assert await second.acquire_or_renew()


async def test_a_holder_that_learns_of_another_lets_go_even_while_the_store_is_away(shared: Shared) -> None:
    role = shared.lease_of("a")
    await role.acquire_or_renew()
    shared.away = True
    role.step_down()
    assert not await role.acquire_or_renew()


async def test_an_answer_to_a_process_that_was_frozen_meanwhile_does_not_count(shared: Shared) -> None:
    role = shared.lease_of("a")
    shared.takes = timedelta(minutes=2)
    assert not await role.acquire_or_renew()
    shared.takes = timedelta()
    assert await role.acquire_or_renew()


async def test_a_holder_that_was_frozen_and_finds_the_store_away_lets_go(shared: Shared) -> None:
    first, second = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    await wait(shared, second, LEASE_DURATION)
    assert await second.acquire_or_renew()
    shared.away = True
    assert not await first.acquire_or_renew()
    shared.away = False
    assert not await first.acquire_or_renew()


async def test_a_holder_that_finds_the_store_away_while_its_lease_is_good_goes_on(shared: Shared) -> None:
    role = shared.lease_of("a")
    await role.acquire_or_renew()
    shared.away = True
    shared.now += LEASE_DURATION - SECOND
    assert await role.acquire_or_renew()


async def test_a_replica_that_starts_when_the_store_is_just_back_waits_as_the_others_do(shared: Shared) -> None:
    first, newcomer = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    shared.now += timedelta(hours=1)
    assert not await newcomer.acquire_or_renew()
    assert await first.acquire_or_renew()
    shared.now += TAKEOVER_DELAY
    assert not await newcomer.acquire_or_renew()


async def test_a_replica_that_waits_takes_a_lease_that_was_given_back(shared: Shared) -> None:
    first = shared.lease_of("a")
    await first.acquire_or_renew()
    await first.release()
    assert await shared.lease_of("b").acquire_or_renew()


async def test_who_is_begun_anew_after_a_kill_has_its_role_again_within_a_minute(shared: Shared) -> None:
    await shared.lease_of("a").acquire_or_renew()
    for name, waited in {"a at once": timedelta(0), "a an hour later": timedelta(hours=1)}.items():
        shared.now += waited
        again = shared.lease_of(name)
        await wait(shared, again, TAKEOVER_DELAY if waited else LEASE_DURATION)
        assert await again.acquire_or_renew()


async def test_a_replica_that_was_frozen_while_the_store_was_away_waits_too(shared: Shared) -> None:
    first, frozen = shared.lease_of("a"), shared.lease_of("b")
    await first.acquire_or_renew()
    await wait(shared, frozen, 10 * SECOND)
    shared.away = True
    shared.now += LEASE_DURATION - 11 * SECOND
    assert await first.acquire_or_renew()
    shared.now += 2 * SECOND
    shared.away = False
    assert not await frozen.acquire_or_renew()
    assert await first.acquire_or_renew()
    await wait(shared, frozen, TAKEOVER_DELAY + SECOND)
