"""Several alerts at once are one message, and what becomes of them if the send fails."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.invoices import Invoice
from bot.errors import ChatGone, DeliveryUncertain, FloodLimited, NotSent, ProviderDown, TelegramDown, TextRefused
from bot.ports import ALERTS_PER_MESSAGE
from bot.services.delivery import DELIVERY_LEASE, MAX_SEND_TRIES
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World

NEW, DUE_SOON, OVERDUE, CHANGED = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE, AlertKind.CHANGED
TOKEN = "token-of-1xx"


def new(*numbers: int) -> list[tuple[AlertKind, int | None, int | None]]:
    return [(NEW, number, None) for number in numbers]


async def test_several_at_once_become_one_message_the_oldest_first(world: World) -> None:
    await world.find(3)
    world.clock.move(HOUR)
    await world.find(1, 2)
    await world.deliver(3)
    assert world.messages() == [new(3, 1, 2)]


async def test_different_things_go_into_one_message_too(world: World) -> None:
    world.account.put(invoice(1, DUE), invoice(2, DUE))
    await world.link()
    world.account.put(invoice(2, DUE, "9.99"), invoice(3, DUE))
    await world.live(DUE)
    assert world.messages() == [[(NEW, 3, 0), (DUE_SOON, 1, 0), (CHANGED, 2, 0)]]


async def test_more_than_a_message_holds_come_as_several_in_order(world: World) -> None:
    await world.find(*range(1, 2 * ALERTS_PER_MESSAGE + 2))
    await world.deliver(5)
    assert [len(alerts) for alerts in world.messages()] == [ALERTS_PER_MESSAGE, ALERTS_PER_MESSAGE, 1]
    assert world.numbers() == list(range(1, 2 * ALERTS_PER_MESSAGE + 2))


async def test_an_alert_that_was_found_while_a_message_is_under_way_comes_in_the_next(world: World) -> None:
    await world.find(1)
    world.messenger.gate = gate = Gate()
    await world.alert_sender.tick()
    await gate.reached.wait()
    world.clock.move(MINUTE * 15)
    world.provider.account(TOKEN).put(invoice(2, DUE))
    await world.checker.tick()
    async with asyncio.timeout(5):
        while (await world.store.waiting_alerts(key_of(1))).waiting < 2:
            pass
    gate.open()
    await world.workers.finish()
    await world.deliver(2)
    assert world.messages() == [new(1), new(2)]


@pytest.mark.parametrize("bad", [1, 2, 3])
async def test_one_bad_alert_in_a_refused_message_does_not_take_the_others_with_it(world: World, bad: int) -> None:
    await world.find(1, 2, 3)
    world.messenger.refuses = {bad}
    await world.deliver_for(6 * MINUTE)
    good = [number for number in (1, 2, 3) if number != bad]
    assert world.messages() == [new(number) for number in good]
    assert world.marks() == [False, False]
    left = await world.store.waiting_alerts(key_of(1))
    assert (left.waiting, left.set_aside) == (0, 1)


async def test_a_message_that_is_refused_once_comes_as_single_ones_in_order(world: World) -> None:
    await world.find(1, 2, 3)
    world.messenger.troubles[1].append(TextRefused("Bad Request: hiccup"))
    await world.deliver_for(10 * SECOND)
    assert world.messages() == [new(1), new(2), new(3)]


async def test_a_bad_alert_is_given_up_after_its_tries_and_what_is_found_later_comes_together_again(
    world: World,
) -> None:
    await world.find(1)
    world.messenger.refuses = {1}
    await world.deliver_for(6 * MINUTE)
    assert len(world.messenger.tries) == MAX_SEND_TRIES
    world.clock.move(HOUR)
    await world.find(2, 3)
    await world.deliver(2)
    assert world.messages() == [new(2, 3)]


async def test_what_may_have_come_comes_again_as_it_was_marked_and_once_only(world: World) -> None:
    await world.find(1, 2)
    world.messenger.lost[1].append(DeliveryUncertain())
    await world.deliver()
    world.clock.move(HOUR)
    await world.find(3)
    await world.deliver_for(HOUR, MINUTE)
    assert world.messages() == [new(1, 2), new(1, 2), new(3)]
    assert world.marks() == [False, True, False]


async def test_a_message_that_stays_uncertain_is_repeated_as_a_whole(world: World) -> None:
    await world.find(1, 2)
    world.messenger.troubles[1].extend([DeliveryUncertain(), DeliveryUncertain()])
    await world.deliver_for(7 * MINUTE)
    assert world.messages() == [new(1, 2)]
    assert world.marks() == [True]


async def test_an_uncertain_announcement_is_said_again_with_the_reminder_of_the_same_invoice(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = DeliveryUncertain()
    await world.deliver_for(2 * MINUTE)
    world.messenger.always.clear()
    world.clock.move(-MINUTE)  # nothing else is due
    await world.live(DUE)
    assert world.messages() == [[(AlertKind.NEW, 7, 0)]]
    assert world.marks() == [True]


async def test_an_uncertain_reminder_gives_way_to_a_later_one_which_is_no_repetition(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.messenger.always[1] = DeliveryUncertain()
    await world.live(DUE - DAY)
    world.messenger.always.clear()
    await world.live(DUE)
    assert world.messages() == [new(7), [(DUE_SOON, 7, 0)]]
    assert world.marks() == [False, False]


async def test_a_crash_while_a_message_of_several_is_sent_repeats_it_as_it_was(world: World) -> None:
    await world.find(1, 2)
    world.messenger.gate = gate = Gate()
    await world.alert_sender.tick()
    await gate.reached.wait()
    await world.restart()
    world.messenger.gate = None
    world.clock.move(HOUR)
    await world.find(3)
    await world.deliver(2)
    assert world.messages() == [new(1, 2), new(3)]
    assert world.marks() == [True, False]


async def test_a_repeated_message_leaves_out_what_was_settled_meanwhile(world: World) -> None:
    await world.find(1, 2)
    world.messenger.lost[1].append(TelegramDown())
    await world.deliver()
    world.messenger.always[1] = TelegramDown()
    world.provider.account(TOKEN).put(settled(invoice(1, DUE), "Cancelled"))
    world.clock.move(HOUR)
    await world.check()
    world.messenger.always.clear()
    await world.deliver_for(HOUR, MINUTE)
    assert world.messages()[:2] == [new(1, 2), new(2)]


async def test_a_flood_limit_holds_a_message_of_several_for_exactly_as_long_as_asked(world: World) -> None:
    await world.find(1, 2)
    world.messenger.troubles[1].append(FloodLimited(37))
    await world.deliver()
    world.clock.move(36.9 * SECOND)
    await world.deliver()
    assert world.messages() == []
    world.clock.move(0.1 * SECOND)
    await world.deliver()
    assert world.messages() == [new(1, 2)]


async def test_alerts_that_were_surely_not_sent_join_those_found_meanwhile(world: World) -> None:
    await world.find(1)
    world.messenger.troubles[1].append(NotSent())
    await world.deliver()
    world.clock.move(HOUR)
    await world.find(2)
    await world.deliver()
    assert world.messages() == [new(1, 2)]
    assert world.marks() == [False]


async def test_what_a_lease_that_ran_out_leaves_is_repeated_marked(world: World) -> None:
    await world.find(1, 2)
    (delivery,) = await world.store.claim_alerts(world.clock.now, 10, DELIVERY_LEASE)
    world.clock.move(DELIVERY_LEASE)
    await world.deliver(2)
    assert world.messages() == [new(1, 2)]
    assert world.marks() == [True]
    assert not await world.store.alerts_sent(delivery.claim, None, ())


# --- A chat that can't be written to ---------------------------------------------------------------------------------


def open_invoices(*numbers: int) -> list[Invoice]:
    return [invoice(number, DUE) for number in numbers]


async def test_a_chat_that_was_blocked_for_weeks_hears_one_message_of_how_things_stand_now(world: World) -> None:
    world.account.put(*open_invoices(1, 2, 3))
    await world.link()
    world.messenger.always[1] = ChatGone("Forbidden: bot was blocked by the user")
    await world.live(DUE - 7 * DAY)
    for days in range(-6, 9):
        await world.live(DUE + days * DAY)
    world.account.put(settled(invoice(2, DUE)), invoice(4, DUE + 30 * DAY))
    world.messenger.always.clear()
    world.noon(DUE + 9 * DAY)
    await world.store.wake(1, world.clock.now)
    await world.check()
    await world.deliver_for(2 * MINUTE)
    assert world.messages() == [[(NEW, 4, None), (OVERDUE, 1, -7), (OVERDUE, 3, -7)]]
    assert world.marks() == [False]


async def test_a_chat_that_comes_back_while_the_provider_is_down_hears_what_is_known(world: World) -> None:
    world.account.put(*open_invoices(1, 2))
    await world.link()
    world.messenger.always[1] = ChatGone("Forbidden: bot was blocked by the user")
    await world.live(DUE - 7 * DAY)
    world.messenger.always.clear()
    world.provider.errors["list_invoices"] = ProviderDown()
    world.noon(DUE)
    await world.store.wake(1, world.clock.now)
    await world.check()
    await world.deliver_for(2 * MINUTE)
    assert world.messages() == [[(DUE_SOON, 1, 0), (DUE_SOON, 2, 0)]]


async def test_a_chat_that_is_blocked_again_and_again_loses_nothing(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].extend([ChatGone("blocked"), ChatGone("blocked")])
    for _ in range(3):
        await world.deliver_for(2 * MINUTE)
        await world.store.wake(1, world.clock.now)
    await world.deliver_for(2 * MINUTE)
    assert world.messages() == [new(7)]
