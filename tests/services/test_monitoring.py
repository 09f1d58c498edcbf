"""Finding out what is to be told: new invoices, reminders, and never more than the provider really said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Trouble
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
)
from bot.services.monitoring import MISSING_AT_ONCE, Monitor
from bot.services.workers import Workers
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, MINUTE, START, TOKEN, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE

UNREADABLE = [
    ProviderDown(),
    ProviderUnreachable(),
    RateLimited(),
    AnswerNotUnderstood("cut off"),
    NotFound(),
    Refused(400, "no"),
]


# --- What is told ----------------------------------------------------------------------------------------------------


async def test_a_new_invoice_and_each_of_its_reminders_come_once_across_restarts(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    for days in range(-12, 20):
        await world.live(DUE + days * DAY)
        await world.restart()
        await world.live(DUE + days * DAY)
    reminders = [(DUE_SOON, 7, n) for n in (7, 3, 1, 0)] + [(OVERDUE, 7, n) for n in (-1, -3, -7, -14)]
    assert world.told() == [(NEW, 7, None), *reminders]


async def test_invoices_from_before_the_link_are_not_told_as_new(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE - 90 * DAY))
    await world.link()
    await world.live(DUE - 10 * DAY)
    assert (NEW, 7, None) not in world.told()
    assert [number for _, number, _ in world.told()] == [8]  # its weekly reminder, whose day came after the link


async def test_an_invoice_that_is_paid_on_creation_is_silent(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE, is_open=False))
    await world.live(DUE)
    assert world.told() == []


async def test_a_settled_invoice_is_reminded_of_no_more(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    await world.live(DUE - 8 * DAY)
    world.account.put(settled(invoice(7, DUE), "Cancelled"))
    for days in range(-7, 30):
        await world.live(DUE + days * DAY)
    assert world.told() == [(NEW, 7, None)]


async def test_reminders_missed_while_the_bot_was_off_come_as_one(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.restart()
    await world.live(DUE + 5 * DAY)
    assert world.told() == [(OVERDUE, 7, -3)]


async def test_alerts_that_wait_through_a_long_outage_of_telegram_become_one(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    for days in range(-8, 3):
        world.noon(DUE + days * DAY)
        await world.check()
    await world.deliver(5)
    assert world.told() == [(OVERDUE, 7, -1)]


async def test_a_check_that_comes_before_its_time_asks_nobody(world: World) -> None:
    await world.link()
    world.provider.calls.clear()
    await world.check()
    assert world.provider.calls == []
    world.clock.move(timedelta(minutes=15))
    await world.check()
    assert world.provider.calls_of("list_invoices") == [None]


async def test_a_check_reads_in_the_language_of_the_chat(world: World) -> None:
    await world.link()
    await world.store.set_language(1, "de")
    await world.live(DUE)
    assert world.provider.languages == ["en", "de"]


# --- A provider that can't be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: type(error).__name__)
async def test_reminders_come_from_what_is_known_while_the_provider_cannot_be_read(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = error
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).checked_at == START
    assert (await world.linked()).trouble is None


async def test_the_reminder_bears_the_age_of_what_is_known(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    await world.live(DUE)
    (delivery,) = world.messenger.sent
    assert delivery.chat.link is not None
    assert delivery.chat.link.checked_at == START < delivery.alert.created_at


async def test_a_bug_in_reading_costs_no_reminder(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = RecursionError("a very odd answer")
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(minutes=15)


async def test_the_last_good_reading_moves_on_once_the_provider_is_back(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    await world.live(DUE - DAY)
    del world.provider.errors["list_invoices"]
    world.account.put(invoice(7, DUE))
    await world.live(DUE)
    assert (await world.linked()).checked_at == world.clock.now
    assert world.told() == [(NEW, 7, None)]


async def test_a_rate_limit_puts_the_next_check_off_for_as_long_as_was_asked(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = RateLimited(3600)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(hours=1)


async def test_a_rate_limit_shorter_than_the_interval_changes_nothing(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = RateLimited(3)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(minutes=15)


# --- Invoices that vanish --------------------------------------------------------------------------------------------


async def test_an_empty_list_is_not_read_as_paid_or_gone(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7, 8}
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0)]
    known = await world.known()
    assert all(one.is_open and not one.gone for one in known.values())


async def test_an_invoice_that_could_not_be_read_in_the_list_is_asked_for_singly_and_reminded_of(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted, world.account.unreadable = {7}, 1
    await world.live(DUE)
    assert world.provider.calls_of("invoice") == [7]
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0)]


async def test_a_vanished_invoice_that_was_paid_is_not_reminded_of(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(settled(invoice(7, DUE)))
    world.account.unlisted = {7}
    await world.live(DUE)
    assert world.told() == []
    world.provider.calls.clear()
    await world.live(DUE + DAY)
    assert world.provider.calls_of("invoice") == []  # it is known to be closed


async def test_only_an_invoice_that_the_provider_itself_no_longer_has_is_gone(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.invoices.clear()
    await world.live(DUE)
    assert world.told() == []
    assert (await world.known())[7].gone


@pytest.mark.parametrize(
    "error",
    [AnswerNotUnderstood("no id"), Refused(410, "gone"), PermissionMissing("x"), TokenRefused(), ValueError("a bug")],
    ids=lambda error: type(error).__name__,
)
async def test_a_vanished_invoice_that_cannot_be_read_singly_hides_no_other_and_counts_as_open(
    world: World, error: Exception
) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7}
    world.account.put(invoice(9, DUE), settled(invoice(8, DUE)))
    world.provider.errors["invoice", 7] = error
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (NEW, 9, None)]
    assert (await world.linked()).trouble is None


@pytest.mark.parametrize("error", [ProviderDown(), RateLimited(3600)], ids=lambda error: type(error).__name__)
async def test_an_outage_halfway_keeps_what_was_read_and_says_the_age_of_the_rest(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7, 8}
    world.account.put(invoice(9, DUE))
    world.provider.errors["invoice"] = error
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0), (NEW, 9, None)]
    assert world.provider.calls_of("invoice") == [7]  # no use in asking on
    assert (await world.linked()).checked_at == START


async def test_a_rate_limit_halfway_puts_the_next_check_off(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.unlisted = {7}
    world.provider.errors["invoice"] = RateLimited(3600)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(hours=1)


async def test_many_that_vanish_at_once_are_asked_for_over_several_checks_before_a_word_is_said(world: World) -> None:
    many = range(1, 3 * MISSING_AT_ONCE)
    world.account.put(*(invoice(number, DUE) for number in many))
    await world.link()
    world.account.unlisted = set(many)
    world.account.put(settled(invoice(max(many), DUE)))  # asked for last
    world.noon(DUE)
    for _ in many:
        before = len(world.provider.calls_of("invoice"))
        await world.check()
        await world.deliver(10)
        assert len(world.provider.calls_of("invoice")) - before <= MISSING_AT_ONCE
        asked = set(world.provider.calls_of("invoice"))
        assert {number for _, number, _ in world.told()} <= asked
        world.clock.move(timedelta(minutes=15))
    assert sorted(world.told()) == [(DUE_SOON, number, 0) for number in many[:-1]]


# --- A token that is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TokenRefused(), AlertKind.TOKEN_REFUSED),
        (PermissionMissing("access_invoices"), AlertKind.PERMISSION_MISSING),
    ],
)
async def test_a_refused_token_is_told_once_then_not_used_again_while_reminders_go_on(
    world: World, error: ProviderError, kind: AlertKind
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = error
    await world.live(DUE - 10 * DAY)
    assert (await world.linked()).trouble == Trouble(kind.value)
    world.provider.calls.clear()
    await world.restart()
    for days in (-9, -7, -3, -1, 0, 1):
        await world.live(DUE + days * DAY)
    assert world.provider.calls == []
    assert world.told() == [(kind, None, None), *((DUE_SOON, 7, n) for n in (7, 3, 1, 0)), (OVERDUE, 7, -1)]
    assert (await world.linked()).checked_at == START


async def test_linking_anew_ends_the_trouble_and_an_untold_alert_about_it(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = TokenRefused()
    world.noon(DUE)
    await world.check()
    del world.provider.errors["list_invoices"]
    await world.link()
    await world.deliver()
    assert world.told() == []
    world.account.put(invoice(7, DUE))
    await world.live(DUE + DAY)
    assert world.told() == [(NEW, 7, None)]


# --- Nobody holds up anybody -----------------------------------------------------------------------------------------


async def test_a_slow_account_holds_up_neither_the_others_nor_commands(world: World) -> None:
    await world.link(1, "token-of-slow")
    await world.link(2, "token-of-quick")
    world.provider.gates["token-of-slow"] = gate = Gate()
    for token in ("token-of-slow", "token-of-quick"):
        world.provider.account(token).put(invoice(7, DUE))
    world.noon(DUE)
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    while not world.told(2):
        await world.courier.tick()
        await asyncio.sleep(0)
    assert (await asyncio.wait_for(world.chat(1), 5)).link is not None
    assert world.told(1) == []
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told(1) == [(NEW, 7, None)]


async def test_a_check_that_takes_longer_than_a_tick_is_not_begun_twice(world: World) -> None:
    await world.link()
    world.provider.gates[TOKEN] = gate = Gate()
    world.provider.calls.clear()
    world.noon(DUE)
    await world.monitor.tick()
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.monitor.tick()
    gate.open()
    await world.workers.finish()
    assert world.provider.calls_of("list_invoices") == [None]


@pytest.mark.parametrize("error", [ProviderDown(), RuntimeError("a bug"), KeyError("id")])
async def test_one_failing_chat_stops_no_other(world: World, error: Exception) -> None:
    for number in range(1, 6):
        await world.link(number, f"token-of-{number}xx")
        world.provider.account(f"token-of-{number}xx").put(invoice(number, DUE))
    world.provider.errors["token-of-3xx"] = error
    await world.live(DUE)
    assert {number for number in range(1, 6) if world.told(number)} == {1, 2, 4, 5}


async def test_no_more_checks_run_at_once_than_there_are_workers_and_the_rest_have_their_turn(world: World) -> None:
    for number in range(1, 8):
        await world.link(number, f"token-of-{number}xx")
    few = Workers(2)
    monitor = Monitor(world.store, world.provider, world.clock, world.plan, few)
    world.provider.gates["list_invoices"] = gate = Gate()
    world.provider.calls.clear()
    world.noon(DUE)
    for _ in range(3):
        await monitor.tick()
        await asyncio.sleep(0)
    assert len(world.provider.calls) == 2
    gate.open()
    for _ in range(7):
        await few.finish()
        await monitor.tick()
    await few.finish()
    assert len(world.provider.calls) == 7


async def test_a_check_that_was_cut_off_by_a_crash_is_made_again(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.restart()
    world.provider.gates.clear()
    await world.live(DUE)
    assert world.told() == [(NEW, 7, None)]


async def test_a_check_of_an_older_link_tells_nothing_after_the_chat_was_linked_anew(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.link(token="token-of-another")
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told() == []
    assert await world.known() == {}


async def test_a_check_that_is_under_way_when_the_chat_is_unlinked_leaves_nothing(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert await world.linking.unlink(await world.chat())
    gate.open()
    await world.workers.finish()
    await world.deliver()
    assert world.told() == []
    assert (await world.chat()).link is None


async def test_a_resting_chat_is_not_checked_and_hears_how_things_stand_once_it_is_back(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.store.rest(1, "blocked")
    world.provider.calls.clear()
    for days in range(-8, 3):
        await world.live(DUE + days * DAY)
    assert world.provider.calls == []
    await world.store.wake(1, world.clock.now)
    await world.live(DUE + 3 * DAY)
    assert world.told() == [(OVERDUE, 7, -3)]


async def test_a_slow_readings_result_counts_from_when_it_came(world: World) -> None:
    await world.link()
    world.provider.gates[TOKEN] = gate = Gate()
    world.noon(DUE)
    await world.monitor.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    world.clock.move(2 * MINUTE)
    gate.open()
    await world.workers.finish()
    link = await world.linked()
    assert link.checked_at == world.clock.now
    assert link.next_check_at == world.clock.now + timedelta(minutes=15)


async def test_two_chats_of_one_account_are_each_told(world: World) -> None:
    await world.link(1)
    await world.link(2)
    world.account.put(invoice(7, DUE))
    await world.live(DUE)
    assert world.told(1) == world.told(2) == [(NEW, 7, None)]


async def test_an_invoice_that_credit_has_come_to_cover_is_not_reminded_of(world: World) -> None:
    one = invoice(7, DUE)
    world.account.put(one)
    await world.link()
    world.account.put(replace(one, credit=one.total))
    await world.live(DUE)
    assert world.told() == []
