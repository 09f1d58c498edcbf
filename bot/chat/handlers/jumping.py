"""Jumping to a month of a list."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.remembering import keep_live
from bot.chat.views.jumping import jump_menu
from bot.domain.live_messages import JUMP
from bot.domain.queries import ListPage, read_page
from bot.errors import CommandNeeded
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore
from bot.services.searching import Searching


class JumpHandlers:
    """The years and months of a list, or of what a search found."""

    def __init__(self, chats: ChatStore, searching: Searching) -> None:
        self._chats = chats
        self._searching = searching

    async def jump(self, context: Context) -> None:
        """The buttons that open the years of a list, and the months of one."""
        match context.words:
            case [year, text] if year.isdecimal() and (page := read_page(text)) is not None:
                await self._show(context, page, int(year))
            case _:
                raise CommandNeeded

    async def _show(self, context: Context, page: ListPage, year: int) -> None:
        listing = await self._searching.listed(context.chat, page)
        heavy = len(listing.invoices) > HEAVY_COUNT
        message_id = await context.show(await off_loop(heavy, jump_menu, context.t, listing, page, year))
        await keep_live(self._chats, context, message_id, f"{JUMP}:{year}:{page}", listing.invoices)
