"""Somebody waits for credit: they are told once it suffices, whatever a wrong clock has made of it meanwhile."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan
from tests.fakes import invoice
from tests.services.world import BERLIN, DAY, DUE, MINUTE, World

UNKNOWN = ProviderCalendar()


async def waiting(world: World, calendar: ProviderCalendar = UNKNOWN, *, told: bool = True) -> None:
    """Link an account that lacks credit for invoice 7, and wish to hear when it is there.

    Not ``told``: the message of the new invoice has not been sent yet.
    """
    world.plan = CheckPlan(15 * MINUTE, BERLIN, calendar=calendar, currency="EUR")
    world.wire(lambda port: port)
    world.account.shows_credit, world.account.balance = True, Decimal(0)
    await world.link()
    world.account.put(invoice(7, DUE, "10.00"))
    world.noon(DUE - 10 * DAY)
    await world.check()
    await world.deliver(5 if told else 0)
    account = (await world.linked()).account
    assert await world.store.wish_for_credit(key_of(1), account, 7, world.clock.now)


@pytest.mark.parametrize("days", [12, 40, 400])
async def test_a_clock_that_was_ahead_ends_no_wish_for_credit(world: World, days: int) -> None:
    await waiting(world)
    await world.live(DUE + (days - 10) * DAY)
    await world.live(DUE - 8 * DAY)
    world.account.balance = Decimal(10)
    await world.live(DUE - 7 * DAY)
    assert AlertKind.CREDIT_THERE in {kind for kind, _, _ in world.told()}


async def test_credit_that_comes_on_the_day_of_the_deletion_is_told(world: World) -> None:
    await waiting(world, ProviderCalendar(suspend_after=0, delete_after=6))
    for days in (0, 5, 6):
        await world.live(DUE + days * DAY)
    world.account.balance = Decimal(10)
    world.at(DUE + 6 * DAY, 13)
    await world.check()
    await world.deliver(5)
    assert world.told()[-1][0] is AlertKind.CREDIT_THERE


async def test_credit_is_told_in_the_place_of_a_new_invoice_whose_message_still_waits(world: World) -> None:
    await waiting(world, told=False)
    world.account.balance = Decimal(10)
    world.clock.move(MINUTE)
    await world.check()
    await world.deliver(5)
    assert [kind for kind, _, _ in world.told()] == [AlertKind.CREDIT_THERE]


async def test_credit_that_comes_too_late_is_not_told_as_if_it_helped(world: World) -> None:
    await waiting(world)
    await world.live(DUE + DAY)
    world.account.balance = Decimal(10)
    await world.live(DUE + 3 * DAY)
    assert AlertKind.CREDIT_THERE not in {kind for kind, _, _ in world.told()}
