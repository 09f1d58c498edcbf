"""Checks that somebody asks for, and when the next one comes unasked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.chats import Silence, Trouble
from bot.errors import (
    CheckUnderWay,
    NotLinked,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    RateLimited,
    TokenRefused,
)
from bot.services.checks import Checker
from tests.fakes import Gate, invoice
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, START, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
QUARTER = timedelta(minutes=15)

# --- Asked for -------------------------------------------------------------------------------------------------------


async def look_now(world: World) -> list[int]:
    listing = await world.checker.check_now(await world.chat())
    return [one.id for one in listing.invoices]


async def test_a_look_lists_what_the_provider_has_and_what_is_new_comes_as_an_alert(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.clock.move(MINUTE)
    assert await look_now(world) == [7]
    link = await world.linked()
    assert (link.watch.checked_at, link.next_check_at) == (world.clock.now, world.clock.now + QUARTER)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_a_second_look_tells_nothing_twice(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    for _ in range(3):
        world.clock.move(MINUTE)
        await look_now(world)
        await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_a_chat_that_is_not_linked_cannot_check(world: World) -> None:
    with pytest.raises(NotLinked):
        await look_now(world)


async def test_a_look_while_a_check_is_under_way_hears_that_it_waits_and_then_how_it_stands(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates["list_invoices"] = gate = Gate()
    world.clock.move(QUARTER)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    waits = asyncio.Event()

    async def begin_to_wait() -> None:
        waits.set()

    looking = asyncio.create_task(world.checker.check_now(await world.chat(), begin_to_wait))
    await asyncio.wait_for(waits.wait(), 5)
    gate.open()
    assert [one.id for one in (await looking).invoices] == [7]
    await world.workers.finish()
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None)]


async def test_two_looks_at_once_both_hear_how_it_stands_and_news_comes_once(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates["list_invoices"] = gate = Gate()
    first = asyncio.create_task(look_now(world))
    await asyncio.wait_for(gate.reached.wait(), 5)
    second = asyncio.create_task(look_now(world))
    gate.open()
    assert await first == await second == [7]
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None)]


async def test_a_look_hears_how_a_check_failed_that_it_waited_for(world: World) -> None:
    await world.link()
    world.provider.gates["list_invoices"] = gate = Gate()
    first = asyncio.create_task(look_now(world))
    await asyncio.wait_for(gate.reached.wait(), 5)
    second = asyncio.create_task(look_now(world))
    world.provider.errors["list_invoices"] = ProviderDown()
    gate.open()
    for looking in (first, second):
        with pytest.raises(ProviderDown):
            await looking


async def test_a_look_does_not_wait_for_ever(world: World) -> None:
    await world.link()
    impatient = Checker(
        world.store, world.provider, world.clock, world.plan, world.workers, wait_for_turn=timedelta(milliseconds=10)
    )
    world.provider.gates["list_invoices"] = gate = Gate()
    first = asyncio.create_task(look_now(world))
    await asyncio.wait_for(gate.reached.wait(), 5)
    with pytest.raises(CheckUnderWay):
        await impatient.check_now(await world.chat())
    gate.open()
    await first


@pytest.mark.parametrize("error", [ProviderDown(), RateLimited(60)], ids=lambda error: type(error).__name__)
async def test_a_look_at_a_provider_that_is_away_says_so_and_reminders_come_all_the_same(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = error
    world.noon(DUE)
    with pytest.raises(type(error)):
        await look_now(world)
    await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).watch.failing_since == world.clock.now


async def test_a_look_that_meets_a_bug_says_so_and_leaves_the_chat_to_its_next_turn(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = RecursionError("a very odd answer")
    with pytest.raises(RecursionError):
        await look_now(world)
    assert (await world.linked()).next_check_at == world.clock.now + QUARTER
    del world.provider.errors["list_invoices"]
    assert await look_now(world) == []


TROUBLES = pytest.mark.parametrize(
    ("error", "trouble"),
    [(TokenRefused(), Trouble.TOKEN_REFUSED), (PermissionMissing("x"), Trouble.PERMISSION_MISSING)],
    ids=["token", "permission"],
)


@TROUBLES
async def test_a_look_with_a_refused_token_says_so_and_the_alert_comes_once(
    world: World, error: ProviderError, trouble: Trouble
) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = error
    for _ in range(3):
        world.clock.move(HOUR)
        with pytest.raises(type(error)):
            await look_now(world)
        await world.check()
        await world.deliver(2)
    assert (await world.linked()).watch.trouble is trouble
    assert world.told() == [(AlertKind(trouble.value), None, None)]


@TROUBLES
async def test_a_look_that_works_again_ends_the_rest_and_tells_what_was_missed(
    world: World, error: ProviderError, trouble: Trouble
) -> None:
    await world.link()
    await world.refuse(error, DUE - 9 * DAY)
    await world.deliver()
    del world.provider.errors["list_invoices"]
    world.account.put(invoice(7, DUE))
    world.clock.move(QUARTER)
    await world.check()
    assert (await world.linked()).watch.trouble is trouble
    assert await look_now(world) == [7]
    assert (await world.linked()).watch.trouble is None
    await world.live(DUE - 7 * DAY)
    assert world.told() == [(AlertKind(trouble.value), None, None), (AlertKind.TROUBLE_OVER, None, None), (NEW, 7, 7)]


async def test_another_trouble_than_the_one_that_was_told_is_told_too(world: World) -> None:
    await world.link()
    for error in (TokenRefused(), TokenRefused(), PermissionMissing("x"), PermissionMissing("x")):
        world.provider.errors["list_invoices"] = error
        world.clock.move(HOUR)
        with pytest.raises(type(error)):
            await look_now(world)
        await world.deliver()
    assert [kind for kind, _, _ in world.told()] == [AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING]


async def test_a_look_at_a_provider_that_is_away_is_no_sign_that_the_token_works_again(world: World) -> None:
    await world.link()
    await world.refuse(TokenRefused(), DUE)
    world.provider.errors["list_invoices"] = ProviderDown()
    with pytest.raises(ProviderDown):
        await look_now(world)
    assert (await world.linked()).watch.trouble is Trouble.TOKEN_REFUSED


# --- By itself -------------------------------------------------------------------------------------------------------


async def test_the_next_check_is_at_the_reminders_instant_where_that_is_sooner(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.at(DUE - 7 * DAY, 8, 50)
    await world.check()
    assert (await world.linked()).next_check_at == world.clock.now + 10 * MINUTE
    world.at(DUE - 7 * DAY, 9)
    await world.check()
    await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 7)]
    assert (await world.linked()).next_check_at == world.clock.now + QUARTER


async def test_a_reminder_comes_to_the_minute_though_checks_are_a_day_apart(world: World) -> None:
    world.plan = type(world.plan)(DAY, world.plan.zone)
    world.wire(lambda port: port)
    world.account.put(invoice(7, DUE))
    await world.link()
    told: dict[int | None, datetime] = {}
    for minute in range(int((DUE + 2 * DAY - START.date()) / (10 * MINUTE))):
        world.clock.set(START + minute * 10 * MINUTE)
        await world.check()
        await world.deliver()
        for _, number, threshold in world.told()[len(told) :]:
            assert number == 7
            told[threshold] = world.clock.now.astimezone(world.plan.zone)
    assert {threshold: (at.date(), at.hour, at.minute) for threshold, at in told.items()} == {
        n: (DUE - n * DAY, 9, 0) for n in (7, 3, 1, 0, -1)
    }


async def test_the_next_check_is_at_a_snoozes_end_where_that_is_sooner(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.live(DUE)
    await world.silence(7, Silence(until=world.clock.now + 20 * MINUTE))
    world.clock.move(QUARTER)
    await world.check()
    assert (await world.linked()).next_check_at == world.clock.now + 5 * MINUTE
    world.clock.move(5 * MINUTE)
    await world.check()
    await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 0), (DUE_SOON, 7, None)]


async def test_a_snooze_of_three_hours_wakes_after_three_hours_once_and_no_more(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.live(DUE)
    await world.silence(7, Silence(until=world.clock.now + 3 * HOUR))
    for _ in range(40):
        world.clock.move(QUARTER)
        await world.check()
        await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 0), (DUE_SOON, 7, None)]
    assert world.messenger.sent[1].at == world.messenger.sent[0].at + 3 * HOUR
    assert (await world.chat()).silences == {}


async def test_changed_preferences_are_gone_by_at_once_and_for_what_is_known(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.noon(DUE - 5 * DAY)
    await world.check()
    await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 7)]
    await world.prefer(before=(5,))
    await world.check()
    await world.deliver()
    assert world.told() == [(DUE_SOON, 7, 7), (DUE_SOON, 7, 5)]


async def test_a_check_under_way_when_preferences_change_saves_nothing_and_is_made_anew(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.gates["list_invoices"] = gate = Gate()
    world.noon(DUE - 7 * DAY)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.prefer(before=(1,))
    gate.open()
    await world.workers.finish()
    await world.check()
    await world.deliver()
    assert world.told() == []
    await world.live(DUE - DAY)
    assert world.told() == [(DUE_SOON, 7, 1)]


async def test_a_check_under_way_when_an_invoice_is_muted_tells_nothing_of_it(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.gates["list_invoices"] = gate = Gate()
    world.noon(DUE)
    await world.checker.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.silence(7, Silence(muted=True))
    gate.open()
    await world.workers.finish()
    await world.live(DUE)
    assert world.told() == []


async def test_a_mute_that_is_lifted_tells_how_things_stand_now(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.silence(7, Silence(muted=True))
    for days in (-7, -3, -1, 0, 1):
        await world.live(DUE + days * DAY)
    assert world.told() == []
    await world.silence(7, None)
    await world.check()
    await world.deliver()
    assert world.told() == [(OVERDUE, 7, -1)]


async def test_a_silence_is_of_the_account_that_it_was_chosen_for(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    old = (await world.linked()).account
    world.provider.account("token-of-another").put(invoice(7, DUE))
    await world.link(token="token-of-another")
    assert not await world.store.silence(key_of(1), old, {7: Silence(muted=True)}, world.clock.now)
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]


async def test_a_rate_limit_holds_up_a_reminder_no_longer_than_it_asks_for(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.at(DUE - 7 * DAY, 8, 50)
    world.provider.errors["list_invoices"] = RateLimited(1200)
    await world.check()
    assert (await world.linked()).next_check_at == world.clock.now + 1200 * SECOND


async def test_a_muted_invoice_makes_no_check_come_sooner(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.silence(7, Silence(muted=True))
    world.at(DUE - 7 * DAY, 8, 50)
    await world.check()
    assert (await world.linked()).next_check_at == world.clock.now + QUARTER
