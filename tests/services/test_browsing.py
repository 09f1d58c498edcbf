"""Browsing: which invoices are listed, in what order, and what the provider is asked for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.invoices import Item
from bot.domain.queries import ItemKind, Query, StatusFilter
from bot.errors import NotFound, NotLinked, ProviderDown
from bot.ports import InvoiceFilter
from bot.services.browsing import Browsing
from tests.fakes import invoice
from tests.services.world import DAY, DUE, World

DOMAIN = replace(invoice(4, DUE), items=(Item("Domain", "a.example", "a.example", Decimal(1)),))
ALL = (
    invoice(1, DUE + DAY),
    invoice(2, DUE, is_open=False),
    invoice(3, DUE),
    DOMAIN,
    invoice(5, DUE, is_open=False, status="Cancelled"),
    invoice(6, DUE, status="Payment Pending"),
)


@pytest.fixture
async def browsing(world: World) -> Browsing:
    world.account.put(*ALL)
    await world.link()
    return Browsing(world.reads)


async def listed(world: World, browsing: Browsing, query: Query) -> list[int]:
    return [one.id for one in (await browsing.listing(await world.chat(), query)).invoices]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (Query(), [3, 4, 6, 1, 5, 2]),
        (Query(StatusFilter.OPEN), [3, 4, 6, 1]),
        (Query(StatusFilter.PAID), [2]),
        (Query(kind=ItemKind.DOMAIN), [4]),
        (Query(kind=ItemKind.HOSTING), [3, 6, 1, 5, 2]),
        (Query(StatusFilter.PAID, ItemKind.DOMAIN), []),
    ],
)
async def test_a_list_holds_what_matches_the_open_ones_first(
    world: World, browsing: Browsing, query: Query, ids: list[int]
) -> None:
    assert await listed(world, browsing, query) == ids


async def test_what_could_not_be_read_is_counted(world: World, browsing: Browsing) -> None:
    world.account.unreadable = 2
    assert (await browsing.listing(await world.chat(), Query())).unreadable == 2


async def test_one_invoice_is_read_fresh(world: World, browsing: Browsing) -> None:
    world.account.put(invoice(1, DUE, "99.00"))
    assert (await browsing.invoice(await world.chat(), 1)).total == Decimal(99)
    with pytest.raises(NotFound):
        await browsing.invoice(await world.chat(), 404)


async def test_an_archive_is_asked_for_by_type_and_transactions(world: World, browsing: Browsing) -> None:
    world.provider.filters.clear()
    for query in (Query(), Query(kind=ItemKind.DOMAIN, with_transactions=True)):
        async with browsing.archive(await world.chat(), query) as document:
            assert document.name == "invoices.zip"
    assert world.provider.filters == [InvoiceFilter(), InvoiceFilter(type="Domain", with_transactions=True)]


async def test_a_list_is_asked_for_by_the_types_that_the_provider_can_filter_by_and_never_by_status(
    world: World, browsing: Browsing
) -> None:
    world.provider.filters.clear()
    for query in (
        Query(StatusFilter.OPEN),
        Query(StatusFilter.PAID, ItemKind.HOSTING, with_transactions=True),
        Query(kind=ItemKind.DOMAIN),
    ):
        await browsing.listing(await world.chat(), query)
    assert world.provider.filters == [
        InvoiceFilter(),
        InvoiceFilter(type="Hosting", with_transactions=True),
        InvoiceFilter(),
    ]


async def test_a_chat_that_is_not_linked_sees_nothing(world: World) -> None:
    browsing, chat = Browsing(world.reads), await world.chat()
    with pytest.raises(NotLinked):
        await browsing.listing(chat, Query())
    with pytest.raises(NotLinked):
        await browsing.invoice(chat, 1)
    with pytest.raises(NotLinked):
        browsing.archive(chat, Query())


async def test_errors_of_the_provider_come_through(world: World, browsing: Browsing) -> None:
    world.provider.errors["list_invoices"] = ProviderDown()
    with pytest.raises(ProviderDown):
        await browsing.listing(await world.chat(), Query())


async def test_of_an_invoice_with_unreadable_items_nobody_knows_whether_it_is_of_a_kind(world: World) -> None:
    domain = replace(invoice(1, DUE), items=(Item("Domain", "x", "x", None),))
    unclear, paid = replace(domain, id=2, items=(), items_unreadable=True), invoice(3, DUE, is_open=False)
    world.account.put(domain, unclear, replace(paid, items=(), items_unreadable=True))
    await world.link()
    found = await Browsing(world.reads).listing(await world.chat(), Query(StatusFilter.OPEN, ItemKind.DOMAIN))
    assert ([one.id for one in found.invoices], found.unreadable, found.unreadable_ids) == ([1], 1, (2,))
    everything = await Browsing(world.reads).listing(await world.chat(), Query())
    assert (len(everything.invoices), everything.unreadable) == (3, 0)
