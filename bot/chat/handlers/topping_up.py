"""How to top up: the data of a bank transfer, and the reference that the chat sets once."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.chat.context import Context
from bot.chat.giro_code import CURRENCY, giro_code
from bot.chat.screens import CAPTION_LIMIT, Screen, join, length
from bot.chat.texts import Texts
from bot.chat.views import topping_up as views
from bot.domain.chats import Link
from bot.domain.topping_up import Needed, Payee, TopUpSubject
from bot.errors import ChatMigrated, CommandNeeded, MessengerError
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Clock
from bot.services.permissions import check_in_charge, link_of
from bot.services.topping_up import ToppingUp

log = structlog.get_logger()

NONE_NEEDED = "none"
"""In callback data: transfers need no reference."""

TEXT_BESIDE_PICTURE = CAPTION_LIMIT - 200
"""How long the data may be, so that a line about the picture fits below them."""


class TopUpHandlers:
    """The buttons and the command around bank transfers. Without ``TRANSFER_TO`` there are none."""

    def __init__(self, topping_up: ToppingUp, clock: Clock) -> None:
        self._topping_up = topping_up
        self._clock = clock

    async def how(self, context: Context) -> None:
        """The button below a message that says what is missing: show the transfer. First ask for its reference."""
        subject, link = _subject(":".join(context.words)), link_of(context.chat)
        if subject is None or context.t.top_up.payee is None:
            await context.tell(context.t("button.unknown"))
        elif context.private and link.reference is None:
            await self._ask(context, str(subject))
        else:
            await self._show(context, context.t.top_up.payee, link, subject)

    async def reference(self, context: Context) -> None:
        """/reference TEXT."""
        if context.t.top_up.payee is None:
            await context.reply(Screen(context.t("command.unknown")))
        elif context.words:
            await self._set(context, " ".join(context.words))
        else:
            await self._ask(context)

    async def reference_button(self, context: Context) -> None:
        """A button that changes the reference, or says that none is needed."""
        match context.words:
            case [word, *subject] if word == NONE_NEEDED:
                await self._set(context, "", ":".join(subject))
            case _:
                await self._ask(context)

    async def take_reference(self, context: Context, asked_for: str) -> None:
        """Take a message as the reference, and go on with what that was asked for."""
        if context.t.top_up.payee is None:
            raise CommandNeeded
        await self._set(context, context.text, asked_for)

    async def _ask(self, context: Context, subject: str = "") -> None:
        link_of(context.chat)
        check_in_charge(context.chat, context.user_id)
        if context.private:
            await self._topping_up.ask_for_reference(context.chat, subject)
        await context.reply(views.reference_question(context.t, subject, private=context.private))

    async def _set(self, context: Context, text: str, asked_for: str = "") -> None:
        """Set the reference, and go on with what it was ``asked_for``."""
        link, payee, subject = link_of(context.chat), context.t.top_up.payee, _subject(asked_for)
        check_in_charge(context.chat, context.user_id)
        reference = await self._topping_up.set_reference(context.chat, text)
        goes_on = subject is not None and payee is not None
        await context.reply(views.reference_saved(context.t, reference, with_ways=not goes_on))
        if subject is not None and payee is not None:
            await self._show(context, payee, replace(link, reference=reference), subject)

    async def _show(self, context: Context, payee: Payee, link: Link, subject: TopUpSubject) -> None:
        """Show the transfer, with its code where there can be one. Where pictures can't be sent, a text may be."""
        needed = await self._topping_up.needed(context.chat, subject)
        heavy, now, may_change = len(needed.debts or ()) > HEAVY_COUNT, self._clock(), link.may_pay(context.user_id)
        screen = await off_loop(
            heavy, views.transfer, context.t, payee, needed, link.reference, now, may_change=may_change
        )
        picture = await off_loop(True, _picture, context.t, payee, needed, link.reference)
        if picture is not None and length(screen.text) <= TEXT_BESIDE_PICTURE:
            explained = replace(screen, text=join([screen.text, context.t("transfer.scan")]))
            try:
                await context.reply_with_picture(explained, picture)
            except ChatMigrated:
                raise
            except MessengerError as error:
                log.info("picture can't be sent", chat=context.chat.id, error=str(error))
            else:
                return
        await context.reply(screen)


def _subject(text: str) -> TopUpSubject | None:
    """Read what callback data is about. None: they are not ours."""
    try:
        return TopUpSubject.parse(text)
    except ValueError:
        return None


def _picture(t: Texts, payee: Payee, needed: Needed, reference: str | None) -> bytes | None:
    """Draw the code. There is none in another currency, without a sum, or without a reference."""
    amount = needed.amount(t.currency)
    if t.currency != CURRENCY or not amount or not reference:
        return None
    return giro_code(payee, amount, reference)
