"""A reminder that comes late, shortly before the next one, is that day's reminder, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Loudness, QuietHours
from bot.domain.provider_calendar import ProviderCalendar
from bot.errors import NotSent
from tests.fakes import invoice
from tests.services.world import DAY, DUE, MINUTE, World

DUE_SOON, OVERDUE = AlertKind.DUE, AlertKind.OVERDUE


@pytest.fixture
async def known(world: World) -> World:
    """A chat that knew its invoice long before, and was told of it."""
    await world.find(7)
    await world.deliver()
    world.messenger.sent.clear()
    return world


async def lived_through(world: World, first: int, last: int) -> None:
    """Check and send every half hour, from eight in the morning of a day until after ten of another one."""
    world.at(DUE + first * DAY, 8)
    end = world.clock.now + (last - first) * DAY + 125 * MINUTE
    while world.clock.now < end:
        await world.check()
        await world.deliver()
        world.clock.move(30 * MINUTE)


async def test_a_bot_that_was_down_says_due_today_at_eight_and_not_again_at_nine(known: World) -> None:
    await lived_through(known, 0, 0)
    assert known.told() == [(DUE_SOON, 7, 1)]


async def test_one_that_was_down_for_days_says_overdue_once(known: World) -> None:
    await lived_through(known, 1, 1)
    assert known.told() == [(DUE_SOON, 7, 0)]


async def test_the_reminders_of_later_days_come_as_ever(known: World) -> None:
    await lived_through(known, -1, 3)
    assert known.told() == [(DUE_SOON, 7, 3), (DUE_SOON, 7, 0), (OVERDUE, 7, -1), (OVERDUE, 7, -3)]


async def test_a_reminder_that_telegram_held_up_until_eight_is_that_days(known: World) -> None:
    known.at(DUE - DAY, 9)
    await known.check()
    known.messenger.always[1] = NotSent()
    await known.deliver()
    known.messenger.always.clear()
    await lived_through(known, 0, 0)
    assert known.told() == [(DUE_SOON, 7, 1)]


async def test_one_that_waited_for_the_end_of_quiet_hours_is_that_days(known: World) -> None:
    known.at(DUE - DAY, 23)
    await known.check()
    await lived_through(known, 0, 0)
    assert known.told() == [(DUE_SOON, 7, 1)]


async def test_one_that_came_long_before_the_hour_is_not(known: World) -> None:
    await known.prefer(quiet=None)
    known.at(DUE, 5)
    await known.check()
    await known.deliver()
    await lived_through(known, 0, 0)
    assert known.told() == [(DUE_SOON, 7, 1), (DUE_SOON, 7, 0)]


async def test_one_whose_delivery_is_uncertain_is_not(known: World) -> None:
    known.at(DUE, 8)
    await known.check()
    message = known.messenger.lost[1]
    message.append(TimeoutError())
    await known.deliver()
    known.at(DUE, 9)
    await known.check()
    await known.deliver(5)
    assert known.told()[-1] == (DUE_SOON, 7, 0)


async def test_a_new_due_date_has_its_own_reminder(known: World) -> None:
    known.at(DUE, 8)
    await known.check()
    await known.deliver()
    known.provider.account("token-of-1xx").put(invoice(7, DUE + DAY))
    known.at(DUE, 9)
    await known.check()
    await known.deliver()
    assert [kind for kind, _, _ in known.told()] == [DUE_SOON, AlertKind.CHANGED]


@pytest.mark.parametrize(("loudness", "times"), [(Loudness.URGENT, 1), (Loudness.NONE, 2)])
async def test_a_late_reminder_without_a_sound_does_not_stand_for_a_warning(
    known: World, loudness: Loudness, times: int
) -> None:
    known.plan = replace(known.plan, calendar=ProviderCalendar(suspend_after=0))
    await known.restart()
    await known.prefer(loudness=loudness)
    await lived_through(known, 0, 0)
    assert len(known.told()) == times


async def test_a_late_reminder_in_the_afternoon_is_the_warning_of_the_evening_too(known: World) -> None:
    known.plan = replace(known.plan, calendar=ProviderCalendar(suspend_after=0))
    await known.restart()
    known.at(DUE, 9)
    await known.check()
    known.messenger.always[1] = NotSent()
    await known.deliver()
    known.messenger.always.clear()
    for hour in (16, 18, 20):
        known.at(DUE, hour)
        await known.check()
        await known.deliver()
    assert len(known.told()) == 1


async def test_where_reminders_come_when_quiet_hours_end_nothing_changes(known: World) -> None:
    await known.prefer(quiet=QuietHours(22, 9))
    await lived_through(known, -1, 0)
    assert known.told() == [(DUE_SOON, 7, 1), (DUE_SOON, 7, 0)]
