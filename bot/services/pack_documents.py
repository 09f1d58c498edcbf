"""The documents of a pack: out of the provider's own archive, or asked for one by one, at a pace that spares it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import BinaryIO

from bot.domain.invoices import Invoice
from bot.domain.packs.names import Safe
from bot.domain.packs.pack import Missing
from bot.domain.packs.parts import MEGABYTE, PART_LIMIT, fits_alone
from bot.domain.queries import ItemKind
from bot.errors import (
    AnswerNotUnderstood,
    BotError,
    DocumentTooLarge,
    NotFound,
    ProviderDown,
    ProviderError,
    RateLimited,
    Refused,
)
from bot.ports import Archive, Clock, Document, InvoiceFilter, PackMessenger, Sleep, Space, Spool
from bot.services.failures import log_failure
from bot.services.held_packs import HeldPack
from bot.services.reading import AccountReads
from bot.services.tables import Tables

ABOUT_ONE = (NotFound, Refused, AnswerNotUnderstood, DocumentTooLarge)
"""Errors that say nothing of the other documents."""
DOWN_AFTER = 3
"""So many documents one after the other that the provider does not answer for: then it is down. One may be broken."""

MAX_PAUSES = 5
"""Of a document, if the provider answers that there are too many requests."""
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds."""

WORTH_AN_ARCHIVE = 4
"""So few documents cost the provider less one by one than an archive of all does."""


@dataclass(frozen=True, slots=True)
class PackFiles:
    """Where documents wait for their part, how large that may be, and how names become safe.

    ``archive`` takes a provider's archive apart: for these invoices, up to so many bytes each.
    """

    spool: Callable[[], Spool]
    archive: Callable[[BinaryIO, Collection[int], int], Archive]
    safe: Safe
    space: Space
    part_limit: int = PART_LIMIT


@dataclass(frozen=True, slots=True)
class PackTools:
    """What packs are made with. Its ``reads`` leave room to people who wait."""

    reads: AccountReads
    tables: Tables
    messenger: PackMessenger
    files: PackFiles
    clock: Clock
    sleep: Sleep = asyncio.sleep


class PackDocuments:
    """Gets the documents of a pack that is held."""

    def __init__(self, held: HeldPack, invoices: Sequence[Invoice], tools: PackTools) -> None:
        self._held = held
        self._numbers = frozenset(invoice.id for invoice in invoices)
        self._reads = tools.reads
        self._messenger = tools.messenger
        self._files = tools.files
        self._sleep = tools.sleep
        self._failures = 0
        self._given_up: BotError | None = None
        self._archive: Archive | None = None

    async def open_archive(self, stack: AsyncExitStack) -> None:
        """Have the provider's own archive, where it serves the choice: then most documents come with one request."""
        choice, left = self._held.pack.choice, len(self._numbers) - len(self._held.pack.done)
        if choice.period is not None or left < WORTH_AN_ARCHIVE or self._held.pack.parts:
            return
        only = InvoiceFilter(type=None if choice.kind is ItemKind.ANY else choice.kind.capitalize())
        try:
            async with self._held.unless_stopped():
                document = await stack.enter_async_context(self._reads.archive(self._held.chat, only))
        except ProviderError as error:  # it may be too large
            log_failure("provider's archive can't be had for a pack", error, chat=self._held.chat.id)
            return
        self._archive = await asyncio.to_thread(
            self._files.archive, document.content, self._numbers, self._files.part_limit
        )

    async def had(self, stack: AsyncExitStack, invoice: Invoice) -> Document | Missing:
        """Return an invoice's document, or that it can't be had. Raise an error if nothing can be had at present."""
        limit = self._files.part_limit
        try:
            if self._given_up is not None:
                raise self._given_up
            document = await self._in_archive(stack, invoice)
            if document is None:
                document = await self._downloaded(stack, invoice)
            if not fits_alone(document.size, limit):
                raise DocumentTooLarge(limit // MEGABYTE)
        except (*ABOUT_ONE, ProviderError) as error:
            if not isinstance(error, ABOUT_ONE):
                self._check_whether_down(error)
            if error is not self._given_up:
                log_failure("document of a pack can't be had", error, chat=self._held.chat.id, invoice=invoice.id)
            return Missing(invoice.id, self._messenger.why(self._held.chat, error))
        self._failures = 0
        return document

    async def _downloaded(self, stack: AsyncExitStack, invoice: Invoice) -> Document:
        """Ask the provider. If it wants a pause, make one: what waits for its part would have to be fetched again."""
        pauses = 0
        while True:
            try:
                async with self._held.unless_stopped():
                    return await stack.enter_async_context(self._reads.pdf(self._held.chat, invoice.id))
            except RateLimited as error:
                pauses += 1
                if pauses > MAX_PAUSES:
                    raise
                pause = min(max(error.retry_after or 0, SHORTEST_PAUSE), LONGEST_PAUSE)
            async with self._held.unless_stopped():
                await self._sleep(pause)

    async def _in_archive(self, stack: AsyncExitStack, invoice: Invoice) -> Document | None:
        if self._archive is None:
            return None
        document = await asyncio.to_thread(self._archive.document, invoice.id)
        if document is not None:
            stack.callback(document.content.close)
        return document

    def _check_whether_down(self, error: ProviderError) -> None:
        """Raise the error if no other document can be had either, unless that was tried often enough."""
        self._failures += 1
        if error is self._given_up or (isinstance(error, ProviderDown) and self._failures < DOWN_AFTER):
            return
        if self._held.pack.is_last_try:
            self._given_up = error
            return
        raise error
