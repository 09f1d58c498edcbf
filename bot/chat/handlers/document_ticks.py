"""Several PDFs by ticking: from /pdf alone, from a list, and from the result of a search."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.handlers.document_batches import DocumentBatchHandlers
from bot.chat.remembering import forget_live
from bot.chat.views import document_batches as views
from bot.chat.views.invoice_list import INVOICES_PER_PAGE
from bot.domain.queries import read_page
from bot.domain.selections import Selection
from bot.errors import CommandNeeded, ConfirmationExpired, NothingChosen
from bot.ports import ChatStore, Clock
from bot.services.document_choice import DocumentChoice
from bot.services.selecting import Selecting


class DocumentTickHandlers:
    """The button that begins it, the boxes, and the one that sends what is ticked."""

    def __init__(
        self,
        choice: DocumentChoice,
        selecting: Selecting,
        batches: DocumentBatchHandlers,
        chats: ChatStore,
        clock: Clock,
    ) -> None:
        self._choice = choice
        self._selecting = selecting
        self._batches = batches
        self._chats = chats
        self._clock = clock

    async def begin(self, context: Context) -> None:
        """The button that offers boxes. Those of /pdf take its place; a list stays, and they come below it."""
        page = read_page(context.words[0]) if context.words else None
        if page is None and context.words:
            raise CommandNeeded
        shown_at = context.message_id if page is None else None
        begin = self._choice.begin
        selection = await begin(context.chat, context.place, context.person, page, INVOICES_PER_PAGE, shown_at)
        if page is None:
            await forget_live(self._chats, context)
            await self.draw(context, selection)
        else:
            message_id = await context.reply(views.ticks(context.t, selection, self._clock()))
            await self._selecting.keep(selection, message_id=message_id)

    async def tick(self, context: Context, selection: Selection, number: int | None, *, chosen: bool) -> None:
        """Tick or clear a box, or all of them."""
        await self.draw(context, await self._choice.tick(selection, number, chosen=chosen))

    async def draw(self, context: Context, selection: Selection) -> None:
        """Show what is ticked."""
        await context.show(views.ticks(context.t, selection, self._clock()))

    async def drop(self, context: Context, selection: Selection) -> None:
        """Send nothing after all."""
        await self._selecting.end(selection)
        await context.show(views.none_sent(context.t))

    async def send(self, context: Context) -> None:
        """The button that sends what is ticked. If the press comes again after a stop, that goes on."""
        at = context.words[0] if context.words else ""
        try:
            selection = await self._selecting.of(at, context.chat, context.person)
        except ConfirmationExpired:
            await self._batches.go_on(context, at)
            return
        if not selection.chosen:
            raise NothingChosen
        await self._batches.begin_chosen(context, selection.chosen, at)
        await self._selecting.end(selection)  # /cancel must not say that nothing was sent
        await self._batches.go_on(context, at)
