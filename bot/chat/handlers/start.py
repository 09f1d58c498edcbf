"""/start: say hello, say how things stand, or open what a link leads to."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.dispatch import Locate
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.views import general
from bot.chat.views.home import home
from bot.domain.invitations import INVITATION_NONCE_FORM
from bot.domain.start_links import invoice_linked
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock


class StartHandlers:
    """The first message of a chat, and the way back to where one was."""

    def __init__(
        self, chats: ChatStore, linking: LinkHandlers, invoices: InvoiceHandlers, locate: Locate, clock: Clock
    ) -> None:
        self._chats = chats
        self._linking = linking
        self._invoices = invoices
        self._locate = locate
        self._clock = clock

    async def start(self, context: Context) -> None:
        """/start, perhaps with what a link says: an invitation of a group, or an invoice."""
        word = context.words[0] if context.words else ""
        number = invoice_linked(word)
        if context.private and INVITATION_NONCE_FORM.fullmatch(word):
            await self._linking.open(context, word)
        elif context.chat.link is None:
            await self._welcome(context, word if number is not None else "")
        elif number is not None:
            await self._show(context, number)
        else:
            await self._homes(context)

    async def _welcome(self, context: Context, opens: str) -> None:
        """Say what the bot is for, and how to link. What a link ``opens`` is shown once that is done."""
        if context.private:
            await self._linking.expect_token(context, opens)
        await context.reply(general.welcome(context.t, private=context.private))

    async def _show(self, context: Context, number: int) -> None:
        """Show an invoice. If several accounts have this number, people are asked."""
        if len(context.accounts) == 1:
            await self._invoices.show(context, number)
        else:
            context.words = [str(number)]
            await self._locate(self._invoices.invoice, context)

    async def _homes(self, context: Context) -> None:
        for chat in context.accounts:
            context.use(chat)
            await self._home(context)

    async def _home(self, context: Context) -> None:
        link = context.chat.link
        assert link is not None  # noqa: S101  # the caller has looked
        known = await self._chats.known_invoices(context.chat.key)
        may_pay, now = link.may_pay(context.user_id), self._clock()
        heavy = len(known) > HEAVY_COUNT
        await context.reply(await off_loop(heavy, home, context.t, link, known.values(), now, may_pay=may_pay))
