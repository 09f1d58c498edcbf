"""/invoices and /invoice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.invoice_numbers import for_each, numbers_of
from bot.chat.remembering import keep_live
from bot.chat.screens import QUOTE_LIMIT, cut
from bot.chat.views.invoice_choice import INVOICE_CHOICES, invoice_choice
from bot.chat.views.invoice_details import invoice_details
from bot.chat.views.invoice_list import invoice_list
from bot.domain.chats import NO_SILENCE
from bot.domain.invoices import size_of
from bot.domain.live_messages import CHOOSE, FILTER, LIST, SHOW
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter, read_page
from bot.errors import CommandNeeded, UnknownFilter
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.browsing import Browsing
from bot.services.credit import Credits
from bot.services.snoozing import Snoozing

TRANSACTIONS = "transactions"


class InvoiceHandlers:
    """Looking at invoices."""

    def __init__(self, chats: ChatStore, browsing: Browsing, credit: Credits, snoozing: Snoozing, clock: Clock) -> None:
        self._chats = chats
        self._browsing = browsing
        self._credits = credit
        self._snoozing = snoozing
        self._clock = clock

    async def invoices(self, context: Context) -> None:
        """/invoices [open|paid|all] [TYPE] [transactions]."""
        await self.show_list(context, ListPage(list_query(context)))

    async def turn(self, context: Context) -> None:
        """A button that opens a page of the list."""
        await self.show_list(context, _page(context.words) or ListPage())

    async def filters(self, context: Context) -> None:
        """The button that opens the filters of a list."""
        await self.show_list(context, _page(context.words) or ListPage(), filtering=True)

    def choosing(self, command: str) -> Handle:
        """Return a handler that offers invoices. Telegram's menu sends the command without an invoice's number."""
        return partial(self._choose, command=command)

    async def more(self, context: Context) -> None:
        """A button that turns the pages of the invoices to choose from."""
        match context.words:
            case [command, number] if command in INVOICE_CHOICES and number.isdecimal():
                await self._choose(context, command, int(number))
            case _:
                raise CommandNeeded

    async def _choose(self, context: Context, command: str, number: int = 0) -> None:
        listing = await self._browsing.listing(context.chat, Query())
        heavy, now = len(listing.invoices) > HEAVY_COUNT, self._clock()
        screen = await off_loop(heavy, invoice_choice, context.t, command, listing, now, number)
        message_id = await context.show(screen)
        shows = f"{CHOOSE}:{command}:{number}" if number else f"{CHOOSE}:{command}"
        await keep_live(self._chats, context, message_id, shows, listing.invoices)

    async def invoice(self, context: Context) -> None:
        """/invoice NUMBER, also several, and the buttons that open it."""
        await for_each(context, await numbers_of(context, "invoice"), partial(self.show, context))

    async def show(self, context: Context, number: int) -> None:
        """Show an invoice. Below an alert, that is a new message. From the list, it takes the list's place."""
        invoice = await self._browsing.invoice(context.chat, number)
        can_silence = invoice.may_be_owed and await self._snoozing.knows(context.chat, number)
        silence = context.chat.silences.get(number, NO_SILENCE) if can_silence else None
        back = _page(context.words[1:]) if context.query is not None else None
        heavy, now = size_of([invoice]) > HEAVY_COUNT, self._clock()
        screen = await off_loop(heavy, invoice_details, context.t, invoice, now, back, silence)
        message_id = await (context.show(screen) if back is not None else context.reply(screen))
        shows = f"{SHOW}:{number}" if back is None else f"{SHOW}:{number}:{back}"
        await keep_live(self._chats, context, message_id, shows, [invoice])

    async def show_list(self, context: Context, page: ListPage, *, filtering: bool = False) -> None:
        """Show a page of the list."""
        listing, credit = await asyncio.gather(
            self._browsing.listing(context.chat, page.query), self._credits.of(context.chat)
        )
        heavy, now = len(listing.invoices) > HEAVY_COUNT, self._clock()
        screen = await off_loop(heavy, invoice_list, context.t, listing, page, now, filtering=filtering, credit=credit)
        message_id = await context.show(screen)
        await keep_live(self._chats, context, message_id, f"{FILTER if filtering else LIST}:{page}", listing.invoices)


def list_query(context: Context) -> Query:
    """Read the filters behind /invoices. Raise :class:`UnknownFilter`."""
    kinds = [kind for kind in ItemKind if kind is not ItemKind.ANY]
    return read_query(context, [*StatusFilter, *kinds, TRANSACTIONS])


def read_query(context: Context, choices: list[str]) -> Query:
    """Read the filters behind a command, in English or the reader's language. Raise :class:`UnknownFilter`."""
    own = _own_names(context, choices)
    names = {str(choice): str(choice) for choice in choices} | own
    query = Query()
    for word in context.words:
        match names.get(word.casefold()):
            case None:
                raise UnknownFilter(cut(word, QUOTE_LIMIT), ", ".join(own))
            case "transactions":
                query = replace(query, with_transactions=True)
            case choice if choice in list(StatusFilter):
                query = replace(query, status=StatusFilter(choice))
            case choice:
                query = replace(query, kind=ItemKind(choice))
    return query


def are_filters(context: Context, choices: list[str]) -> bool:
    """Return whether all words behind a command are filters, in English or the reader's language."""
    return {word.casefold() for word in context.words} <= {*map(str, choices), *_own_names(context, choices)}


def _own_names(context: Context, choices: list[str]) -> dict[str, str]:
    """Return the filters by their names in the reader's language."""
    # In a label of several words, such as "mit Transaktionen", the last one counts.
    return {context.t.plain(f"filter.{choice}").casefold().split()[-1]: str(choice) for choice in choices}


def _page(words: list[str]) -> ListPage | None:
    return read_page(words[0]) if words else None
