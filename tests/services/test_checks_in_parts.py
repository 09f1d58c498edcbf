"""Lists that are not read whole: checks go on where they were, and conclude nothing from what a part lacks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.invoices import Listing
from bot.domain.standings import Standing
from bot.errors import NoneToPay, NotAllRead, ProviderDown
from tests.fakes import invoice
from tests.services.world import ADA, DAY, DUE, MINUTE, START, World, member

NEW, DUE_SOON, UNREADABLE = AlertKind.NEW, AlertKind.DUE, AlertKind.UNREADABLE
OUTAGE, OUTAGE_OVER = AlertKind.OUTAGE, AlertKind.OUTAGE_OVER
FOUR = [invoice(number, DUE + number * DAY) for number in (1, 2, 3, 4)]
NEXT = timedelta(minutes=15)


@pytest.fixture
async def long(world: World) -> World:
    """A linked chat whose account has got four invoices since. Two of them are read at once."""
    await world.link()
    world.account.put(*FOUR)
    world.account.read_at_once = 2
    world.provider.calls.clear()
    return world


async def check(world: World, times: int = 1) -> None:
    for _ in range(times):
        world.clock.move(NEXT)
        await world.check()
        await world.deliver()


async def test_a_check_goes_on_where_the_one_before_stopped_and_then_begins_anew(long: World) -> None:
    await check(long)
    assert long.told() == [(NEW, 1, None), (NEW, 2, None)]
    await check(long)
    assert long.told() == [(NEW, number, None) for number in (1, 2, 3, 4)]
    await check(long, 3)
    assert long.provider.begins == ["", "2", "", "2", ""]


async def test_the_place_in_the_list_outlives_the_process(long: World) -> None:
    await check(long)
    await long.restart()
    await check(long)
    assert long.provider.begins == ["", "2"]


async def test_instead_of_a_place_that_cannot_be_read_the_beginning_is_read_again(long: World) -> None:
    long.provider.broken_places = {"2"}
    await check(long, 3)
    assert long.provider.begins == ["", "2", "", "2", ""]
    assert (await long.linked()).watch.failing_since is None
    assert [told for told in long.told() if told[0] is NEW] == [(NEW, 1, None), (NEW, 2, None)]


async def test_an_outage_on_the_way_begins_the_list_anew(long: World) -> None:
    await check(long)
    long.provider.errors["list_invoices"] = ProviderDown()
    await check(long)
    del long.provider.errors["list_invoices"]
    await check(long)
    assert long.provider.begins == ["", ""]


async def test_a_check_that_somebody_asks_for_begins_at_the_beginning(long: World) -> None:
    await check(long)
    long.clock.move(MINUTE)
    listing = await long.checker.check_now(await long.chat())
    assert [one.id for one in listing.invoices] == [1, 2]
    assert not listing.is_whole
    await check(long)
    assert long.provider.begins == ["", "", "2"]


async def test_what_a_part_lacks_is_neither_gone_nor_settled_and_is_reminded_of(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE), invoice(9, DUE))
    await world.link()
    world.account.read_at_once = 1
    for number in (8, 9):
        del world.account.invoices[number]  # asked for singly, they are not there
    world.account.put(invoice(1, DUE + 9 * DAY))
    await world.live(DUE)
    assert {told for told in world.told() if told[0] is DUE_SOON} == {(DUE_SOON, number, 0) for number in (7, 8, 9)}
    known = await world.known()
    assert {known[number].standing for number in (7, 8, 9)} == {Standing.OPEN}
    assert known[8].unread_since is not None


async def test_more_invoices_than_can_be_asked_for_singly_are_reminded_of_at_once(world: World) -> None:
    world.account.put(*(invoice(number, DUE) for number in range(1, 21)))
    await world.link()
    world.account.read_at_once = 1
    world.provider.errors["invoice"] = ProviderDown()
    await world.live(DUE)
    assert len([told for told in world.told() if told[0] is DUE_SOON]) == 20


async def test_of_a_list_that_counts_more_than_it_holds_nothing_is_gone_and_the_rest_is_told_once(
    world: World,
) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    del world.account.invoices[8]
    world.account.missing = 1
    await check(world, 3)
    assert world.told() == [(UNREADABLE, None, None)]
    assert (await world.known())[8].standing is Standing.OPEN
    world.account.missing = 2
    await check(world, 2)
    assert world.told() == [(UNREADABLE, None, None)] * 2


async def test_unreadable_invoices_in_one_part_are_not_told_anew_by_each_other_part(long: World) -> None:
    long.account.unreadable = 1
    await check(long)
    assert (UNREADABLE, None, None) in long.told()
    long.account.unreadable = 0
    await check(long)
    long.account.unreadable = 1
    await check(long, 2)
    assert long.told().count((UNREADABLE, None, None)) == 1


async def test_a_list_that_is_not_read_to_its_end_for_a_day_is_told_and_so_is_its_end(long: World) -> None:
    long.provider.broken_places = {"2"}
    began = long.clock.now
    while long.clock.now < began + 2 * DAY:
        await check(long)
    about_account = [kind for kind, number, _ in long.told() if number is None]
    assert about_account == [OUTAGE]
    assert (await long.linked()).watch.whole_at == START
    long.provider.broken_places = set()
    await check(long)
    assert [kind for kind, number, _ in long.told() if number is None] == [OUTAGE, OUTAGE_OVER]
    assert (await long.linked()).watch.whole_at is None


async def test_a_list_that_takes_several_checks_is_no_outage(long: World) -> None:
    began = long.clock.now
    while long.clock.now < began + 2 * DAY:
        await check(long)
    assert [kind for kind, number, _ in long.told() if number is None] == []


async def test_a_chat_is_linked_with_a_part_and_told_of_the_rest_by_the_next_checks(world: World) -> None:
    world.account.put(*FOUR)
    world.account.read_at_once = 2
    listing = await world.link()
    assert isinstance(listing, Listing)
    assert (len(listing.invoices), listing.is_whole) == (2, False)
    await check(world)
    assert world.provider.begins == ["", "2"]
    assert world.told() == [(NEW, 3, None), (NEW, 4, None)]


# --- What else is concluded from a list ------------------------------------------------------------------------------


async def test_that_nothing_can_be_paid_is_said_of_a_whole_list_only(paying: World) -> None:
    paying.account.invoices.clear()
    paying.account.put(invoice(1, DUE, is_open=False), invoice(2, DUE))
    paying.account.read_at_once = 1
    chat = await paying.chat()
    assert chat.link is not None
    with pytest.raises(NotAllRead):
        await paying.payment_selection.begin(chat, chat.link.place, member(ADA))
    del paying.account.invoices[2]
    with pytest.raises(NoneToPay):
        await paying.payment_selection.begin(chat, chat.link.place, member(ADA))


async def test_invoices_that_somebody_names_are_offered_though_the_list_lacks_them(paying: World) -> None:
    paying.account.invoices.clear()
    paying.account.put(invoice(1, DUE), invoice(2, DUE, "5.00"), invoice(3, DUE))
    paying.account.read_at_once = 1
    chat = await paying.chat()
    assert chat.link is not None
    selection, asked = await paying.payment_selection.begin(chat, chat.link.place, member(ADA), [2, 99])
    assert selection.chosen == (2,)
    assert [(payment.invoice_id, payment.amount) for payment, _ in asked] == [(2, Decimal("5.00"))]
