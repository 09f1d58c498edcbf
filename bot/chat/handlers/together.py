"""/invoices in a chat with several accounts: one list of all of them."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.handlers.invoices import InvoiceHandlers, list_query
from bot.chat.remembering import forget_live
from bot.chat.views.together import AccountFound, together_list
from bot.domain.invoices import size_of
from bot.domain.queries import ListPage, read_page
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.browsing import Browsing


class TogetherHandlers:
    """Looking at the invoices of all accounts."""

    def __init__(self, chats: ChatStore, browsing: Browsing, of_one: InvoiceHandlers, clock: Clock) -> None:
        self._chats = chats
        self._browsing = browsing
        self._of_one = of_one
        self._clock = clock

    async def invoices(self, context: Context) -> None:
        """/invoices [open|paid|all] [TYPE] [transactions]."""
        await self._show(context, ListPage(list_query(context)))

    async def turn(self, context: Context) -> None:
        """A button that leads to the list of all accounts, or to another page of it."""
        await self._show(context, read_page(next(iter(context.words), "")) or ListPage())

    async def _show(self, context: Context, page: ListPage) -> None:
        """Show a page of the list. Of the accounts, only one may be left since the button came."""
        if len(context.accounts) == 1:
            await self._of_one.show_list(context, page)
            return
        listings = await self._browsing.listings(context.accounts, page.query)
        accounts = [
            AccountFound(context.texts_for(chat), chat, listing)
            for chat, listing in zip(context.accounts, listings, strict=True)
        ]
        heavy = size_of([invoice for account in accounts for invoice in account.invoices]) > HEAVY_COUNT
        screen = await off_loop(heavy, together_list, accounts, page, self._clock())
        await forget_live(self._chats, context)  # else the check of one account would put its list here
        await context.show(screen)
