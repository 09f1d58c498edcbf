"""Bringing alerts to their chats: each once, in order, none lost, whatever Telegram and crashes do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.alerts import AlertKind
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    ProviderDown,
    SendRefused,
    TelegramDown,
    TokenRefused,
)
from bot.services.delivering import LEASE, PER_TICK, SEND_WITHIN, TRIES, Courier
from bot.services.workers import Workers
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, MINUTE, SECOND, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
HOUR = timedelta(hours=1)


async def find(world: World, *numbers: int, chat_id: int = 1) -> None:
    """Let a check find new invoices, whose alerts wait from then on."""
    link = (await world.chat(chat_id)).link
    if link is None:
        await world.link(chat_id, f"token-of-{chat_id}xx")
        world.clock.move(HOUR)
    world.provider.account(f"token-of-{chat_id}xx").put(*(invoice(number, DUE) for number in numbers))
    await world.check()


def numbers(world: World, chat_id: int = 1) -> list[int | None]:
    return [number for _, number, _ in world.told(chat_id)]


def marks(world: World) -> list[bool]:
    return [delivery.again for delivery in world.messenger.sent]


async def deliver_for(world: World, span: timedelta, step: timedelta = SECOND) -> None:
    """Tick as time goes by; no check is made meanwhile."""
    end = world.clock.now + span
    while world.clock.now < end:
        world.clock.move(step)
        await world.deliver()


# --- When all goes well ----------------------------------------------------------------------------------------------


async def test_an_alert_is_sent_once(world: World) -> None:
    await find(world, 7)
    await world.deliver(5)
    await world.restart()
    await deliver_for(world, 10 * MINUTE, MINUTE)
    assert world.told() == [(NEW, 7, None)]
    assert marks(world) == [False]
    assert await world.store.waiting_alerts(1) == (await world.store.waiting_alerts(999))


async def test_alerts_of_a_chat_come_in_the_order_in_which_they_were_found(world: World) -> None:
    await find(world, 9)
    world.clock.move(HOUR)
    await find(world, 3)
    world.clock.move(HOUR)
    await find(world, 5)
    await world.deliver(5)
    assert numbers(world) == [9, 3, 5]


async def test_the_next_alert_of_a_chat_waits_until_the_first_has_gone_out(world: World) -> None:
    await find(world, 1, 2)
    world.messenger.gate = gate = Gate()
    for _ in range(3):
        await world.courier.tick()
        await asyncio.sleep(0)
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert len(world.messenger.tries) == 1
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert numbers(world) == [1, 2]


async def test_no_more_than_a_seconds_worth_goes_out_in_one_tick(world: World) -> None:
    for chat_id in range(1, PER_TICK + 6):
        await find(world, 7, chat_id=chat_id)
    await world.deliver()
    assert len(world.messenger.sent) == PER_TICK
    await world.deliver()
    assert len(world.messenger.sent) == PER_TICK + 5


# --- Telegram's answers ----------------------------------------------------------------------------------------------


async def test_a_chat_that_is_gone_rests_keeps_its_data_and_hears_all_once_it_is_back(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = ChatGone("Forbidden: bot was blocked by the user")
    await world.deliver(5)
    chat = await world.chat()
    assert chat.resting == "Forbidden: bot was blocked by the user"
    assert chat.link is not None
    assert len(world.messenger.tries) == 1
    await deliver_for(world, HOUR, MINUTE)
    assert len(world.messenger.tries) == 1
    world.messenger.always.clear()
    await world.restart()
    await world.store.wake(1, world.clock.now)
    await world.deliver(3)
    assert numbers(world) == [7]
    assert marks(world) == [False]


async def test_a_group_that_became_a_supergroup_takes_everything_along(world: World) -> None:
    await find(world, 1, 2)
    world.messenger.troubles[1].append(ChatMigrated(-100))
    await world.deliver(5)
    assert numbers(world, -100) == [1, 2]
    assert (await world.linked(-100)).place.chat_id == -100
    assert (await world.chat(1)).link is None
    world.clock.move(HOUR)
    world.provider.account("token-of-1xx").put(invoice(3, DUE))
    await world.check()
    await world.deliver()
    assert numbers(world, -100) == [1, 2, 3]


async def test_a_flood_limit_is_waited_out_exactly_and_costs_no_try(world: World) -> None:
    await find(world, 7)
    for _ in range(TRIES + 2):
        world.messenger.troubles[1].append(FloodLimited(37))
    for tried in range(1, TRIES + 3):
        await world.deliver()
        assert len(world.messenger.tries) == tried
        world.clock.move(36.9 * SECOND)
        await world.deliver()
        assert len(world.messenger.tries) == tried
        world.clock.move(0.1 * SECOND)
    await world.deliver()
    assert numbers(world) == [7]
    assert marks(world) == [False]


async def test_a_flood_limit_of_one_chat_holds_up_no_other(world: World) -> None:
    await find(world, 7, chat_id=1)
    await find(world, 7, chat_id=2)
    world.messenger.always[1] = FloodLimited(3600)
    await world.deliver(3)
    assert numbers(world, 1) == []
    assert numbers(world, 2) == [7]


async def test_what_was_surely_not_sent_is_tried_for_days_and_comes_unmarked(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = NotSent()
    await deliver_for(world, 2 * DAY, 20 * MINUTE)
    assert len(world.messenger.tries) > TRIES
    world.messenger.always.clear()
    await deliver_for(world, 10 * MINUTE, MINUTE)
    assert numbers(world) == [7]
    assert marks(world) == [False]


async def test_after_a_short_break_of_the_connection_the_next_try_comes_within_seconds(world: World) -> None:
    await find(world, 7)
    world.messenger.troubles[1].append(NotSent())
    await deliver_for(world, 4 * SECOND)
    assert numbers(world) == [7]


async def test_after_a_long_break_of_the_connection_the_next_try_comes_within_a_minute(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = NotSent()
    await deliver_for(world, DAY, 30 * MINUTE)
    world.messenger.always.clear()
    await deliver_for(world, MINUTE)
    assert numbers(world) == [7]


async def test_a_break_of_the_connection_is_not_hammered_at(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = NotSent()
    await deliver_for(world, 10 * MINUTE)
    assert len(world.messenger.tries) < 30


async def test_an_uncertain_send_is_made_once_more_and_marked(world: World) -> None:
    await find(world, 7)
    world.messenger.troubles[1].append(DeliveryUncertain())
    await deliver_for(world, 10 * SECOND)
    assert numbers(world) == [7]
    assert marks(world) == [True]


async def test_a_send_that_is_uncertain_twice_is_set_aside_to_be_seen_and_the_next_goes_on(world: World) -> None:
    await find(world, 1, 2)
    world.messenger.troubles[1].extend([DeliveryUncertain(), DeliveryUncertain()])
    await deliver_for(world, MINUTE)
    assert numbers(world) == [2]
    assert marks(world) == [False]
    left = await world.store.waiting_alerts(1)
    assert (left.waiting, left.set_aside) == (0, 1)


async def test_telegrams_own_failure_is_tried_without_limit_and_marked(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = TelegramDown()
    await deliver_for(world, DAY, 20 * MINUTE)
    assert len(world.messenger.tries) > TRIES
    world.messenger.always.clear()
    await deliver_for(world, HOUR, MINUTE)
    assert numbers(world) == [7]
    assert marks(world) == [True]


async def test_a_time_out_in_the_middle_of_telegrams_own_failures_loses_nothing(world: World) -> None:
    await find(world, 7)
    world.messenger.troubles[1].extend([TelegramDown(), DeliveryUncertain(), TelegramDown()])
    await deliver_for(world, HOUR, MINUTE)
    assert numbers(world) == [7]
    assert marks(world) == [True]


@pytest.mark.parametrize("error", [SendRefused("Bad Request: something new"), ValueError("a bug in a view")])
async def test_what_telegram_refuses_is_set_aside_after_its_tries_and_the_next_goes_on(
    world: World, error: Exception
) -> None:
    await find(world, 1, 2)
    world.messenger.troubles[1].extend([error] * TRIES)
    await deliver_for(world, 2 * MINUTE)
    assert numbers(world) == [2]
    assert len(world.messenger.tries) == TRIES + 1
    left = await world.store.waiting_alerts(1)
    assert (left.waiting, left.set_aside) == (0, 1)
    assert (await world.chat()).resting is None


@pytest.mark.parametrize("error", [NotSent(), TelegramDown()], ids=["not sent", "telegram down"])
async def test_a_long_outage_uses_up_no_try_of_what_is_refused_once_afterwards(
    world: World, error: MessengerError
) -> None:
    await find(world, 7)
    world.messenger.always[1] = error
    await deliver_for(world, 2 * HOUR, 3 * MINUTE)
    world.messenger.always.clear()
    world.messenger.troubles[1].append(SendRefused("Bad Request: hiccup"))
    await deliver_for(world, 20 * MINUTE, 20 * SECOND)
    assert numbers(world) == [7]


async def test_a_send_that_never_ends_counts_as_uncertain_before_its_lease_is_over(world: World) -> None:
    assert SEND_WITHIN < LEASE
    impatient = Courier(
        world.store, world.store, world.messenger, world.clock, world.workers, send_within=0.01 * SECOND
    )
    await find(world, 7)
    world.messenger.held_chats[1] = Gate()
    await impatient.tick()
    await world.workers.finish()
    assert world.workers.free == 50
    world.messenger.held_chats.clear()
    await deliver_for(world, 10 * SECOND)
    assert numbers(world) == [7]
    assert marks(world) == [True]


@pytest.mark.parametrize(
    "error",
    [ChatGone("x"), ChatMigrated(-5), FloodLimited(600), NotSent(), TelegramDown(), SendRefused("x"), KeyError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_trouble_with_one_chat_stops_no_other(world: World, error: Exception) -> None:
    for chat_id in (1, 2, 3):
        await find(world, 7, chat_id=chat_id)
    world.messenger.always[2] = error
    await world.deliver(3)
    assert numbers(world, 1) == numbers(world, 3) == [7]


async def test_a_slow_chat_holds_up_no_other(world: World) -> None:
    for chat_id in (1, 2):
        await find(world, 7, chat_id=chat_id)
    world.messenger.held_chats[1] = gate = Gate()
    await world.courier.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await asyncio.wait_for(world.messenger.came.wait(), 5)
    assert numbers(world, 2) == [7]
    gate.open()
    await world.workers.finish()
    assert numbers(world, 1) == [7]


async def test_with_all_hands_busy_nothing_is_claimed_that_nobody_can_send(world: World) -> None:
    for chat_id in (1, 2, 3):
        await find(world, 7, chat_id=chat_id)
    few = Workers(2)
    courier = Courier(world.store, world.store, world.messenger, world.clock, few)
    world.messenger.gate = gate = Gate()
    await courier.tick()
    await courier.tick()
    gate.open()
    await few.finish()
    assert len(world.messenger.sent) == 2
    await courier.tick()
    await few.finish()
    assert len(world.messenger.sent) == 3


# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_while_sending_leads_to_one_more_send_that_is_marked(world: World) -> None:
    await find(world, 7)
    world.messenger.gate = gate = Gate()
    await world.courier.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.restart()
    world.messenger.gate = None
    await world.deliver(3)
    assert numbers(world) == [7]
    assert marks(world) == [True]


async def test_a_crash_between_finding_out_and_telling_loses_nothing(world: World) -> None:
    await find(world, 1, 2)
    await world.restart()
    await world.deliver(5)
    assert numbers(world) == [1, 2]
    assert marks(world) == [False, False]


async def test_a_crash_between_being_refused_and_resting_loses_nothing(world: World) -> None:
    await find(world, 7)
    world.messenger.always[1] = ChatGone("blocked")
    rest = world.store.rest

    async def crash(chat_id: int, reason: str) -> None:
        raise OSError("the disk is full")

    world.store.rest = crash  # type: ignore[method-assign]
    await world.deliver()
    world.store.rest = rest  # type: ignore[method-assign]
    await world.restart()
    world.messenger.always.clear()
    await world.deliver()
    assert numbers(world) == [7]


async def test_a_flood_limit_outlives_a_restart(world: World) -> None:
    await find(world, 7)
    world.messenger.troubles[1].append(FloodLimited(600))
    await world.deliver()
    await world.restart()
    world.clock.move(599 * SECOND)
    await world.deliver()
    assert numbers(world) == []
    world.clock.move(SECOND)
    await world.deliver()
    assert numbers(world) == [7]


async def test_a_send_whose_record_could_not_be_written_comes_again_marked(world: World) -> None:
    await find(world, 7)
    alert_sent = world.store.alert_sent

    async def fails(claim: object) -> bool:
        raise OSError("the disk is full")

    world.store.alert_sent = fails  # type: ignore[method-assign]
    await world.deliver()
    world.store.alert_sent = alert_sent  # type: ignore[method-assign]
    world.clock.move(LEASE)
    await world.deliver()
    assert marks(world) == [False, True]


# --- What has no point any more --------------------------------------------------------------------------------------


async def test_an_alert_of_an_invoice_that_was_settled_meanwhile_is_dropped(world: World) -> None:
    await find(world, 7)
    world.provider.account("token-of-1xx").put(settled(invoice(7, DUE)))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == []
    assert (await world.store.waiting_alerts(1)).waiting == 0


async def test_a_reminder_of_what_credit_came_to_cover_meanwhile_is_dropped(world: World) -> None:
    await find(world, 7)
    await world.deliver()
    world.noon(DUE)
    await world.check()
    covered = invoice(7, DUE, total="0")
    world.provider.account("token-of-1xx").put(covered)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None)]


async def test_an_alert_of_an_invoice_that_is_gone_meanwhile_is_dropped(world: World) -> None:
    await find(world, 7)
    world.provider.account("token-of-1xx").invoices.clear()
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == []


async def test_a_reminder_of_a_due_date_that_moved_meanwhile_is_dropped(world: World) -> None:
    await find(world, 7)
    await world.deliver()
    world.noon(DUE)
    await world.check()
    world.provider.account("token-of-1xx").put(invoice(7, DUE + 60 * DAY))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None)]


async def test_alerts_of_an_account_that_the_chat_is_no_longer_linked_to_are_dropped(world: World) -> None:
    await find(world, 7)
    await world.link(token="token-of-another")
    await world.deliver(3)
    assert world.told() == []


async def test_an_alert_under_way_while_the_chat_is_unlinked_ends_quietly(world: World) -> None:
    await find(world, 7)
    world.messenger.gate = gate = Gate()
    await world.courier.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.linking.unlink(await world.chat())
    gate.open()
    await world.workers.finish()
    await world.deliver(3)
    assert numbers(world) == [7]
    assert (await world.chat()).link is None


async def test_a_reminder_that_got_stuck_is_not_told_beside_the_newer_one(world: World) -> None:
    """Its send was left uncertain in an outage of days; both would say the same: how things stand now."""
    await find(world, 7)
    await world.deliver()
    world.messenger.always[1] = TelegramDown()
    for days in (-7, -3, -1, 0):
        world.noon(DUE + days * DAY)
        await world.check()
        await world.deliver(3)
    world.messenger.always.clear()
    await deliver_for(world, HOUR, MINUTE)
    assert world.told() == [(NEW, 7, None), (DUE_SOON, 7, 0)]


async def test_the_alert_says_how_things_stand_when_it_is_sent(world: World) -> None:
    await find(world, 7)
    world.provider.account("token-of-1xx").put(invoice(7, DUE + 3 * DAY, "9.99"))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    (delivery,) = world.messenger.sent
    assert delivery.known is not None
    assert (delivery.known.due, str(delivery.known.left)) == (DUE + 3 * DAY, "9.99")


async def test_an_alert_about_the_token_is_told_while_the_trouble_lasts(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = TokenRefused()
    await world.live(DUE)
    assert world.told() == [(AlertKind.TOKEN_REFUSED, None, None)]


async def test_an_outage_of_both_sides_loses_nothing(world: World) -> None:
    await find(world, 7)
    await world.deliver()
    world.provider.errors["list_invoices"] = ProviderDown()
    world.messenger.always[1] = NotSent()
    world.noon(DUE + DAY)
    await world.check()
    await deliver_for(world, HOUR, MINUTE)
    world.messenger.always.clear()
    await deliver_for(world, 2 * MINUTE)
    assert world.told() == [(NEW, 7, None), (OVERDUE, 7, -1)]
