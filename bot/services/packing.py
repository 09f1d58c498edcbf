"""One run through the invoices of a pack: each document goes from the provider into a part, and parts to the chat."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.invoices import Invoice
from bot.domain.packs.choices import month_of
from bot.domain.packs.pack import Missing, Sending
from bot.domain.packs.parts import Held, cut
from bot.errors import (
    ChatClosed,
    DeliveryUncertain,
    DocumentTooLarge,
    MessengerError,
    SendRefused,
)
from bot.ports import Document, PackFile, PackWords, Spool
from bot.services.failures import log_failure
from bot.services.held_packs import HeldPack, PackStopped
from bot.services.pack_documents import PackDocuments, PackTools
from bot.services.tables import Book

DRAW_EVERY = timedelta(seconds=5)
"""Each edit of the progress counts against Telegram's limits, and is hardly read faster."""


PDF, XML = ".pdf", ".xml"


@dataclass(frozen=True, slots=True)
class PackContent:
    """What goes into a pack: its invoices in their order, names for their documents by number, words, and the table."""

    invoices: Sequence[Invoice]
    names: Mapping[int, str]
    words: PackWords
    book: Book


class Packing:
    """Packs and sends what is left of a pack.

    ``run`` raises :class:`PackStopped`, a :class:`bot.errors.ProviderError` or :class:`bot.errors.NoSpaceLeft` if
    nothing can be had at present, or a :class:`bot.errors.MessengerError` if nothing can be sent.
    """

    def __init__(self, held: HeldPack, content: PackContent, tools: PackTools) -> None:
        self._held = held
        self._invoices = content.invoices
        self._names = dict(content.names)
        self._words = content.words
        self._book = content.book
        self._documents = PackDocuments(held, content.invoices, tools)
        self._tables = tools.tables
        self._messenger = tools.messenger
        self._files = tools.files
        self._clock = tools.clock
        self._by_number = {invoice.id: invoice for invoice in content.invoices}
        self._waiting: list[Held] = []
        self._drawn_at: datetime | None = None
        self._beside: list[Document] = []
        """The tables that come beside the parts. If there is one part, its own."""
        self._missing: list[Missing] = []
        """What could not be had since the last part. It is kept with the next one, and else tried again."""

    async def run(self) -> None:
        """Pack, send the parts, then the tables."""
        async with AsyncExitStack() as stack:
            if not self._held.pack.choice.table_only:
                spool = await asyncio.to_thread(self._files.spool)
                stack.push_async_callback(asyncio.to_thread, spool.close)
                await self._documents.open_archive(stack)
                await self._pack(stack, spool)
            await self._send_tables(stack)

    async def _send_tables(self, stack: AsyncExitStack) -> None:
        """Send the workbook beside the parts. Without documents, send the tables as texts as well."""
        if not self._beside:
            name = self._files.safe(self._messenger.file_name(self._held.chat, self._held.pack), "")
            with_texts = self._held.pack.choice.table_only
            self._beside = await self._table_files(stack, self._book, name, with_texts=with_texts)
        totals = await self._tables.totals_of(self._book)
        for document in self._beside[self._held.pack.tables :]:
            await self._send(PackFile(document, self._invoices, totals), self._held.pack.missing)

    async def _table_files(
        self, stack: AsyncExitStack, book: Book, name: str, *, with_texts: bool = True
    ) -> list[Document]:
        """Write the tables of a book: a workbook, and texts."""
        workbook = await stack.enter_async_context(self._tables.workbook([book], self._words.table, name))
        if not with_texts:
            return [workbook]
        texts = await stack.enter_async_context(self._tables.texts([book], self._words.table, name))
        return [workbook, *texts]

    async def _pack(self, whole: AsyncExitStack, spool: Spool) -> None:
        done = self._held.pack.done
        for at, invoice in enumerate(self._invoices, start=1):
            if invoice.id not in done:
                self._check_stop()
                await self._draw(at)
                await self._take(spool, invoice)
        if self._waiting or self._missing:
            await self._send_part(spool, len(self._waiting), whole)

    async def _take(self, spool: Spool, invoice: Invoice) -> None:
        """Put an invoice's document into the spool. If there is no room, send a part first."""
        async with AsyncExitStack() as stack:
            document = await self._documents.had(stack, invoice)
            if isinstance(document, Missing):
                self._missing.append(document)
                return
            new = Held(invoice.id, month_of(invoice), document.size)
            while count := cut(self._waiting, new, self._files.part_limit):
                await self._send_part(spool, count)
            await asyncio.to_thread(spool.add, document.content, document.size)
            if document.name.endswith(XML):  # an e-invoice may come in a PDF's place
                self._names[invoice.id] = self._names[invoice.id].removesuffix(PDF) + XML
            self._waiting.append(new)

    async def _send_part(self, spool: Spool, count: int, whole: AsyncExitStack | None = None) -> None:
        """Send the first documents as a part. It is the last one if the ``whole`` pack is named."""
        held, self._waiting = self._waiting[:count], self._waiting[count:]
        missing, self._missing = self._missing, []
        invoices = [self._by_number[each.number] for each in held]
        numbers = frozenset((*(each.number for each in held), *(each.number for each in missing)))
        named = [(self._names[invoice.id], invoice.issued) for invoice in invoices]
        pack, is_only = self._held.pack, whole is not None and not self._held.pack.parts
        all_missing = (*pack.missing, *missing)
        name = self._messenger.file_name(self._held.chat, pack, None if is_only else pack.parts + 1)
        async with AsyncExitStack() as stack:
            kept_by = whole if whole is not None and is_only else stack
            tables = await self._table_files(kept_by, self._book_of(numbers), self._files.safe(name, ""))
            self._beside = tables[:1] if is_only else []
            beside = [*((each.name, each.content) for each in tables), *self._list_of(all_missing)]
            content = stack.enter_context(await asyncio.to_thread(spool.zip, named, beside))
            size = content.seek(0, os.SEEK_END)
            document = Document(self._files.safe(name, ".zip"), content, size)
            totals = await self._tables.totals_of(self._book_of({each.number for each in held}))
            file = PackFile(document, invoices, totals, pack.parts + 1, is_only=is_only, missing=missing)
            await self._send(file, all_missing)

    def _book_of(self, numbers: Collection[int]) -> Book:
        return replace(self._book, chosen=tuple(each for each in self._book.chosen if each.id in numbers))

    def _list_of(self, missing: Sequence[Missing]) -> list[tuple[str, io.BytesIO]]:
        """Return the text that names what could not be had, if there is anything."""
        if not missing:
            return []
        lines = [self._words.missing_head, "", *(f"{each.number}: {each.why}" for each in missing)]
        text = "\r\n".join([*lines, ""]).encode("utf-8-sig")  # as every editor reads it
        return [(self._files.safe(self._words.missing_name, ".txt"), io.BytesIO(text))]

    async def _send(self, file: PackFile, missing: tuple[Missing, ...]) -> None:
        """Send a file once. That it is being sent is stored before, and what came of it afterwards."""
        self._check_stop()
        numbers = tuple(invoice.id for invoice in file.invoices) if file.part is not None else ()
        sending = Sending(file.document.name, numbers, is_part=file.part is not None)
        await self._held.save(sending=sending, missing=missing)
        try:
            self._check_stop()
            await self._messenger.send(self._held.chat, self._held.pack, file)
        except DeliveryUncertain as error:
            log_failure("part of a pack may not have arrived", error, chat=self._held.chat.id)
            await self._held.note(may_be_missing=True)
        except ChatClosed:
            await self._held.save(sending=None)
            raise
        except (SendRefused, DocumentTooLarge) as error:
            log_failure("part of a pack is refused", error, chat=self._held.chat.id)
            await self._note_refusal(sending, missing, self._messenger.why(self._held.chat, error))
        except (MessengerError, PackStopped):
            await self._held.save(sending=None)
            raise
        else:
            await self._held.note()

    async def _note_refusal(self, sending: Sending, missing: tuple[Missing, ...], why: str) -> None:
        """Keep that a file never comes: the documents of a part are missing, a table is named."""
        pack = self._held.pack
        lost = (*missing, *(Missing(number, why) for number in sending.numbers))
        if sending.is_part:
            await self._held.save(sending=None, missing=lost)
        else:
            refused = (*pack.refused, sending.name)
            await self._held.save(sending=None, missing=lost, tables=pack.tables + 1, refused=refused)

    def _check_stop(self) -> None:
        if self._held.pack.stopped:
            raise PackStopped

    async def _draw(self, at: int) -> None:
        """Let the progress be seen now and then. That it can't be drawn stops nothing."""
        now = self._clock()
        if not self._held.pack.is_awaited or (self._drawn_at is not None and now - self._drawn_at < DRAW_EVERY):
            return
        self._drawn_at = now
        try:
            drawn = await self._messenger.draw(self._held.chat, self._held.pack, at, len(self._invoices))
        except MessengerError as error:
            log_failure("progress of a pack can't be drawn", error, chat=self._held.chat.id)
        else:
            if drawn is not None and drawn != self._held.pack.message_id:
                await self._held.save(message_id=drawn)
