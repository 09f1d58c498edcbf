"""One message for each open invoice: a newer one takes the place of the older, and never waits for that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.invoices import Invoice
from bot.errors import (
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
    TextRefused,
)
from tests.fakes import invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World

NEW, DUE_SOON, CHANGED, SETTLED = AlertKind.NEW, AlertKind.DUE, AlertKind.CHANGED, AlertKind.SETTLED
TOKEN = "token-of-1xx"


async def told_of(world: World, *numbers: int) -> int:
    """Tell new invoices in one message. Return its id."""
    await world.find(*numbers)
    await world.deliver()
    return world.messenger.sent[-1].id


async def change(world: World, changed: Invoice, ticks: int = 1) -> int:
    """Let an invoice change within hours, and tell it. Return the message's id."""
    world.provider.account(TOKEN).put(changed)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(ticks)
    return world.messenger.sent[-1].id


async def test_a_newer_message_takes_the_place_of_the_older_one(world: World) -> None:
    first = await told_of(world, 7)
    second = await change(world, invoice(7, DUE, "9.00"), ticks=3)
    assert world.messenger.deleted == [first]
    assert await world.remembered() == [(second, [7])]
    third = await change(world, invoice(7, DUE, "8.00"), ticks=3)
    assert world.messenger.deleted == [first, second]
    assert await world.remembered() == [(third, [7])]
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None), (CHANGED, 7, None)]
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0


@pytest.mark.parametrize("too_old", [False, True])
async def test_one_that_can_not_be_deleted_becomes_a_line(world: World, *, too_old: bool) -> None:
    first = await told_of(world, 7)
    if too_old:
        world.clock.move(2 * DAY)
    else:
        world.messenger.undeletable.add(first)
    second = await change(world, invoice(7, DUE, "9.00"), ticks=3)
    assert world.messenger.deleted == []
    assert [(e.message.message_id, [s.folded for s in e.message.shown]) for e in world.messenger.edited] == [
        (first, [True])
    ]
    assert await world.remembered() == [(second, [7])]
    await change(world, settled(invoice(7, DUE, "9.00")), ticks=3)
    assert world.edits()[1:] == [(second, [7])]


async def test_of_several_in_a_message_only_what_is_told_anew_is_folded(world: World) -> None:
    both = await told_of(world, 7, 8)
    newer = await change(world, invoice(7, DUE, "9.00"), ticks=3)
    assert world.messenger.deleted == []
    edit = world.messenger.edited[-1].message
    assert [(s.invoice_id, s.folded) for s in edit.shown] == [(7, True), (8, False)]
    last = await change(world, settled(invoice(7, DUE, "9.00")), ticks=3)
    assert last != newer
    await change(world, replace(invoice(8, DUE, "9.00")), ticks=3)
    assert world.messenger.edited[-1].message.message_id == newer  # struck out
    assert world.messenger.deleted == [both]


@pytest.mark.parametrize(
    "error", [NotSent(), TelegramDown(), DeliveryUncertain(), FloodLimited(2)], ids=lambda error: type(error).__name__
)
async def test_a_failure_costs_the_new_message_nothing_and_is_made_good_later(
    world: World, error: MessengerError
) -> None:
    first = await told_of(world, 7)
    world.messenger.edit_troubles.extend([error, error])
    second = await change(world, invoice(7, DUE, "9.00"))
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]
    await world.deliver_for(10 * MINUTE, 10 * SECOND)
    assert world.messenger.deleted == [first]
    assert await world.remembered() == [(second, [7])]
    assert world.marks() == [False, False]


async def test_in_a_chat_that_is_closed_the_older_one_waits_until_it_is_open(world: World) -> None:
    first = await told_of(world, 7)
    world.messenger.edit_troubles.extend([ChatNotFound("Bad Request: chat not found")] * 2)
    await change(world, invoice(7, DUE, "9.00"), ticks=3)
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]
    await world.deliver_for(HOUR, MINUTE)
    assert world.messenger.deleted == [first]


@pytest.mark.parametrize("refusal", [SendRefused, TextRefused])
async def test_what_telegram_refuses_stays_as_it_is(world: World, refusal: type[SendRefused]) -> None:
    await told_of(world, 7)
    world.messenger.edit_troubles.extend([refusal("Bad Request: something new")] * 5)
    second = await change(world, invoice(7, DUE, "9.00"), ticks=5)
    assert len(world.messenger.edit_troubles) == 4
    assert await world.remembered() == [(second, [7])]
    assert (await world.chat()).closure is None
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]


async def test_what_is_new_goes_before_what_is_to_be_folded(world: World) -> None:
    first = await told_of(world, 7)
    world.messenger.edit_troubles.append(NotSent())
    await change(world, invoice(7, DUE, "9.00"), ticks=2)
    world.clock.move(MINUTE)
    world.provider.account(TOKEN).put(invoice(8, DUE))
    await world.checker.check_now(await world.chat())
    await world.deliver()
    assert (world.numbers()[-1], world.messenger.deleted) == (8, [])
    await world.deliver()
    assert world.messenger.deleted == [first]


async def test_a_message_that_may_not_have_come_takes_no_place(world: World) -> None:
    first = await told_of(world, 7)
    world.messenger.lost[1].append(DeliveryUncertain())
    await change(world, invoice(7, DUE, "9.00"), ticks=3)
    assert world.messenger.deleted == []
    await world.deliver_for(2 * MINUTE, 10 * SECOND)
    assert world.marks() == [False, False, True]
    assert world.messenger.deleted == [first]


async def test_a_message_that_tells_something_else_too_stays(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE), replace(invoice(8, DUE, is_open=False), issued=DUE))
    await world.live(DUE - 12 * DAY)
    assert world.messages() == [[(NEW, 7, None), (NEW, 8, None)]]
    world.account.put(invoice(7, DUE, "9.00"))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.messenger.deleted == []
    assert world.edits() == []
