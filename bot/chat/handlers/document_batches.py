"""Several documents at once: all of a list, or those of an alert. One is sent after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from telegram.constants import ChatAction

from bot.chat import sending
from bot.chat.context import Context
from bot.chat.handlers.documents import DocumentHandlers
from bot.chat.invoice_numbers import packed_numbers_of
from bot.chat.screens import Screen
from bot.chat.views import document_batches as views
from bot.domain.document_batches import MAX_AT_ONCE, UNASKED, DocumentBatch, batch_id
from bot.domain.queries import read_page
from bot.errors import BotError, ChatClosed, CommandNeeded, MessengerError, QuestionOver
from bot.services.document_batches import DocumentBatches
from bot.services.searching import Searching

TOLD_WITHIN = 1.0
"""Seconds to say how far it came, while the bot is being stopped."""


class DocumentBatchHandlers:
    """The buttons for several documents, and the one that cancels."""

    def __init__(self, batches: DocumentBatches, searching: Searching, documents: DocumentHandlers) -> None:
        self._batches = batches
        self._searching = searching
        self._documents = documents

    async def these(self, context: Context) -> None:
        """The button that sends the PDFs of several invoices, such as those of an alert."""
        batch = await self._prepare(context, packed_numbers_of(context, "pdf"))
        await self._send(context, batch.id)

    async def all(self, context: Context) -> None:
        """The button that sends all PDFs of a list. Of many it asks first."""
        page = read_page(context.words[0]) if context.words else None
        if page is None:
            raise CommandNeeded
        listing = await self._searching.listed(context.chat, page)
        numbers = [invoice.id for invoice in listing.invoices]
        if not numbers:
            raise CommandNeeded
        if len(numbers) > MAX_AT_ONCE:
            await context.reply(views.too_many(context.t, len(numbers)))
            return
        batch = await self._prepare(context, numbers)
        if len(numbers) > UNASKED:
            await context.reply(views.question(context.t, batch, listing))
        else:
            await self._send(context, batch.id)

    async def send(self, context: Context) -> None:
        """The button that says yes, goes on, or asks for those that did not come."""
        await self._send(context, _id(context), here=True)

    async def begin_chosen(self, context: Context, numbers: Sequence[int], about: str) -> None:
        """Keep what was ticked, to send its PDFs. ``about`` names the choice: it leads to one batch."""
        await self._prepare(context, numbers, about)

    async def go_on(self, context: Context, about: str) -> None:
        """Send what :meth:`begin_chosen` has kept, or go on with it. Raise :class:`QuestionOver` if that is nothing."""
        await self._send(context, batch_id(f"{context.chat.id} {about}"), here=True)

    async def stop(self, context: Context) -> None:
        """The button that cancels."""
        batch = await self._batches.stop(context.chat, context.user_id, _id(context))
        await context.show(views.stopping(context.t, batch))

    async def _prepare(self, context: Context, numbers: Sequence[int], about: str = "") -> DocumentBatch:
        press = about or (context.query.id if context.query is not None else "")
        return await self._batches.prepare(
            context.chat, context.place, context.user_id, numbers, batch_id(f"{context.chat.id} {press}")
        )

    async def _send(self, context: Context, at: str, *, here: bool = False) -> None:
        """Send a batch. The progress stands in the pressed message if it is the batch's own (``here``)."""
        progress = _Progress(context, context.message_id if here else None)
        try:
            async with sending.showing_action(context.bot, context.place, ChatAction.UPLOAD_DOCUMENT):
                end = await self._batches.send(context.chat, at, self._documents.post_to(context), progress.draw)
        except BaseException as error:
            if not isinstance(error, QuestionOver | ChatClosed):
                await self._pause(progress, at)
            raise
        if end is None:
            return
        await progress.put(views.came(context.t, end.batch))
        await context.reply(views.ended(context.t, end.batch, stopped=end.stopped, why=end.why, again=end.again))

    async def _pause(self, progress: _Progress, at: str) -> None:
        """Say how far it came before the bot was stopped, or an error ended it. A button goes on from there."""
        with suppress(TimeoutError, BotError):
            async with asyncio.timeout(TOLD_WITHIN):
                if (batch := await self._batches.kept(at)) is not None:
                    await progress.put(views.paused(progress.t, batch))


def _id(context: Context) -> str:
    if not context.words:
        raise QuestionOver
    return context.words[0]


class _Progress:
    """The message that shows how far a batch came. That it can't be drawn stops no document."""

    def __init__(self, context: Context, message_id: int | None) -> None:
        self._context = context
        self._message_id = message_id
        self.t = context.t

    async def draw(self, batch: DocumentBatch) -> int | None:
        self._message_id = batch.message_id or self._message_id
        screen = views.progress(self.t, batch)
        if not await self.put(screen):
            with suppress(MessengerError):
                self._message_id = await self._context.reply(screen)
        return self._message_id

    async def put(self, screen: Screen) -> bool:
        """Put a screen into the message. Return False if there is none within reach."""
        if self._message_id is None:
            return False
        with suppress(MessengerError):
            return await self._context.edit(self._message_id, screen)
        return True  # it is there, and the next one may get through
