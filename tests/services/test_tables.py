"""The tables of an account: read with all items, at a pace that spares the provider."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.chat.views.tables import table_words
from bot.domain.invoices import Invoice, Item
from bot.errors import NotFound, ProviderDown
from bot.files.csv_tables import write_texts
from bot.files.workbooks import write_workbook
from bot.ports import TableWriters
from bot.services.tables import PAUSE, Book, Fits, Tables
from tests.chat.samples import EN
from tests.fakes import invoice
from tests.services.world import BERLIN, World

ITEMS = (Item("Hosting", "KVM", "KVM", Decimal("7.95")),)


class Sleeps:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
async def tables(world: World, sleeps: Sleeps) -> Tables:
    await world.link()
    return Tables(world.reads, TableWriters(write_workbook, write_texts), BERLIN, sleeps)


async def read(world: World, tables: Tables, fits: Fits = lambda _: True) -> Book:
    chat = await world.chat()
    return await tables.book_of(chat, "Company", await world.reads.listing(chat), fits)


def whole(number: int) -> Invoice:
    return replace(invoice(number), items=ITEMS)


async def test_what_was_chosen_is_read_the_oldest_first(world: World, tables: Tables, sleeps: Sleeps) -> None:
    late = replace(whole(1), issued=None)
    world.account.put(whole(3), whole(2), late, whole(4))
    book = await read(world, tables, lambda one: one.id != 4)
    assert [one.id for one in book.chosen] == [1, 2, 3]
    assert [one.id for one in book.listing.invoices] == [3, 2, 1, 4]
    assert world.provider.calls_of("invoice") == []
    assert sleeps.slept == []


async def test_items_that_the_list_lacks_are_read_one_by_one_with_pauses(
    world: World, tables: Tables, sleeps: Sleeps
) -> None:
    world.account.put(*(whole(number) for number in (1, 2, 3)))
    chat = await world.chat()
    listing = await world.reads.listing(chat)
    short = replace(listing, invoices=tuple(replace(one, items=()) for one in listing.invoices))
    book = await tables.book_of(chat, "", short, lambda one: True)
    assert [one.items for one in book.chosen] == [ITEMS] * 3
    assert sleeps.slept == [PAUSE.total_seconds()] * 2


async def test_an_invoice_that_cannot_be_read_by_itself_stays_as_listed(world: World, tables: Tables) -> None:
    world.account.put(*(replace(whole(number), items=()) for number in (1, 2, 3)))
    world.provider.errors["invoice", 2] = NotFound()
    book = await read(world, tables)
    assert [one.id for one in book.chosen] == [1, 2, 3]
    assert world.provider.calls_of("invoice") == [1, 2, 3]


async def test_while_the_provider_is_down_it_is_not_asked_for_each_one(world: World, tables: Tables) -> None:
    world.account.put(*(replace(whole(number), items=()) for number in (1, 2, 3)))
    world.provider.errors["invoice", 2] = ProviderDown()
    book = await read(world, tables)
    assert [one.id for one in book.chosen] == [1, 2, 3]
    assert world.provider.calls_of("invoice") == [1, 2]


async def test_files_are_written_and_closed(world: World, tables: Tables) -> None:
    world.account.put(whole(1))
    book = await read(world, tables)
    words = table_words(EN, [book.listing])
    async with tables.workbook([book], words, "2026") as workbook, tables.texts([book], words, "2026") as texts:
        assert [each.name for each in (workbook, *texts)] == ["2026.xlsx", "2026-Invoices.csv", "2026-Items.csv"]
        assert all(len(each.content.read()) == each.size > 0 for each in (workbook, *texts))
    assert all(each.content.closed for each in (workbook, *texts))
