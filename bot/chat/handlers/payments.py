"""/pay and /removecredit, their buttons, the confirmation, and the journal."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.handlers.numbers import invoice_number
from bot.chat.views import groups
from bot.chat.views.payment_journal import journal
from bot.chat.views.payments import question
from bot.domain.chats import Member, Place
from bot.domain.payments import Action
from bot.errors import ConfirmationExpired, NotAPayer
from bot.ports import Clock, PaymentStore
from bot.services.payments.flow import Payments
from bot.services.permissions import link_of


class PaymentHandlers:
    """The commands and buttons that move money, and the journal."""

    def __init__(self, payments: Payments, store: PaymentStore, clock: Clock) -> None:
        self._payments = payments
        self._store = store
        self._clock = clock

    def guarded(self, handle: Handle) -> Handle:
        """Let only those pass who may pay. In a group, others get a message with which the owner can allow them."""

        async def handle_if_allowed(context: Context) -> None:
            try:
                self._payments.quoter.check(context.chat, context.person)
            except NotAPayer:
                if context.query is not None or context.chat.link is None:
                    raise
                await context.reply(groups.pay_request(context.t, context.chat.link, context.person))
            else:
                await handle(context)

        return handle_if_allowed

    async def pay(self, context: Context) -> None:
        """Answer /pay NUMBER, and its button."""
        await self._ask(context, Action.PAY, "pay")

    async def remove_credit(self, context: Context) -> None:
        """Answer /removecredit NUMBER, and its button."""
        await self._ask(context, Action.REMOVE_CREDIT, "removecredit")

    async def confirm(self, context: Context) -> None:
        """Take the button that says yes. The press is taken in the chat's order and carried out in the background."""
        self._payments.start(await self._payments.confirm(*_press(context), chat=context.chat), context.chat)

    async def cancel(self, context: Context) -> None:
        """Take the button that says no."""
        await self._payments.cancel(*_press(context))

    async def journal(self, context: Context) -> None:
        """Show /payments, and turn its pages."""
        link_of(context.chat)
        page = (
            int(context.words[0])
            if context.query is not None and context.words[:1] and context.words[0].isdecimal()
            else 0
        )
        await context.show(journal(context.t, await self._store.payments_of_chat(context.chat.id), page))

    async def _ask(self, context: Context, action: Action, command: str) -> None:
        number = invoice_number(context.words, command)
        quoter = self._payments.quoter
        asked = await quoter.ask(context.chat, context.place, context.person, action, number)
        # A new message, so that the alert or the list with the button stays as it is.
        await context.reply(question(context.t, asked, self._clock()))


def _press(context: Context) -> tuple[str, Place, Member, int]:
    if not context.words or context.message is None:
        raise ConfirmationExpired
    return context.words[0], context.place, context.person, context.message.message_id
