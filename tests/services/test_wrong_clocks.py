"""A clock that was wrong for a while: once it is right, everybody is reminded, answered and asked as if nothing was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Place, Until
from bot.domain.payments import Outcome, State
from bot.errors import NotSent, ProviderDown, QuestionOver
from bot.services.snoozing import Snoozing
from tests.fakes import Gate, invoice
from tests.services.world import ADA, DAY, DUE, HOUR, MINUTE, OPEN, SECOND, START, World, member

STEPS = [2 * MINUTE, 2 * HOUR, 40 * DAY, 3660 * DAY]
steps = pytest.mark.parametrize("step", STEPS, ids=["minutes", "hours", "days", "years"])
restarts = pytest.mark.parametrize("restart", [False, True], ids=["live", "restarted"])
BEFORE_DUE = [(AlertKind.DUE, 7, days) for days in (7, 3, 1, 0)]


async def put_right(world: World, step: timedelta, *, restart: bool = False) -> None:
    """Put the clock back by ``step``, perhaps with a new process."""
    if restart:
        await world.restart()
    world.clock.move(-step)


# --- Checks and alerts -----------------------------------------------------------------------------------------------


@steps
@restarts
async def test_a_new_invoice_is_told_within_seconds_after_the_clock_was_put_back(
    world: World,
    step: timedelta,
    restart: bool,  # a parameter of pytest
) -> None:
    world.clock.move(step)
    world.account.put(OPEN)
    await world.link()
    world.clock.move(HOUR)
    await world.check()
    await put_right(world, step, restart=restart)
    world.account.put(invoice(8, DUE))
    for _ in range(3):
        world.clock.move(SECOND)
        await world.check()
        await world.deliver()
    assert (AlertKind.NEW, 8, None) in world.told()


@restarts
async def test_a_reminder_that_waits_is_not_dropped_by_a_clock_that_begins_in_1972(
    world: World,
    restart: bool,  # as above
) -> None:
    world.account.put(OPEN)
    await world.link()
    world.messenger.always[1] = NotSent()
    world.at(DUE - 3 * DAY, 9)
    await world.check()
    await world.deliver()
    await put_right(world, 20_000 * DAY, restart=restart)
    for _ in range(3):
        world.clock.move(MINUTE)
        await world.deliver()
    world.clock.move(20_000 * DAY)
    world.messenger.always.clear()
    world.clock.move(HOUR)
    await world.deliver(2)
    assert world.told() == [(AlertKind.DUE, 7, 3)]


@restarts
async def test_the_reminders_before_the_due_date_come_although_a_clock_that_was_ahead_called_it_overdue(
    paying: World,
    restart: bool,  # as above
) -> None:
    paying.clock.move(40 * DAY)
    await paying.check()
    await paying.deliver(3)
    assert paying.told() == [(AlertKind.OVERDUE, 7, -21)]
    await put_right(paying, 40 * DAY, restart=restart)
    for day in range(14):
        await paying.live(START.date() + (day + 1) * DAY)
    assert paying.told()[1:] == BEFORE_DUE


@pytest.mark.parametrize("ahead", [6 * HOUR, DAY, 2 * DAY])
async def test_a_reminder_comes_on_its_day_although_a_clock_that_was_shortly_ahead_has_sent_it(
    paying: World, ahead: timedelta
) -> None:
    await paying.prefer(before=(1,), after=())
    paying.at(DUE - 2 * DAY, 8)
    paying.clock.move(DAY + HOUR - ahead)  # the clock that is ahead shows the reminder's hour
    paying.clock.move(ahead)
    await paying.check()
    await paying.deliver(3)
    assert paying.told() == [(AlertKind.DUE, 7, 1)]
    await put_right(paying, ahead)
    await paying.check()
    for day in range(3, -1, -1):
        await paying.live(DUE - day * DAY)
    assert paying.told() == 2 * [(AlertKind.DUE, 7, 1)]


async def test_the_only_reminder_comes_although_a_clock_that_was_ahead_has_sent_it_before(paying: World) -> None:
    await paying.prefer(before=(0,), after=())
    paying.at(DUE - 9 * DAY, 12)
    await paying.check()
    paying.clock.move(9 * DAY)
    await paying.check()
    await paying.deliver(3)
    assert paying.told() == [(AlertKind.DUE, 7, 0)]
    await put_right(paying, 9 * DAY)
    for day in range(9, -1, -1):
        await paying.live(DUE - day * DAY)
    assert paying.told()[1:] == [(AlertKind.DUE, 7, 0)]


async def test_a_message_of_a_clock_that_was_ahead_is_no_reminder_once_that_time_has_come(paying: World) -> None:
    await paying.prefer(before=(1, 0), after=())
    paying.at(DUE - 9 * DAY, 8, 30)
    paying.clock.move(8 * DAY)
    await paying.check()
    paying.clock.move(DAY)
    await paying.check()
    await paying.deliver(3)
    first = paying.told()
    await put_right(paying, 9 * DAY)
    for day in range(9, -1, -1):
        await paying.live(DUE - day * DAY)
    assert paying.told()[len(first) :] == BEFORE_DUE[2:]


async def test_a_reminder_is_not_repeated_because_a_clock_that_was_ahead_has_sent_another(paying: World) -> None:
    paying.clock.move(40 * DAY)
    await paying.check()
    await paying.deliver(3)
    await put_right(paying, 40 * DAY)
    for hour in range(10, 20):
        paying.at(DUE - 3 * DAY, hour)
        await paying.check()
        await paying.deliver(3)
    assert paying.told()[1:] == [(AlertKind.DUE, 7, 3)]


async def test_a_clock_that_was_behind_repeats_no_reminder(paying: World) -> None:
    for day in range(8):
        await paying.live(START.date() + day * DAY)
    assert paying.told() == BEFORE_DUE[:1]
    paying.clock.move(-20_000 * DAY)
    await paying.check()
    await paying.deliver(3)
    paying.clock.move(20_000 * DAY + MINUTE)
    await paying.check()
    await paying.deliver(3)
    for day in range(8, 15):
        await paying.live(START.date() + day * DAY)
    assert paying.told() == BEFORE_DUE


async def test_a_reminder_that_a_clock_that_was_ahead_has_found_is_not_sent_once_it_is_right(paying: World) -> None:
    paying.clock.move(40 * DAY)
    await paying.check()
    await put_right(paying, 40 * DAY)
    await paying.deliver(3)
    assert paying.told() == []
    await paying.live(DUE - 7 * DAY)
    assert paying.told() == BEFORE_DUE[:1]


@steps
async def test_a_failed_alert_is_tried_again_at_once_after_the_clock_was_put_back(
    world: World, step: timedelta
) -> None:
    await world.find(7)
    world.clock.move(step)
    world.messenger.troubles[1].append(NotSent())
    await world.deliver()
    assert world.told() == []
    await put_right(world, step)
    await world.deliver()
    assert world.told() == [(AlertKind.NEW, 7, None)]


async def test_quiet_hours_of_a_wrong_clock_end_with_it(world: World) -> None:
    await world.find(7)
    world.clock.move(12 * HOUR)  # ten in the evening
    await world.deliver()
    assert world.told() == []
    await put_right(world, 12 * HOUR)
    await world.deliver()
    assert world.told() == [(AlertKind.NEW, 7, None)]


@steps
async def test_a_snooze_of_a_clock_that_was_ahead_silences_no_reminder_day(paying: World, step: timedelta) -> None:
    paying.at(DUE - 3 * DAY, 10)
    await paying.check()
    await paying.deliver(2)
    paying.clock.move(step)
    snoozing = Snoozing(paying.store, paying.clock, paying.plan)
    await snoozing.snooze(await paying.chat(), [7], Until.HOURS)
    await put_right(paying, step)
    for day in (2, 1, 0):
        await paying.live(DUE - day * DAY)
    assert [alert for alert in paying.told() if alert[2] is not None] == BEFORE_DUE[1:]


async def test_an_outage_that_began_while_the_clock_was_ahead_is_told_after_a_day(paying: World) -> None:
    paying.clock.move(40 * DAY)
    paying.provider.errors["list_invoices"] = ProviderDown()
    await paying.check()
    await put_right(paying, 40 * DAY)
    for hours in range(0, 30, 3):
        paying.at(START.date(), 12)
        paying.clock.move(hours * HOUR)
        await paying.check()
        await paying.deliver(2)
    assert [kind for kind, _, _ in paying.told()] == [AlertKind.OUTAGE]


async def test_an_outage_is_not_told_at_once_because_the_clock_was_behind_when_it_began(paying: World) -> None:
    paying.clock.move(-20_000 * DAY)
    paying.provider.errors["list_invoices"] = ProviderDown()
    await paying.check()
    paying.clock.move(20_000 * DAY + HOUR)
    await paying.check()
    await paying.deliver(2)
    assert paying.told() == []


async def test_the_weekly_digest_comes_on_the_next_monday_after_a_clock_that_was_ahead(paying: World) -> None:
    paying.account.put(replace(OPEN, due=DUE + 300 * DAY))
    await paying.prefer(digest=True)
    await paying.check()
    paying.clock.move(70 * DAY)
    await paying.check()
    await paying.deliver(2)
    await put_right(paying, 70 * DAY)
    before = len(paying.told())
    for day in range(8):
        await paying.live(START.date() + day * DAY)
    assert [kind for kind, _, _ in paying.told()[before:]] == [AlertKind.DIGEST]


# --- Payments --------------------------------------------------------------------------------------------------------


@steps
@restarts
async def test_a_question_of_a_clock_that_was_ahead_moves_no_money_and_is_asked_anew(
    paying: World,
    step: timedelta,
    restart: bool,  # as above
) -> None:
    paying.clock.move(step)
    question = await paying.ask()
    await put_right(paying, step, restart=restart)
    await paying.press(question.id)
    assert (paying.provider.posts, paying.endings()) == ([], [Outcome.EXPIRED])
    await paying.press((await paying.ask()).id)
    assert paying.provider.posts == [("pay", 7)]


async def test_a_question_does_not_live_longer_because_the_clock_was_put_back(
    paying: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    question = await paying.ask()
    really = loop.time() + 601
    paying.clock.move(9 * MINUTE)
    paying.clock.move(-8 * MINUTE)
    monkeypatch.setattr(loop, "time", lambda: really)
    await paying.press(question.id)
    assert (paying.provider.posts, paying.endings()) == ([], [Outcome.EXPIRED])
    await paying.press((await paying.ask()).id)
    assert paying.provider.posts == [("pay", 7)]


@steps
async def test_a_selection_of_a_clock_that_was_ahead_has_expired(paying: World, step: timedelta) -> None:
    paying.account.put(invoice(8, DUE))
    paying.clock.move(step + 10 * MINUTE)
    chat = await paying.chat()
    selection, _ = await paying.payment_selection.begin(chat, Place(1), member(ADA))
    await put_right(paying, step + 10 * MINUTE)
    with pytest.raises(QuestionOver):
        await paying.payments.selecting.of(selection.id, chat, member(ADA))


@steps
async def test_a_payment_whose_process_died_under_a_wrong_clock_ends_within_minutes(
    paying: World, step: timedelta
) -> None:
    paying.clock.move(step)
    question = await paying.ask()
    paying.provider.gates["invoice"] = Gate()
    chat = await paying.chat()
    confirmed = await paying.payments.confirm(question.id, Place(1), member(ADA), 77, chat)
    paying.payments.start(confirmed, chat)
    await put_right(paying, step, restart=True)
    assert (await paying.payment(question.id)).state is State.CONFIRMED
    await paying.reconcile_for(4 * MINUTE)
    assert (paying.endings(), paying.provider.posts) == ([Outcome.NOT_SENT], [])


@steps
async def test_a_sent_payment_is_looked_at_after_the_clock_was_put_back(paying: World, step: timedelta) -> None:
    paying.clock.move(step)
    question = await paying.ask()
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press(question.id)
    assert (await paying.payment(question.id)).state is State.SENT
    await paying.reconcile()
    await put_right(paying, step)
    await paying.reconcile_for(9 * MINUTE)
    assert paying.endings() == []
    await paying.reconcile_for(3 * MINUTE)
    assert paying.endings() == [Outcome.UNCLEAR]
    assert paying.provider.posts == [("pay", 7)]
