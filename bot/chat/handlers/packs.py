"""/archive, and the buttons of packs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.handlers.invoices import TRANSACTIONS, are_filters
from bot.chat.screens import QUOTE_LIMIT, cut
from bot.chat.views import packs as views
from bot.domain.answers import Awaited, Question
from bot.domain.chats import TOKEN_WAIT
from bot.domain.packs.choices import EVERYTHING, PackChoice, choice_in, read_choice
from bot.domain.queries import ItemKind
from bot.errors import AlreadyUnderWay, CommandNeeded, PackPeriodUnknown
from bot.ports import ChatStore, Clock
from bot.services.packs import Packs
from bot.services.permissions import link_of
from bot.services.searching import Searching


class PackHandlers:
    """All documents of a period. ``whole`` sends the provider's own archive."""

    def __init__(self, chats: ChatStore, packs: Packs, searching: Searching, whole: Handle, clock: Clock) -> None:
        self._chats = chats
        self._packs = packs
        self._searching = searching
        self._whole = whole
        self._clock = clock

    async def archive(self, context: Context) -> None:
        """/archive, /archive [TYPE] [transactions], and /archive PERIOD [TYPE]."""
        if not context.words:
            if context.chat.slot == context.accounts[0].slot:  # one menu for all accounts
                await self._menu(context, PackChoice())
        elif are_filters(context, [ItemKind.HOSTING, ItemKind.DOMAIN, TRANSACTIONS]):
            await self._whole(context)
        else:
            await self._order(context, self._read(context, " ".join(context.words), PackChoice()))

    async def change(self, context: Context) -> None:
        """A button that changes the type, the form or the account."""
        await self._menu(context, _choice(context))

    async def order(self, context: Context) -> None:
        """A button that orders a pack."""
        await self._order(context, _choice(context))

    async def ask_for_period(self, context: Context) -> None:
        """The button for another period: the next message says which."""
        link, until = link_of(context.chat), self._clock() + TOKEN_WAIT
        if not context.private:
            raise CommandNeeded
        awaited = Awaited(Question.PERIOD, until, str(_choice(context)))
        await self._chats.await_answer(context.chat.key, link.account, awaited)
        await context.reply(views.ask_for_period(context.t))

    async def take_period(self, context: Context, about: str) -> None:
        """Take a message as a period. One that can't be understood can be sent again."""
        choice = self._read(context, context.text, read_choice(about) or PackChoice())
        await self._chats.await_token(context.chat.id, None)
        await self._order(context, choice)

    async def stop(self, context: Context) -> None:
        """The button that cancels."""
        await self._packs.stop(context.chat, context.words[0] if context.words else "")
        await context.answer_press(context.t.plain("packs.stopping"))

    async def _menu(self, context: Context, choice: PackChoice) -> None:
        link_of(context.chat)
        await context.show(
            views.menu(context.t, choice, self._today(context), context.accounts, private=context.private)
        )

    def _read(self, context: Context, text: str, before: PackChoice) -> PackChoice:
        today = self._today(context)
        if text.casefold() in {EVERYTHING, "alle", context.t.plain("packs.everything").casefold()}:
            return replace(before, period=None)
        choice = choice_in(self._searching.read(text, today), today, before)
        if choice is None:
            raise PackPeriodUnknown(cut(" ".join(text.split()), QUOTE_LIMIT))
        return choice

    async def _order(self, context: Context, choice: PackChoice) -> None:
        """Order a pack once, and show that it is on its way."""
        if any(pack.choice == choice and pack.is_awaited for pack in link_of(context.chat).packs):
            raise AlreadyUnderWay
        press = context.query.id if context.query is not None else f"message {context.message_id}"
        pack = self._packs.ordered(context.chat, context.place, context.user_id, choice, press)
        message_id = await context.reply(views.progress(context.t, pack))
        await self._packs.order(context.chat, replace(pack, message_id=message_id))

    def _today(self, context: Context) -> date:
        return context.t.date_of(self._clock())


def _choice(context: Context) -> PackChoice:
    choice = read_choice(context.words[0]) if context.words else None
    if choice is None:
        raise CommandNeeded
    return choice
