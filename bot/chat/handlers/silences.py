"""The buttons that put reminders off, mute an invoice, or let its reminders come again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bot.chat.handlers.numbers import invoice_number
from bot.chat.talk import Talk
from bot.chat.views.silences import ALL, BACK, choice_rows, common_silence, said, silence_rows
from bot.domain.chats import NO_SILENCE, Silence
from bot.errors import NothingToRemind
from bot.ports import Clock
from bot.services.permitting import check_in_charge
from bot.services.silencing import Silencing, Until


class SilenceHandlers:
    """What a person says about reminders of single invoices. Only the buttons change, the message stays."""

    def __init__(self, silencing: Silencing, clock: Clock) -> None:
        self._silencing = silencing
        self._clock = clock

    async def snooze(self, talk: Talk) -> None:
        """Offers until when, takes the choice, or goes back."""
        about, invoices = await self._about(talk)
        choice = talk.words[1] if len(talk.words) > 1 else ""
        if choice == BACK:
            silence = common_silence(talk.chat.silences, invoices, self._clock())
            await talk.swap(silence_rows(talk.t, about, silence, self._clock()))
            return
        with suppress(ValueError):
            await self._show(talk, about, await self._silencing.snooze(talk.chat, invoices, Until(choice)))
            return
        await talk.swap(choice_rows(talk.t, about, await self._silencing.choices(talk.chat, invoices)))

    async def mute(self, talk: Talk) -> None:
        """No more reminders."""
        about, invoices = await self._about(talk)
        await self._show(talk, about, await self._silencing.mute(talk.chat, invoices))

    async def wake(self, talk: Talk) -> None:
        """Reminders as usual."""
        about, invoices = await self._about(talk)
        await self._silencing.wake(talk.chat, invoices)
        await self._show(talk, about, NO_SILENCE)

    async def _about(self, talk: Talk) -> tuple[str, Sequence[int]]:
        """What the button was about, as in its data and as invoices; pressed by somebody who may change it."""
        check_in_charge(talk.chat, talk.user_id)
        if talk.words[:1] != [ALL]:
            number = invoice_number(talk.words[:1], "invoice")
            return str(number), [number]
        if talk.message is None:
            raise NothingToRemind
        return ALL, await self._silencing.told_in(talk.chat, talk.message.message_id)

    async def _show(self, talk: Talk, about: str, silence: Silence) -> None:
        await talk.swap(silence_rows(talk.t, about, silence, self._clock()))
        await talk.answer_press(said(talk.t, silence).striptags())
