"""Quiet hours: nothing rings or appears in the chat. Only earlier messages are edited."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.chats import QuietHours, Silence
from bot.errors import DeliveryUncertain
from tests.fakes import invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World

NEW, DUE_SOON, OVERDUE, SETTLED = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE, AlertKind.SETTLED
EVENING = DUE - 10 * DAY
TOKEN = "token-of-1xx"


async def find_at_night(world: World, *numbers: int) -> None:
    """Let new invoices be found at eleven in the evening."""
    await world.find()
    world.at(EVENING, 23)
    await world.find(*numbers)


async def test_what_is_found_at_night_comes_at_eight_in_the_morning_to_the_second(world: World) -> None:
    await find_at_night(world, 7)
    await world.deliver_for(8 * HOUR + 59 * MINUTE, MINUTE)
    world.clock.move(59 * SECOND)
    await world.deliver()
    assert world.told() == []
    world.clock.move(SECOND)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]
    assert world.marks() == [False]


async def test_what_was_found_all_through_the_night_is_one_message_in_the_morning(world: World) -> None:
    await find_at_night(world, 1)
    await world.deliver(2)
    for number in (2, 3):
        world.clock.move(3 * HOUR)
        await world.find(number)
        await world.deliver(2)
    world.at(EVENING + DAY, 8)
    await world.deliver(2)
    assert world.messages() == [[(NEW, 1, None), (NEW, 2, None), (NEW, 3, None)]]


async def test_quiet_hours_outlive_a_restart(world: World) -> None:
    await find_at_night(world, 7)
    await world.deliver()
    await world.restart()
    world.at(EVENING + DAY, 7, 59)
    await world.deliver()
    assert world.told() == []
    world.at(EVENING + DAY, 8)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_the_last_moment_before_quiet_hours_is_not_quiet(world: World) -> None:
    await world.find()
    world.at(EVENING, 21, 59)
    await world.find(7)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_a_chat_without_quiet_hours_is_told_at_night(world: World) -> None:
    await world.find()
    await world.prefer(quiet=None)
    world.at(EVENING, 23)
    await world.find(7)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_quiet_hours_are_those_of_the_chats_zone(world: World) -> None:
    await world.find()
    await world.prefer(zone="America/New_York")
    world.at(EVENING, 23)  # five in the afternoon there
    await world.find(7)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]
    world.at(EVENING + DAY, 9)  # three in the night
    await world.find(8)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]
    world.at(EVENING + DAY, 14)
    await world.deliver()
    assert world.told() == [(NEW, 7, None), (NEW, 8, None)]


async def test_a_reminder_whose_hour_lies_in_quiet_hours_waits_for_their_end(world: World) -> None:
    await world.find(7)
    await world.deliver()
    await world.prefer(hour=6, quiet=QuietHours(22, 7))
    world.at(DUE - 7 * DAY, 6)
    await world.check()
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]
    world.at(DUE - 7 * DAY, 7)
    await world.deliver()
    assert world.told() == [(NEW, 7, None), (DUE_SOON, 7, 7)]


@pytest.mark.parametrize(
    ("night", "end"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 29, 6, tzinfo=UTC)),  # an hour shorter
        (date(2026, 10, 24), datetime(2026, 10, 25, 7, tzinfo=UTC)),  # an hour longer
    ],
)
async def test_in_a_night_of_a_clock_change_quiet_hours_end_by_the_wall_clock(
    world: World, night: date, end: datetime
) -> None:
    world.at(night, 12)
    await world.find()
    world.at(night, 23)
    await world.find(7)
    await world.deliver()
    world.clock.set(end - SECOND)
    await world.deliver()
    assert world.told() == []
    world.clock.set(end)
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_repetition_waits_for_the_end_of_quiet_hours_too_and_is_marked(world: World) -> None:
    await world.find()
    world.at(EVENING, 21, 59)
    await world.find(7)
    world.messenger.troubles[1].append(DeliveryUncertain())
    world.clock.move(59 * SECOND)
    await world.deliver()
    assert len(world.messenger.tries) == 1
    await world.deliver_for(HOUR, MINUTE)
    assert len(world.messenger.tries) == 1
    world.at(EVENING + DAY, 8)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]
    assert world.marks() == [True]


async def test_what_is_settled_at_night_is_struck_out_at_once_and_told_in_the_morning(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.at(EVENING, 23)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await world.check()
    await world.deliver()
    assert world.edits() == [(world.messenger.sent[0].id, [7])]
    assert world.told() == [(NEW, 7, None)]
    world.at(EVENING + DAY, 8)
    await world.deliver()
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert await world.remembered() == []


async def test_a_muted_invoice_that_is_settled_at_night_is_struck_out_and_done_with(world: World) -> None:
    await world.find(7)
    await world.deliver()
    await world.silence(7, Silence(muted=True))
    world.at(EVENING, 23)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await world.check()
    await world.deliver()
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0
    assert world.edits() == [(world.messenger.sent[0].id, [7])]


# --- What was begun to be held, and then is not --------------------------------------------------------------------


async def test_what_is_settled_at_night_is_struck_out_at_once_though_other_things_wait_for_the_morning(
    world: World,
) -> None:
    await world.find(7)
    await world.deliver()
    world.at(EVENING, 22, 30)
    await world.find(8)
    await world.deliver()
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    world.at(EVENING, 23, 30)
    await world.check()
    await world.deliver(2)
    assert [numbers for _, numbers in world.edits()] == [[7]]
    assert world.told() == [(NEW, 7, None)]
    world.at(EVENING + DAY, 8)
    await world.deliver(2)
    assert world.messages()[1:] == [[(NEW, 8, None), (SETTLED, 7, None)]]


async def test_what_waits_for_the_morning_comes_once_quiet_hours_are_switched_off(world: World) -> None:
    await find_at_night(world, 7)
    await world.deliver()
    await world.prefer(quiet=None)
    await world.deliver()
    assert world.told() == [(NEW, 7, None)]


async def test_what_this_chat_paid_once_and_somebody_paid_elsewhere_later_is_told_as_settled(world: World) -> None:
    await world.find(7)
    await world.deliver()
    payment = await world.ask(7)
    await world.press(payment.id)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None)]
    world.provider.account(TOKEN).put(invoice(7, DUE))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None), (AlertKind.REOPENED, 7, None), (SETTLED, 7, None)]
