"""All processes together keep to the provider's rate limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.errors import RateLimited
from bot.limiter import Limiter, RateLimit
from bot.provider.client import ProviderClient
from bot.store.tinydb.memory import TokenBuckets
from tests.provider.world import BERLIN, NOW, QUICK_RETRIES, World, open_quickly


class Hour:
    """A token bucket for ten requests an hour. Its clock stands still except during waits."""

    def __init__(self) -> None:
        self.now = NOW
        self._budgets = TokenBuckets()

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        return await self._budgets.take(name, now, rate, burst, capacity)

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def limiter(self, burst: int, rate: float = 10 / 3600) -> Limiter:
        return Limiter("provider", RateLimit(rate, burst), self, lambda: self.now, self.sleep)


@pytest.fixture
def hour() -> Hour:
    return Hour()


@pytest.fixture
async def client(world: World, hour: Hour) -> AsyncIterator[ProviderClient]:
    async with open_quickly() as http:
        yield ProviderClient(
            http, world.base_url, BERLIN, retries=QUICK_RETRIES, clock=lambda: NOW, limiter=hour.limiter(2)
        )


async def test_beyond_the_limit_no_request_is_sent(world: World, client: ProviderClient) -> None:
    for _ in range(2):
        await client.list_invoices(world.token, "en")
    with pytest.raises(RateLimited) as refused:
        await client.list_invoices(world.token, "en")
    assert refused.value.retry_after == pytest.approx(360)
    assert len(world.sandbox.requests) == 2


async def test_a_read_waits_for_its_turn_if_that_comes_soon(world: World, hour: Hour) -> None:
    async with open_quickly() as http:
        limiter = hour.limiter(1, rate=1)
        client = ProviderClient(http, world.base_url, BERLIN, retries=QUICK_RETRIES, clock=lambda: NOW, limiter=limiter)
        for _ in range(3):
            await client.list_invoices(world.token, "en")
    assert hour.now == NOW + timedelta(seconds=2)


async def test_a_payment_waits_beforehand_and_its_request_leaves_at_once(world: World, client: ProviderClient) -> None:
    invoice = world.sandbox.create_invoice(world.account, amount=world.account.credit)
    for _ in range(2):
        await client.make_room()
    with pytest.raises(RateLimited):
        await client.make_room()
    await client.pay(world.token, "en", invoice.id)
    assert invoice.status == "Paid"
