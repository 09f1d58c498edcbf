"""Several invoices at once: choosing them, and the question about all."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.screens import Screen
from bot.chat.views import payment_selection as views, payments
from bot.errors import ConfirmationExpired
from bot.ports import Clock
from bot.services.payments.selection import PaymentSelection


class PaymentSelectionHandlers:
    """The buttons before the one that confirms, which is the same as for a single payment."""

    def __init__(self, payment_selection: PaymentSelection, clock: Clock) -> None:
        self._selection = payment_selection
        self._clock = clock

    async def begin(self, context: Context) -> None:
        """Offer the open invoices."""
        selection = await self._selection.begin(context.chat, context.place, context.person)
        await context.reply(views.selection(context.t, selection))

    async def choose(self, context: Context) -> None:
        """Tick or clear a box, or all of them."""
        match context.words:
            case [selection_id, number, wish] if number == views.ALL or number.isdecimal():
                invoice_id, chosen = None if number == views.ALL else int(number), wish == views.CHOOSE
                choose = self._selection.choose
                selection = await choose(selection_id, context.place, context.person, invoice_id, chosen=chosen)
                await context.show(views.selection(context.t, selection))
            case _:
                raise ConfirmationExpired

    async def ask(self, context: Context) -> None:
        """Go on with what is ticked."""
        asked = await self._selection.ask(_id(context), context.chat, context.place, context.person)
        await context.show(payments.question(context.t, asked, self._clock()))

    async def drop(self, context: Context) -> None:
        """Choose nothing after all."""
        await self._selection.drop(_id(context), context.place, context.person)
        await context.show(Screen(context.t("batch.cancelled")))


def _id(context: Context) -> str:
    if not context.words:
        raise ConfirmationExpired
    return context.words[0]
