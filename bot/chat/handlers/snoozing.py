"""The buttons that snooze or mute an invoice's reminders, or let them come again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from markupsafe import Markup

from bot.chat.context import Context
from bot.chat.invoice_numbers import numbers_of
from bot.chat.screens import Rows
from bot.chat.views.consequences import unwarned
from bot.chat.views.snoozing import ALL_IN_MESSAGE, BACK, choice_rows, common_silence, meaning_of, silence_rows, swapped
from bot.domain.alerts import KnownInvoice
from bot.domain.chats import NO_SILENCE, Silence, Until
from bot.errors import ConfirmationExpired, NothingToRemind
from bot.ports import Clock
from bot.services.permissions import check_in_charge
from bot.services.snoozing import Snoozing


class SnoozeHandlers:
    """Snoozing and muting single invoices. Only the buttons of the message change."""

    def __init__(self, snoozing: Snoozing, clock: Clock) -> None:
        self._snoozing = snoozing
        self._clock = clock

    async def snooze(self, context: Context) -> None:
        """Offer until when, take the choice, or go back."""
        about, invoices = await self._about(context)
        choice = context.words[1] if len(context.words) > 1 else ""
        if choice == BACK:
            silence = common_silence(context.chat.silences, invoices, self._clock())
            await _swap(context, silence_rows(context.t, about, silence, self._clock()))
            return
        with suppress(ValueError):
            await self._show(context, about, await self._snoozing.snooze(context.chat, invoices, Until(choice)))
            return
        await _swap(context, choice_rows(context.t, about, await self._snoozing.choices(context.chat, invoices)))

    async def mute(self, context: Context) -> None:
        """Send no more reminders, and say of what the person will not be warned."""
        about, invoices = await self._about(context)
        muted = await self._snoozing.mute(context.chat, invoices)
        await self._show(context, about, Silence(muted=True), muted)

    async def wake(self, context: Context) -> None:
        """Send reminders as usual again."""
        about, invoices = await self._about(context)
        await self._snoozing.wake(context.chat, invoices)
        await self._show(context, about, NO_SILENCE)

    async def _about(self, context: Context) -> tuple[str, Sequence[int]]:
        """Return the subject of the button and its invoices. Raise an error if the person may not change reminders."""
        check_in_charge(context.chat, context.user_id)
        if context.words[:1] != [ALL_IN_MESSAGE]:
            (number,) = await numbers_of(context, "invoice")
            return str(number), [number]
        if context.message is None:
            raise NothingToRemind
        if context.message_id is None:  # nobody knows any more what that message was about
            raise ConfirmationExpired
        return ALL_IN_MESSAGE, await self._snoozing.told_in(context.chat, context.message_id)

    async def _show(self, context: Context, about: str, silence: Silence, muted: Collection[KnownInvoice] = ()) -> None:
        t, now = context.t, self._clock()
        await _swap(context, silence_rows(t, about, silence, now))
        warnings = [line for known in muted for line in unwarned(t, known.due, known.types, now)]
        text = Markup(" ").join([meaning_of(t, silence), *warnings]).striptags()
        await context.answer_press(text, alert=bool(warnings))


async def _swap(context: Context, rows: Rows) -> None:
    """Replace the rows of buttons for reminders, and keep the message's other buttons."""
    await context.show_buttons(swapped(context.buttons, rows))
