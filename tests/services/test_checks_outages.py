"""Long outages, odd answers and vanished invoices: what a person hears, day by day."""

from __future__ import annotations

from datetime import date

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.standings import Standing
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    NotSent,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
)
from tests.fakes import invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, World

NEW, DUE_SOON, OVERDUE, SETTLED = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE, AlertKind.SETTLED
OUTAGE, OUTAGE_OVER, DIGEST = AlertKind.OUTAGE, AlertKind.OUTAGE_OVER, AlertKind.DIGEST
QUARTER = 15 * MINUTE


async def day_of(world: World, day: date) -> None:
    """Let a day pass with a check every three hours, from nine in the morning until nine in the evening."""
    for hour in range(9, 22, 3):
        world.at(day, hour)
        await world.check()
        await world.deliver(2)


# --- Outages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [ProviderDown(), ProviderUnreachable(), RateLimited(60), AnswerNotUnderstood("cut off"), NotFound(), Refused(400)],
    ids=lambda error: type(error).__name__,
)
async def test_an_outage_is_said_once_after_a_day_and_once_when_it_is_over(world: World, error: ProviderError) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = error
    for days in range(5):
        await day_of(world, DUE + days * DAY)
        assert world.told() == ([(OUTAGE, None, None)] if days else [])
    del world.provider.errors["list_invoices"]
    for days in range(5, 8):
        await day_of(world, DUE + days * DAY)
    assert world.told() == [(OUTAGE, None, None), (OUTAGE_OVER, None, None)]


async def test_an_outage_of_less_than_a_day_is_not_mentioned(world: World) -> None:
    await world.link()
    for days in range(4):
        world.provider.errors["list_invoices"] = ProviderDown()
        world.at(DUE + days * DAY, 9)
        await world.check()
        await day_of(world, DUE + days * DAY)
        del world.provider.errors["list_invoices"]
        world.at(DUE + (days + 1) * DAY, 8, 30)
        await world.check()
        await world.deliver(2)
    assert world.told() == []


async def test_an_outage_is_said_to_each_chat_once_across_restarts(world: World) -> None:
    await world.link(1)
    await world.link(2, "token-of-another")
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in range(4):
        await world.restart()
        await day_of(world, DUE + days * DAY)
    assert world.told(1) == world.told(2) == [(OUTAGE, None, None)]


async def test_a_second_outage_is_said_again(world: World) -> None:
    await world.link()
    for begin in (0, 10):
        world.provider.errors["list_invoices"] = ProviderDown()
        for days in range(3):
            await day_of(world, DUE + (begin + days) * DAY)
        del world.provider.errors["list_invoices"]
        await day_of(world, DUE + (begin + 3) * DAY)
    assert [kind for kind, _, _ in world.told()] == [OUTAGE, OUTAGE_OVER] * 2


async def test_reminders_of_what_is_known_come_all_through_an_outage(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in range(-10, 9):
        await day_of(world, DUE + days * DAY)
    reminders = [told for told in world.told() if told[0] is not OUTAGE]
    assert reminders == [(DUE_SOON, 7, n) for n in (7, 3, 1, 0)] + [(OVERDUE, 7, n) for n in (-1, -3, -7)]


async def test_a_token_that_is_refused_after_an_outage_says_so_and_not_that_the_outage_is_over(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in range(2):
        await day_of(world, DUE + days * DAY)
    world.provider.errors["list_invoices"] = TokenRefused()
    for days in range(2, 5):
        await day_of(world, DUE + days * DAY)
    assert [kind for kind, _, _ in world.told()] == [OUTAGE, AlertKind.TOKEN_REFUSED]


async def test_what_happened_during_an_outage_is_told_after_it_as_it_is_then(world: World) -> None:
    world.account.put(invoice(7, DUE + 20 * DAY), invoice(8, DUE + 30 * DAY))
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in range(3):
        await day_of(world, DUE + days * DAY)
    world.account.put(settled(invoice(7, DUE)), invoice(8, DUE + 40 * DAY), invoice(9, DUE + 30 * DAY))
    del world.provider.errors["list_invoices"]
    await day_of(world, DUE + 3 * DAY)
    assert world.messages()[-1] == [(OUTAGE_OVER, None, None), (NEW, 9, None), (AlertKind.CHANGED, 8, None)]


# --- Invoices that vanish --------------------------------------------------------------------------------------------


async def told_of(world: World, *numbers: int) -> None:
    await world.link()
    world.account.put(*(invoice(number, DUE) for number in numbers))
    world.noon(DUE - 9 * DAY)
    await world.check()
    await world.deliver()
    world.clock.move(HOUR)


async def look(world: World) -> None:
    await world.check()
    await world.deliver(2)
    world.clock.move(QUARTER)


async def test_an_empty_list_says_nothing_of_what_is_still_there(world: World) -> None:
    await told_of(world, 7, 8)
    world.account.unlisted = {7, 8}
    for _ in range(5):
        await look(world)
    assert world.told() == [(NEW, 7, None), (NEW, 8, None)]
    assert world.edits() == []


async def test_an_invoice_that_is_gone_is_said_to_be_settled_once_where_it_had_been_told(world: World) -> None:
    await told_of(world, 7, 8)
    del world.account.invoices[7]
    for _ in range(5):
        await look(world)
    assert world.told() == [(NEW, 7, None), (NEW, 8, None), (SETTLED, 7, None)]
    assert (await world.known())[7].standing is Standing.GONE
    assert [struck for _, struck in world.edits()] == [[7]]


@pytest.mark.parametrize(
    "error",
    [ProviderDown(), RateLimited(60), AnswerNotUnderstood("cut off"), Refused(410, "gone"), TokenRefused()],
    ids=lambda error: type(error).__name__,
)
async def test_a_vanished_invoice_that_cannot_be_asked_for_is_neither_paid_nor_gone(
    world: World, error: ProviderError
) -> None:
    await told_of(world, 7)
    world.account.unlisted = {7}
    world.provider.errors["invoice", 7] = error
    for _ in range(5):
        await look(world)
    assert (await world.known())[7].is_open
    assert world.told() == [(NEW, 7, None)]
    assert world.edits() == []
    await world.live(DUE)
    assert (DUE_SOON, 7, 0) in world.told()


@pytest.mark.parametrize(("missed", "told"), [(1, [NEW]), (2, [NEW, SETTLED, AlertKind.REOPENED])])
async def test_an_invoice_that_is_back_is_open_again_only_where_it_was_told_as_gone(
    world: World, missed: int, told: list[AlertKind]
) -> None:
    await told_of(world, 7)
    one = world.account.invoices.pop(7)
    for _ in range(missed):
        await look(world)
    world.account.put(one)
    for _ in range(3):
        await look(world)
    assert [kind for kind, _, _ in world.told()] == told


async def test_an_announcement_that_its_vanished_invoice_cut_off_comes_once_it_is_back(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.at(DUE - 9 * DAY, 23)  # in quiet hours
    await world.check()
    one = world.account.invoices.pop(7)
    for _ in range(2):
        world.clock.move(QUARTER)
        await world.check()
    world.at(DUE - 8 * DAY, 9)
    await world.deliver(2)
    assert world.told() == []
    world.account.put(one)
    await look(world)
    assert world.told() == [(NEW, 7, None)]


async def test_that_it_is_open_again_comes_though_it_vanished_once_more_before_that_was_said(world: World) -> None:
    await told_of(world, 7)
    one = world.account.invoices.pop(7)
    for _ in range(2):
        await look(world)
    world.account.put(one)
    world.at(DUE - 8 * DAY, 23)
    await world.check()
    world.account.invoices.pop(7)
    for _ in range(2):
        world.clock.move(QUARTER)
        await world.check()
    world.at(DUE - 7 * DAY, 8, 30)
    await world.deliver(2)
    world.account.put(one)
    await look(world)
    assert [kind for kind, _, _ in world.told()] == [NEW, SETTLED, AlertKind.REOPENED]


async def test_what_a_new_link_of_the_same_account_lacked_is_open_again_and_not_new(world: World) -> None:
    await told_of(world, 7, 8)
    invoices = dict(world.account.invoices)
    world.account.invoices.clear()
    await world.link()
    await look(world)
    world.account.put(*invoices.values())
    for _ in range(3):
        await look(world)
    assert world.told()[2:] == [(AlertKind.REOPENED, 7, None), (AlertKind.REOPENED, 8, None)]


async def test_what_a_new_link_lacked_is_reminded_of_while_it_can_not_be_read(world: World) -> None:
    await told_of(world, 7)
    world.account.unlisted = {7}
    world.provider.errors["invoice", 7] = AnswerNotUnderstood("cut off")
    await world.link()
    await world.live(DUE)
    assert world.told()[1:] == [(DUE_SOON, 7, 0)]


# --- The digest ------------------------------------------------------------------------------------------------------

MONDAY = date(2026, 6, 8)


async def test_the_digest_comes_on_mondays_from_the_next_one_on_while_something_is_open(world: World) -> None:
    world.account.put(invoice(7, DUE + 300 * DAY))
    await world.link()
    world.noon(MONDAY - 3 * DAY)
    await world.prefer(digest=True)
    told_on = []
    for days in range(-3, 30):
        before = len(world.told())
        await day_of(world, MONDAY + days * DAY)
        told_on += [MONDAY + days * DAY] * (len(world.told()) - before)
        if days == 15:
            world.account.put(settled(invoice(7, DUE)))
    assert set(world.told()) == {(DIGEST, None, None)}
    assert told_on == [MONDAY, MONDAY + 7 * DAY, MONDAY + 14 * DAY]


async def test_nobody_who_has_not_asked_for_it_gets_a_digest(world: World) -> None:
    world.account.put(invoice(7, DUE + 300 * DAY))
    await world.link()
    for days in range(9):
        await day_of(world, MONDAY + days * DAY)
    assert world.told() == []


async def test_the_digest_comes_although_the_provider_is_away(world: World) -> None:
    world.account.put(invoice(7, DUE + 300 * DAY))
    await world.link()
    await world.prefer(digest=True)
    await day_of(world, MONDAY - DAY)
    world.provider.errors["list_invoices"] = ProviderDown()
    await day_of(world, MONDAY)
    assert world.told() == [(DIGEST, None, None)]


# --- Reminders that another alert replaced ---------------------------------------------------------------------------


async def test_a_reminder_that_a_passing_other_due_date_replaced_before_it_was_sent_comes_after_all(
    world: World,
) -> None:
    await told_of(world, 7)
    world.messenger.always[1] = NotSent()
    world.at(DUE - 3 * DAY, 9)
    await world.check()
    for due in (DUE + 20 * DAY, DUE):
        world.account.put(invoice(7, due))
        world.clock.move(HOUR)
        await world.check()
        await world.deliver()
    world.messenger.always.clear()
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.told()[-1] in {(DUE_SOON, 7, 3), (AlertKind.CHANGED, 7, 3)}


@pytest.mark.parametrize("told_before", [False, True])
async def test_a_reminder_that_could_not_be_sent_before_its_invoice_vanished_comes_once_that_is_back(
    world: World, told_before: bool
) -> None:
    if told_before:
        await told_of(world, 7)
    else:
        world.account.put(invoice(7, DUE))
        await world.link()
    world.messenger.always[1] = NotSent()
    world.at(DUE - 3 * DAY, 9)
    await look(world)
    one = world.account.invoices.pop(7)
    for _ in range(2):
        await look(world)
    world.messenger.always.clear()
    world.clock.move(2 * HOUR)
    await world.deliver(2)
    assert told_before == (SETTLED in [kind for kind, _, _ in world.told()])
    world.account.put(one)
    await look(world)
    assert world.told()[-1] == (AlertKind.REOPENED if told_before else DUE_SOON, 7, 3)


async def test_a_change_that_could_not_be_sent_before_its_invoice_vanished_is_told_once_that_is_back(
    world: World,
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.messenger.always[1] = NotSent()
    world.at(DUE - 20 * DAY, 9)
    world.account.put(invoice(7, DUE + DAY))
    await look(world)
    one = world.account.invoices.pop(7)
    for _ in range(2):
        await look(world)
    world.messenger.always.clear()
    world.clock.move(2 * HOUR)
    await world.deliver(2)
    assert world.told() == []
    world.account.put(one)
    await look(world)
    assert world.told() == [(AlertKind.CHANGED, 7, None)]
