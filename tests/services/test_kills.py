"""The promises hold although the process is killed before or after any call of a port."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.chats import Place
from bot.domain.payments import Outcome, State
from bot.errors import ProviderDown
from bot.services.delivery import DELIVERY_LEASE
from tests.fakes import Message, invoice, settled
from tests.kills import KillSwitch
from tests.services.world import ADA, DAY, DUE, MESSAGE, SECOND, World, member

MINUTES = timedelta(minutes=15)
LATER = replace(invoice(8, DUE + 90 * DAY), issued=DUE)


async def killed_everywhere(
    folder: Path, prepare: Callable[[World], Awaitable[Any]], act: Callable[[World, Any], Awaitable[None]]
) -> AsyncIterator[tuple[World, Any]]:
    """Yield a world for each step of ``act``. Its process was killed at that step and restarted.

    The last world had no kill. The second item is what ``prepare`` returned.
    """
    for at in itertools.count(1):
        async with opened(folder / str(at)) as world:
            prepared, switch = await prepare(world), KillSwitch(at)
            world.wire(switch.wrap)
            await asyncio.gather(act(world, prepared), return_exceptions=True)
            await world.workers.finish()
            await world.restart()
            yield world, prepared
        if not switch.triggered:
            assert at > 10
            return


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    try:
        yield world
    finally:
        await world.kill()


async def ask(world: World) -> str:
    world.account.put(invoice(7, DUE))
    await world.link()
    return (await world.ask()).id


async def ask_where_answers_are_lost(world: World) -> str:
    world.provider.lost["pay"] = ProviderDown()
    return await ask(world)


async def ask_where_requests_are_lost(world: World) -> str:
    world.provider.errors["pay"] = ProviderDown()
    return await ask(world)


async def press(world: World, payment_id: str) -> None:
    chat = await world.store.chat(1)
    payments = await world.payments.confirm(payment_id, Place(1), member(ADA), MESSAGE, chat)
    assert payments
    await world.payments.carry_out(payments, chat)


@pytest.mark.parametrize("prepare", [ask, ask_where_answers_are_lost, ask_where_requests_are_lost])
async def test_a_payment_killed_anywhere_is_made_at_most_once_and_its_end_is_told_truthfully(
    tmp_path: Path, prepare: Callable[[World], Awaitable[str]]
) -> None:
    async for world, payment_id in killed_everywhere(tmp_path, prepare, press):
        for _ in range(80):
            world.clock.move(10 * SECOND)
            await world.reconcile()
        payment = await world.payment(payment_id)
        told = {shown.outcome for shown in world.messenger.shown if shown.state is State.ENDED}
        assert len(world.provider.posts) <= 1
        if payment.state is State.ASKED:
            assert (world.provider.posts, told) == ([], set())
        elif world.provider.executed:
            assert told == {Outcome.DONE}
        elif world.provider.posts:
            assert told == {Outcome.UNCLEAR}
        else:
            # After a kill between noting the request and sending it, nobody can tell whether it was sent.
            assert told in ({Outcome.NOT_SENT}, {Outcome.UNCLEAR})
        assert payment.state is State.ASKED or payment.told


async def ask_several(world: World) -> str:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    return (await world.ask_several(7, 8))[0].id


async def test_several_payments_killed_anywhere_are_each_made_at_most_once_and_none_after_the_kill(
    tmp_path: Path,
) -> None:
    async for world, first in killed_everywhere(tmp_path, ask_several, press):
        before = list(world.provider.posts)
        for _ in range(80):
            world.clock.move(10 * SECOND)
            await world.reconcile()
        assert world.provider.posts == before
        assert before in ([], [("pay", 7)], [("pay", 7), ("pay", 8)])
        batch = await world.store.batch_of(first)
        if all(payment.state is State.ASKED for payment in batch):
            assert before == []
            continue
        assert [payment.told for payment in batch] == [True, True]
        told = {number: outcome for number, _, outcome in world.last_batch()}
        paid = {number for _, number in world.provider.executed}
        assert {number for number, outcome in told.items() if outcome is Outcome.DONE} == paid
        assert {told[number] for number in told.keys() - paid} <= {Outcome.NOT_SENT, Outcome.UNCLEAR}


async def expect_news(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(LATER)


async def live_through_the_due_date(world: World, _: None) -> None:
    await world.live(DUE)


async def live_on(world: World) -> None:
    for _ in range(3):
        world.clock.move(max(DELIVERY_LEASE, MINUTES))
        await world.check()
        await world.deliver(3)


def marks_of(world: World, kind: AlertKind, number: int) -> list[bool]:
    """Return for each message with this alert whether it was marked as a possible repetition."""
    said = zip(world.marks(), world.messages(), strict=True)
    return [again for again, alerts in said if (kind, number) in [alert[:2] for alert in alerts]]


ONCE = ([False], [True], [False, True])
"""Once, or repeated with a mark. Only a marked one if the process was killed before it sent the first."""


async def test_alerts_killed_anywhere_are_told_once_or_repeated_with_a_mark(tmp_path: Path) -> None:
    async for world, _ in killed_everywhere(tmp_path, expect_news, live_through_the_due_date):
        await live_on(world)
        assert set(world.told()) == {(AlertKind.NEW, 8, None), (AlertKind.DUE, 7, 0)}
        assert marks_of(world, AlertKind.NEW, 8) in ONCE
        assert marks_of(world, AlertKind.DUE, 7) in ONCE


async def live_through_a_payment_elsewhere(world: World, _: None) -> None:
    await world.live(DUE)
    await pay_elsewhere(world)


async def pay_elsewhere(world: World) -> None:
    world.account.put(settled(LATER))
    world.clock.move(MINUTES)
    await world.check()
    await world.deliver(3)


def says_open(message: Message, number: int) -> bool:
    """Return whether a message shows an invoice as one to be paid."""
    return number in [alert.invoice_id for alert in message.alerts] and message.delivery.known[number].is_open


async def test_a_settled_invoice_is_told_and_struck_out_wherever_it_was_open_after_a_kill_anywhere(
    tmp_path: Path,
) -> None:
    async for world, _ in killed_everywhere(tmp_path, expect_news, live_through_a_payment_elsewhere):
        await pay_elsewhere(world)
        await live_on(world)
        of_it = [m for m in world.messenger.sent if 8 in [alert.invoice_id for alert in m.alerts]]
        assert not says_open(of_it[-1], 8)
        assert marks_of(world, AlertKind.NEW, 8) in ONCE
        assert marks_of(world, AlertKind.SETTLED, 8) in ([], *ONCE)
        assert marks_of(world, AlertKind.DUE, 7) in ONCE
        struck = {number for number, invoices in world.edits() if 8 in invoices}
        for message, following in itertools.pairwise(of_it):
            # A message that was repeated had not been noted, so its id is unknown and it can't be edited.
            assert not says_open(message, 8) or message.id in struck or following.delivery.again
        assert not any(8 in invoices for _, invoices in await world.remembered())


async def tell_once(world: World) -> int:
    await world.link()
    world.account.put(invoice(7, DUE))
    await world.live(DUE - 12 * DAY)
    return world.messenger.sent[-1].id


async def test_whatever_is_killed_a_newer_message_takes_the_place_of_the_older(tmp_path: Path) -> None:
    async def tell_again(world: World, _: int) -> None:
        world.account.put(invoice(7, DUE, "9.00"))
        await world.live(DUE - 11 * DAY)

    async for world, first in killed_everywhere(tmp_path, tell_once, tell_again):
        world.clock.move(2 * DELIVERY_LEASE)
        await world.check()
        await world.deliver_for(4 * DELIVERY_LEASE, 10 * SECOND)
        newest = world.messenger.sent[-1]
        assert newest.alerts[0].kind is AlertKind.CHANGED
        assert first in world.messenger.deleted
        assert newest.id not in world.messenger.deleted
        assert (newest.id, [7]) in await world.remembered()
        assert (await world.store.waiting_alerts(key_of(1))).waiting == 0
