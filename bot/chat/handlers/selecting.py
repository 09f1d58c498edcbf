"""Several invoices at once: choosing them, and the question about all."""

from __future__ import annotations

from bot.chat.screens import Screen
from bot.chat.talk import Talk
from bot.chat.views import batches, payments
from bot.errors import ConfirmationExpired
from bot.ports import Clock
from bot.services.selecting import Selecting


class SelectionHandlers:
    """The buttons before the one that confirms, which is the same as for a single payment."""

    def __init__(self, selecting: Selecting, clock: Clock) -> None:
        self._selecting = selecting
        self._clock = clock

    async def begin(self, talk: Talk) -> None:
        """The button that offers several."""
        selection = await self._selecting.begin(talk.chat, talk.place, talk.person)
        await talk.reply(batches.selection(talk.t, selection))

    async def choose(self, talk: Talk) -> None:
        """A box to tick or to clear, or all of them."""
        match talk.words:
            case [selection_id, number, wish] if number == batches.ALL or number.isdecimal():
                invoice_id, chosen = None if number == batches.ALL else int(number), wish == batches.ON
                choose = self._selecting.choose
                selection = await choose(selection_id, talk.place, talk.person, invoice_id, chosen=chosen)
                await talk.show(batches.selection(talk.t, selection))
            case _:
                raise ConfirmationExpired

    async def ask(self, talk: Talk) -> None:
        """The button that goes on with what is ticked."""
        asked = await self._selecting.ask(_id(talk), talk.chat, talk.place, talk.person)
        if len(asked) > 1:
            await talk.show(batches.question(talk.t, asked, self._clock()))
        else:
            await talk.show(payments.question(talk.t, *asked[0], self._clock()))

    async def drop(self, talk: Talk) -> None:
        """The button that chooses nothing."""
        await self._selecting.drop(_id(talk), talk.place, talk.person)
        await talk.show(Screen(talk.t("batch.cancelled")))


def _id(talk: Talk) -> str:
    if not talk.words:
        raise ConfirmationExpired
    return talk.words[0]
