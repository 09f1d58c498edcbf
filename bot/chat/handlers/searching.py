"""/find, and any text that is no command: a search."""

from __future__ import annotations

from contextlib import suppress

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.remembering import keep_live
from bot.chat.views.searching import search_explained, search_result
from bot.domain.invoices import Listing
from bot.domain.live_messages import FILTER, LIST
from bot.domain.queries import ListPage, Query, read_page
from bot.domain.search.finding import Found
from bot.errors import CommandNeeded, NotFound
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.permissions import link_of
from bot.services.searching import Searching, invoice_meant


class SearchHandlers:
    """Looking for invoices. One number opens that invoice, anything else is a list."""

    def __init__(self, chats: ChatStore, searching: Searching, invoices: InvoiceHandlers, clock: Clock) -> None:
        self._chats = chats
        self._searching = searching
        self._invoices = invoices
        self._clock = clock

    async def find(self, context: Context) -> None:
        """/find TEXT."""
        await self._find(context, " ".join(context.words))

    async def text(self, context: Context) -> None:
        """Any message that is no command, in a private chat. Words below a file are not meant for us."""
        written = context.message.text if context.message is not None else None
        await self._find(context, written or "")

    def number_typed(self, context: Context) -> int | None:
        """Return the number of the invoice that is searched for. None: something else is."""
        written = context.message.text if context.message is not None else None
        text = " ".join(context.words) or written or ""
        return invoice_meant(self._searching.read(text, context.t.date_of(self._clock())))

    async def less(self, context: Context) -> None:
        """The button that takes a condition away."""
        match context.words:
            case [order, words] if order.isdecimal() and (page := read_page(words)) is not None and page.search:
                search = await self._searching.kept(context.chat, page.search)
            case _:
                raise CommandNeeded
        rest = await self._searching.without(search, context.user_id, int(order))
        await self._show(context, ListPage(page.query, search=rest.id if rest else ""))

    def pages(self, otherwise: Handle, *, filtering: bool = False) -> Handle:
        """Return a handler of a list's buttons that shows the result of a search, if the list is one."""

        async def handle(context: Context) -> None:
            page = read_page(context.words[0]) if context.words else None
            if page is not None and page.search:
                await self._show(context, page, filtering=filtering)
            else:
                await otherwise(context)

        return handle

    async def _find(self, context: Context, text: str) -> None:
        link_of(context.chat)
        today = context.t.date_of(self._clock())
        conditions = self._searching.read(text, today)
        if not conditions:
            await context.reply(search_explained(context.t, private=context.private))
            return
        number = invoice_meant(conditions)
        if number is not None:
            with suppress(NotFound):
                await self._invoices.show(context, number)
                return
        listing, found = await self._searching.run(context.chat, conditions, today, Query())
        # A word that stands in no invoice is not kept: it could be a secret that nobody recognized.
        search = await self._searching.keep(context.place, context.user_id, found.known, today)
        await self._draw(context, ListPage(search=search.id if search else ""), listing, found)

    async def _show(self, context: Context, page: ListPage, *, filtering: bool = False) -> None:
        if not page.search:
            await self._invoices.show_list(context, page)
            return
        search = await self._searching.kept(context.chat, page.search)
        conditions = self._searching.conditions(search)
        listing, found = await self._searching.run(context.chat, conditions, search.asked_on, page.query)
        await self._draw(context, page, listing, found, filtering=filtering)

    async def _draw(
        self,
        context: Context,
        page: ListPage,
        listing: Listing,
        found: Found,
        *,
        filtering: bool = False,
    ) -> None:
        heavy, now = len(listing.invoices) > HEAVY_COUNT, self._clock()
        screen = await off_loop(heavy, search_result, context.t, listing, found, page, now, filtering=filtering)
        message_id = await context.show(screen)
        if page.search:
            shows = f"{FILTER if filtering else LIST}:{page}"
            await keep_live(self._chats, context, message_id, shows, listing.invoices)
