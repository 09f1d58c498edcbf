"""The boxes below a message: ticking, turning pages, and ending it, whatever the invoices are ticked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.views.selecting import ALL_OFFERED, CHOOSE
from bot.domain.selections import Purpose, Selection
from bot.errors import ConfirmationExpired, QuestionOver
from bot.ports import Clock
from bot.services.selecting import Selecting


class Ticking(Protocol):
    """What becomes of the boxes for one purpose."""

    async def tick(self, context: Context, selection: Selection, number: int | None, *, chosen: bool) -> None:
        """Choose an invoice, or with None all of them, or take that back, and show it."""

    async def draw(self, context: Context, selection: Selection) -> None:
        """Show what is chosen."""

    async def drop(self, context: Context, selection: Selection) -> None:
        """Choose nothing after all, and say so."""


class SelectionHandlers:
    """The buttons of a selection. ``purposes`` says who goes on with it."""

    def __init__(self, selecting: Selecting, purposes: Mapping[Purpose, Ticking], clock: Clock) -> None:
        self._selecting = selecting
        self._purposes = purposes
        self._clock = clock

    def in_time(self, handle: Handle) -> Handle:
        """Guard a button: once the selection has expired, the message loses its buttons.

        A selection that is gone may have led to something in the same message. That, too, is over with time.
        """

        async def handle_in_time(context: Context) -> None:
            try:
                await handle(context)
            except ConfirmationExpired as error:
                shown_at = context.message.date if context.message is not None else None
                if shown_at is not None and shown_at + self._selecting.lifetime <= self._clock():
                    raise QuestionOver from error
                raise

        return handle_in_time

    async def pick(self, context: Context) -> None:
        """Tick or clear a box, or all of them."""
        match context.words:
            case [_, number, wish] if number == ALL_OFFERED or number.isdecimal():
                selection = await self.of(context)
                invoice_id = None if number == ALL_OFFERED else int(number)
                await self._purposes[selection.purpose].tick(context, selection, invoice_id, chosen=wish == CHOOSE)
            case _:
                raise ConfirmationExpired

    async def leaf(self, context: Context) -> None:
        """Turn to another page of what can be ticked."""
        match context.words:
            case [_, page] if page.isdecimal():
                selection = await self._selecting.turn(await self.of(context), int(page))
                await self._purposes[selection.purpose].draw(context, selection)
            case _:
                raise ConfirmationExpired

    async def drop(self, context: Context) -> None:
        """Choose nothing after all."""
        selection = await self.of(context)
        await self._purposes[selection.purpose].drop(context, selection)

    async def of(self, context: Context) -> Selection:
        """Return the selection that a button is about. Raise :class:`ConfirmationExpired` as :meth:`Selecting.of`."""
        if not context.words:
            raise ConfirmationExpired
        return await self._selecting.of(context.words[0], context.chat, context.person)
