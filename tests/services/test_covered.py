"""What the credit covers is reminded of by a silent line, until the last days; any doubt makes it a message again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.credit import FRESH_FOR
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan
from bot.errors import NotSent, PermissionMissing, ProviderDown, SendRefused
from tests.fakes import invoice
from tests.services.world import BERLIN, DAY, DUE, HOUR, MINUTE, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
UNKNOWN = ProviderCalendar()
ANNOUNCED = ProviderCalendar(suspend_after=0, delete_after=6)


def plan(world: World, calendar: ProviderCalendar = UNKNOWN) -> None:
    world.plan = CheckPlan(15 * MINUTE, BERLIN, calendar=calendar, currency="EUR")
    world.wire(lambda port: port)


async def told_of(world: World, *numbers: int, credit: str = "100") -> list[int]:
    """Tell new invoices on an account with credit. Return the message's id."""
    world.account.shows_credit, world.account.balance = True, Decimal(credit)
    await world.link()
    world.account.put(*(invoice(number, DUE, "10.00") for number in numbers))
    await world.live(DUE - 10 * DAY)
    return [message.id for message in world.messenger.sent]


@pytest.mark.parametrize(
    ("calendar", "loud"),
    [
        (UNKNOWN, [1, 0, -1, -3]),
        (ANNOUNCED, [0, -1, -3, -5]),
        (ProviderCalendar(suspend_after=3), [-1, -3]),
    ],
    ids=["unset", "usual", "later"],
)
async def test_reminders_are_lines_in_the_message_until_the_last_days(
    world: World, calendar: ProviderCalendar, loud: list[int]
) -> None:
    plan(world, calendar)
    (first,) = await told_of(world, 7)
    for days in range(7, -6, -1):
        await world.live(DUE - days * DAY)
    silent = [threshold for threshold in (7, 3, 1, 0) if threshold not in loud]
    assert world.messenger.reminded == [(first, [(7, threshold)]) for threshold in silent]
    assert [threshold for _, _, threshold in world.told()[1:]] == loud
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0


async def test_of_several_only_what_is_covered_in_the_order_of_dates_is_silent(world: World) -> None:
    plan(world)
    (both,) = await told_of(world, 7, 8, credit="15.00")
    await world.live(DUE - 7 * DAY)
    assert world.messenger.reminded == [(both, [(7, 7)])]
    assert world.told()[2:] == [(DUE_SOON, 8, 7)]


@pytest.mark.parametrize("doubt", ["too little", "unread", "denied", "provider down", "other currency", "old"])
async def test_where_the_credit_is_not_known_to_suffice_it_is_a_message(world: World, doubt: str) -> None:
    plan(world)
    await told_of(world, 7)
    match doubt:
        case "too little":
            world.account.balance = Decimal("9.99")
        case "unread":
            world.provider.errors["credit"] = ProviderDown()
        case "denied":
            world.provider.errors["credit"] = PermissionMissing("read")
        case "provider down":
            world.provider.errors["list_invoices"] = ProviderDown()
        case "other currency":
            world.plan = CheckPlan(15 * MINUTE, BERLIN, currency="CHF")
            world.wire(lambda port: port)
    world.noon(DUE - 7 * DAY)
    await world.check()
    if doubt == "old":
        world.clock.move(2 * HOUR)
    await world.deliver(3)
    assert world.told()[1:] == [(DUE_SOON, 7, 7)]
    assert world.messenger.reminded == []


@pytest.mark.parametrize("error", [NotSent(), SendRefused("odd")], ids=lambda error: type(error).__name__)
async def test_a_line_that_can_not_be_added_comes_as_a_message_in_the_place_of_the_other(
    world: World, error: Exception
) -> None:
    plan(world)
    (first,) = await told_of(world, 7)
    world.messenger.edit_troubles.append(error)
    await world.live(DUE - 7 * DAY)
    assert world.told()[1:] == [(DUE_SOON, 7, 7)]
    world.messenger.out_of_reach.add(world.messenger.sent[-1].id)
    await world.live(DUE - 3 * DAY)
    assert world.told()[2:] == [(DUE_SOON, 7, 3)]
    assert first not in [number for number, _ in await world.remembered()]


async def test_what_no_message_shows_is_told_by_one(world: World) -> None:
    plan(world)
    world.account.put(invoice(7, DUE, "10.00"))
    world.account.shows_credit, world.account.balance = True, Decimal(100)
    await world.link()
    await world.live(DUE - 7 * DAY)
    assert world.told() == [(DUE_SOON, 7, 7)]
    await world.live(DUE - 3 * DAY)
    assert world.messenger.reminded == [(world.messenger.sent[0].id, [(7, 3)])]


async def test_a_line_comes_in_the_quiet_hours_too_because_it_rings_nowhere(world: World) -> None:
    plan(world)
    await told_of(world, 7)
    await world.prefer(hour=6)
    world.at(DUE - 7 * DAY, 6, 1)
    await world.check()
    await world.deliver()
    assert [lines for _, lines in world.messenger.reminded] == [[(7, 7)]]
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0


async def test_that_credit_was_read_is_known_after_a_failure_and_a_restart(world: World) -> None:
    plan(world)
    await told_of(world, 7)
    read_at = (await world.linked()).credit.read_at
    assert read_at is not None
    world.provider.errors["credit"] = ProviderDown()
    world.clock.move(FRESH_FOR + timedelta(hours=1))
    await world.check()
    await world.restart()
    credit = (await world.linked()).credit
    assert credit.read_at == read_at
    assert credit.asked_at != read_at
