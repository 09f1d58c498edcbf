"""A person whom the operator takes off the list of allowed users: told once, then left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.alerts import AlertKind
from bot.errors import DeliveryUncertain, LinkNotServed, TelegramDown
from tests.fakes import invoice
from tests.services.world import ADA, BOB, DAY, DUE, HOUR, MINUTE, World

FAREWELL = (AlertKind.NOT_SERVED, None, None)
NEW = (AlertKind.NEW, 7, None)


async def allow(world: World, *users: int) -> None:
    """Restart with these allowed users."""
    world.plan = replace(world.plan, allowed_users=frozenset(users))
    await world.restart()


async def live_on(world: World, hours: int, step: timedelta = HOUR) -> None:
    for _ in range(hours):
        world.clock.move(step)
        await world.check()
        await world.deliver(2)


async def test_who_is_taken_off_the_list_is_told_once_and_gets_nothing_more(world: World) -> None:
    await world.link()
    await allow(world, BOB)
    world.account.put(invoice(7, DUE))
    asked = len(world.provider.calls)
    await live_on(world, 48)
    await allow(world, BOB)
    world.at(date(2026, 6, 15), 12)
    await live_on(world, 48)
    assert world.told() == [FAREWELL]
    assert len(world.provider.calls) == asked  # the token was left alone


async def test_who_is_on_the_list_is_served(world: World) -> None:
    await world.link()
    await allow(world, ADA)
    world.account.put(invoice(7, DUE))
    await live_on(world, 1)
    assert world.told() == [NEW]


async def test_what_waits_when_a_person_is_taken_off_the_list_does_not_come(world: World) -> None:
    await world.find(7)
    await allow(world, BOB)
    await world.deliver(3)
    assert world.told() == []  # the farewell comes first, with the next check
    await live_on(world, 24)
    assert world.told() == [FAREWELL]


async def test_who_is_back_on_the_list_is_told_what_happened_meanwhile_and_what_waited(world: World) -> None:
    await world.find(7)
    await allow(world, BOB)
    await live_on(world, 1)
    world.provider.account("token-of-1xx").put(invoice(8, DUE))
    await live_on(world, 1)
    await allow(world, ADA)
    await live_on(world, 1)
    assert world.told() == [FAREWELL, NEW, (AlertKind.NEW, 8, None)]
    await allow(world, BOB)
    await live_on(world, 1)
    assert world.told()[3:] == [FAREWELL]


async def test_a_farewell_that_was_not_sent_yet_does_not_come_to_who_is_back_on_the_list(world: World) -> None:
    await world.link()
    await allow(world, BOB)
    world.clock.move(HOUR)
    await world.check()
    await allow(world, ADA)
    await live_on(world, 3)
    assert world.told() == []


async def test_the_farewell_is_held_in_quiet_hours_and_repeated_like_any_alert(world: World) -> None:
    await world.link()
    await allow(world, BOB)
    world.at(DUE, 23)
    await live_on(world, 3, MINUTE)
    assert world.told() == []
    world.messenger.troubles[1].append(TelegramDown())
    world.at(DUE + DAY, 12)
    await world.deliver()
    await world.deliver_for(2 * MINUTE)
    assert (world.told(), world.marks()) == ([FAREWELL], [True])


async def test_a_kill_after_the_farewell_does_not_repeat_it_without_a_mark(world: World) -> None:
    await world.link()
    await allow(world, BOB)
    world.clock.move(HOUR)
    await world.check()
    world.messenger.lost[1].append(DeliveryUncertain())
    await world.deliver()
    await allow(world, BOB)
    await live_on(world, 24)
    assert world.told() == [FAREWELL, FAREWELL]
    assert world.marks() == [False, True]


async def test_nobody_can_ask_for_a_check_with_the_token_of_who_is_not_served(world: World) -> None:
    await world.link(-100, user=ADA)
    await allow(world, BOB)
    asked = len(world.provider.calls)
    with pytest.raises(LinkNotServed):
        await world.checker.check_now(await world.chat(-100))
    assert len(world.provider.calls) == asked


async def test_the_operators_list_of_chats_shows_who_is_not_served(world: World) -> None:
    await world.link()
    await allow(world, BOB)
    await live_on(world, 1)
    assert [chat.resting for chat in await world.store.overviews()] == ["not served"]
