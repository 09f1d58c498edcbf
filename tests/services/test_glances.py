"""Accounts in which nothing has changed are only glanced at, and nothing is told otherwise for it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Trouble
from bot.domain.deliveries import Claim
from bot.domain.live_messages import LiveMessage, state_of
from bot.domain.schedule import FULL_CHECK_EVERY, CheckPlan
from bot.errors import ProviderDown, TokenRefused
from bot.ports import Check
from bot.services import checks
from bot.services.checks import Checker
from bot.services.comparing import Comparison
from bot.services.redrawing import Redrawing
from tests.fakes import Gate, invoice, settled
from tests.services.world import BERLIN, DAY, DUE, HOUR, MINUTE, OPEN, TOKEN, World

QUARTER = timedelta(minutes=15)


class Compared:
    """Counts the checks that were made in full."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *args: Any) -> Comparison:
        self.count += 1
        return Comparison(*args)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    counting = Compared()
    monkeypatch.setattr(checks, "Comparison", counting)
    return counting


async def live(world: World, span: timedelta) -> None:
    """Let the bot check and tell for a while."""
    end = world.clock.now + span
    while world.clock.now < end:
        world.clock.move(min(5 * MINUTE, end - world.clock.now))
        await world.check()
        await world.deliver(3)


async def at_rest(world: World, compared: Compared) -> None:
    """Link an account with an open invoice, and wait until a check is only a glance."""
    world.account.put(OPEN)
    world.noon(DUE - 10 * DAY)
    await world.link()
    await live(world, HOUR)
    before, read = compared.count, len(world.provider.calls_of("list_invoices"))
    await live(world, QUARTER)
    assert compared.count == before
    assert len(world.provider.calls_of("list_invoices")) == read + 1


async def test_the_provider_is_read_as_often_as_ever_and_compared_every_few_hours(
    world: World, compared: Compared
) -> None:
    await at_rest(world, compared)
    before, read = compared.count, len(world.provider.calls_of("list_invoices"))
    await live(world, 2 * FULL_CHECK_EVERY)
    assert len(world.provider.calls_of("list_invoices")) - read == 2 * FULL_CHECK_EVERY / QUARTER
    assert 2 <= compared.count - before <= 4


async def test_how_old_the_knowledge_is_counts_from_the_last_glance(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    assert (await world.linked()).watch.checked_at > world.clock.now - QUARTER


async def test_a_reminder_comes_at_its_hour(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    world.at(DUE - 8 * DAY, 20)
    await live(world, 12 * HOUR)
    assert world.told() == []
    await live(world, 2 * HOUR)
    assert world.told() == [(AlertKind.DUE, 7, 7)]


async def test_what_is_new_is_told_at_once_and_read_once(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    world.account.put(invoice(8, DUE))
    read = len(world.provider.calls_of("list_invoices"))
    await live(world, QUARTER)
    assert [told[:2] for told in world.told()] == [(AlertKind.NEW, 8)]
    assert len(world.provider.calls_of("list_invoices")) == read + 1


async def test_what_was_paid_is_told(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    world.noon(DUE - 7 * DAY)
    await live(world, 2 * HOUR)
    world.account.put(settled(OPEN))
    await live(world, HOUR)
    assert 7 in [number for _, numbers in world.edits() for number in numbers]


async def test_an_outage_that_begins_at_a_glance_is_told_after_a_day_and_its_end_too(
    world: World, compared: Compared
) -> None:
    world.account.put(invoice(7, DUE + 60 * DAY))
    world.noon(DUE - 10 * DAY)
    await world.link()
    await live(world, 2 * HOUR)
    world.provider.errors["list_invoices"] = ProviderDown()
    await live(world, DAY - HOUR)
    assert world.told() == []
    await live(world, 2 * HOUR)
    assert [kind for kind, _, _ in world.told()] == [AlertKind.OUTAGE]
    del world.provider.errors["list_invoices"]
    await live(world, HOUR)
    assert [kind for kind, _, _ in world.told()] == [AlertKind.OUTAGE, AlertKind.OUTAGE_OVER]


async def test_a_token_that_is_refused_at_a_glance_is_told_once_it_is_sure(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    world.provider.errors[TOKEN] = TokenRefused()
    await live(world, HOUR)
    assert [kind for kind, _, _ in world.told()] == [AlertKind.TOKEN_REFUSED]
    assert (await world.linked()).watch.trouble is Trouble.TOKEN_REFUSED


async def test_the_credit_is_read_as_often_as_ever_and_its_change_is_noted(world: World, compared: Compared) -> None:
    world.plan = CheckPlan(QUARTER, BERLIN, currency="EUR")
    world.wire(lambda port: port)
    world.account.shows_credit, world.account.balance = True, Decimal(3)
    await at_rest(world, compared)
    before, read = compared.count, len(world.provider.calls_of("credit"))
    await live(world, HOUR)
    assert compared.count == before
    assert len(world.provider.calls_of("credit")) == read + 4
    link = await world.linked()
    assert link.credit.read_at is not None
    assert link.credit.read_at > world.clock.now - QUARTER
    world.account.balance = Decimal(5)
    await live(world, QUARTER)
    credit = (await world.linked()).credit.credit
    assert credit is not None
    assert credit.amount == Decimal(5)


async def test_what_a_person_chooses_during_a_glance_counts(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    gate = world.provider.gates["list_invoices"] = Gate()
    world.clock.move(QUARTER)
    await world.checker.tick()
    await gate.reached.wait()
    await world.prefer(before=(10,))
    gate.open()
    await world.workers.finish()
    del world.provider.gates["list_invoices"]
    await live(world, QUARTER)
    assert world.told() == [(AlertKind.DUE, 7, 10)]


async def test_after_a_restart_a_chat_is_checked_in_full(world: World, compared: Compared) -> None:
    await at_rest(world, compared)
    await world.restart()
    before = compared.count
    await live(world, QUARTER)
    assert compared.count > before


async def test_a_message_that_was_drawn_during_a_glance_is_not_drawn_as_things_stood_before(
    world: World, compared: Compared
) -> None:
    await at_rest(world, compared)
    redrawing = Redrawing(world.store, world.messenger)
    world.checker = Checker(world.store, world.provider, world.clock, world.plan, world.workers, redrawing=redrawing)
    newer = LiveMessage(99, None, "show:7", state_of([settled(OPEN)]))
    whole = world.store.whole_check

    async def once_paid_and_shown(claim: Claim) -> Check | None:
        """The provider has answered by now."""
        world.account.put(settled(OPEN))
        chat = await world.store.chat(1)
        await world.store.set_live_message(chat.key, None, newer)
        return await whole(claim)

    world.store.whole_check = once_paid_and_shown
    world.account.put(invoice(8, DUE))
    world.clock.move(QUARTER)
    await world.check()
    assert (await world.store.chat(1)).live == (newer,)
