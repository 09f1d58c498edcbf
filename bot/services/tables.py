"""Tables of an account's invoices: read what was chosen, with all items, and write it as files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo
from itertools import chain

from bot.domain.chats import Chat
from bot.domain.invoices import Invoice, Listing
from bot.domain.ledger import Entry, Total, Totals, entries
from bot.errors import AnswerNotUnderstood, NotFound, ProviderError, Refused
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Document, Sleep, TableWords, TableWriters
from bot.services.failures import log_failure
from bot.services.reading import AccountReads

PAUSE = timedelta(milliseconds=250)
"""Between two invoices that are read by themselves. Nobody waits for the first one alone, so the provider is spared."""

ABOUT_ONE = (NotFound, Refused, AnswerNotUnderstood)
"""Errors that say nothing of the other invoices."""

Fits = Callable[[Invoice], bool]


@dataclass(frozen=True, slots=True)
class Book:
    """What was chosen of an account. ``account`` is its name, ``listing`` all that the provider lists of it."""

    account: str
    listing: Listing
    chosen: tuple[Invoice, ...]

    def entries(self, zone: tzinfo) -> Iterator[Entry]:
        """Return the bookkeeper's entries, the oldest first. Invoices that others collect are counted once."""
        return entries(self.chosen, zone, self.account, self.listing.invoices)


class Tables:
    """Reads a linked chat's invoices for tables, and has ``writers`` write these. ``zone`` is the provider's."""

    def __init__(self, reads: AccountReads, writers: TableWriters, zone: tzinfo, sleep: Sleep = asyncio.sleep) -> None:
        self._reads = reads
        self._writers = writers
        self._zone = zone
        self._sleep = sleep

    async def book_of(self, chat: Chat, account: str, listing: Listing, fits: Fits) -> Book:
        """Return what ``fits`` of a list that was read just now, with all items. What can't be had stays as listed."""
        chosen, lacking = await off_loop(len(listing.invoices) > HEAVY_COUNT, _chosen, listing.invoices, fits)
        found = await self._read_alone(chat, lacking)
        return Book(account, listing, tuple(found.get(one.id, one) for one in chosen))

    async def totals_of(self, book: Book) -> Sequence[Total]:
        """Return the totals of what was chosen, as they stand in its table."""
        return await asyncio.to_thread(self._added_up, book)

    @asynccontextmanager
    async def workbook(self, books: Sequence[Book], words: TableWords, name: str) -> AsyncIterator[Document]:
        """Write a workbook (XLSX) off the event loop."""
        document = await asyncio.to_thread(self._writers.workbook, self._all(books), words, name)
        with document.content:
            yield document

    @asynccontextmanager
    async def texts(self, books: Sequence[Book], words: TableWords, name: str) -> AsyncIterator[Sequence[Document]]:
        """Write the invoices and the items as two CSV files, off the event loop."""
        invoices, items = await asyncio.to_thread(self._writers.texts, self._all(books), words, name)
        with invoices.content, items.content:
            yield invoices, items

    def _added_up(self, book: Book) -> Sequence[Total]:
        totals = Totals()
        for entry in book.entries(self._zone):
            totals.add(entry)
        return totals.all()

    def _all(self, books: Iterable[Book]) -> Iterator[Entry]:
        return chain.from_iterable(book.entries(self._zone) for book in books)

    async def _read_alone(self, chat: Chat, lacking: Sequence[Invoice]) -> dict[int, Invoice]:
        """Read invoices by themselves whose items the list lacks. Return those that can be read."""
        whole = dict[int, Invoice]()
        for at, invoice in enumerate(lacking):
            if at:
                await self._sleep(PAUSE.total_seconds())
            try:
                found = await self._reads.invoice(chat, invoice.id)
            except ProviderError as error:
                log_failure("invoice can't be read for a table", error, chat=chat.id, of=len(lacking))
                if not isinstance(error, ABOUT_ONE):
                    break
            else:
                whole[invoice.id] = replace(found, parts=invoice.parts, in_parts=invoice.in_parts)
        return whole


def _chosen(listed: Sequence[Invoice], fits: Fits) -> tuple[list[Invoice], list[Invoice]]:
    """Return what fits, the oldest first, and those of them whose items the list lacks."""
    chosen = sorted((each for each in listed if fits(each)), key=_by_day)
    return chosen, [each for each in chosen if _lacks_items(each)]


def _lacks_items(invoice: Invoice) -> bool:
    """Return whether the list is short of what the invoice itself may tell."""
    return invoice.items_unreadable or not invoice.items or any(item.amount is None for item in invoice.items)


def _by_day(invoice: Invoice) -> tuple[int, int]:
    return (invoice.issued.toordinal() if invoice.issued else 0, invoice.id)
