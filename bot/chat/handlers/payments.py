"""/pay and /removecredit, their buttons, choosing several invoices, the confirmation, and the journal."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.screens import Screen
from bot.chat.views import groups, payments as views
from bot.domain.chats import Member, Place
from bot.domain.payments import Action
from bot.errors import ConfirmationExpired, NotAPayer
from bot.ports import Clock, PaymentStore
from bot.services.credit import Credits
from bot.services.payments.flow import Payments
from bot.services.permissions import check_may_pay, link_of


class PaymentHandlers:
    """The commands and buttons that move money, and the journal."""

    def __init__(self, payments: Payments, store: PaymentStore, credit: Credits, clock: Clock) -> None:
        self._payments = payments
        self._credits = credit
        self._store = store
        self._clock = clock

    def guarded(self, handle: Handle) -> Handle:
        """Guard a handler: only people who may pay get there. In a group, others get a button to ask the owner."""

        async def handle_if_allowed(context: Context) -> None:
            try:
                check_may_pay(self._payments.rules, context.chat, context.user_id)
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

    async def offer_several(self, context: Context) -> None:
        """Offer the open invoices, to choose several."""
        selection = await self._payments.selection.begin(context.chat, context.place, context.person)
        await context.reply(views.selection(context.t, selection))

    async def choose(self, context: Context) -> None:
        """Tick or clear a box, or all of them."""
        match context.words:
            case [selection_id, number, wish] if number == views.ALL_OFFERED or number.isdecimal():
                invoice_id, chosen = None if number == views.ALL_OFFERED else int(number), wish == views.CHOOSE
                choose = self._payments.selection.choose
                selection = await choose(selection_id, context.place, context.person, invoice_id, chosen=chosen)
                await context.show(views.selection(context.t, selection))
            case _:
                raise ConfirmationExpired

    async def ask_about_chosen(self, context: Context) -> None:
        """Go on with what is ticked."""
        chosen = self._payments.selection
        asked = await chosen.ask(_id(context), context.chat, context.place, context.person)
        credit = await self._credits.of(context.chat)
        await context.show(views.question(context.t, asked, self._clock(), credit))

    async def drop(self, context: Context) -> None:
        """Choose nothing after all."""
        await self._payments.selection.drop(_id(context), context.place, context.person)
        await context.show(Screen(context.t("batch.cancelled")))

    async def confirm(self, context: Context) -> None:
        """Take the button that says yes. The press is taken in the chat's order and carried out in the background."""
        self._payments.start(await self._payments.confirm(*_press(context), chat=context.chat), context.chat)

    async def cancel(self, context: Context) -> None:
        """Take the button that says no."""
        await self._payments.cancel(*_press(context))

    async def journal(self, context: Context) -> None:
        """Show /payments, and turn its pages."""
        link_of(context.chat)
        word = context.words[0] if context.query is not None and context.words else ""
        page = int(word) if word.isdecimal() else 0
        await context.show(views.journal(context.t, await self._store.payments_of_chat(context.chat.id), page))

    async def _ask(self, context: Context, action: Action, command: str) -> None:
        number = context.invoice_number(command)
        quoter = self._payments.quoter
        asked = await quoter.ask(context.chat, context.place, context.person, action, number)
        # A new message, so that the alert or the list with the button stays as it is.
        credit = await self._credits.of(context.chat)
        await context.reply(views.question(context.t, asked, self._clock(), credit))


def _press(context: Context) -> tuple[str, Place, Member, int]:
    if context.message is None:
        raise ConfirmationExpired
    return _id(context), context.place, context.person, context.message.message_id


def _id(context: Context) -> str:
    """Return the id of the question or selection that the button is about."""
    if not context.words:
        raise ConfirmationExpired
    return context.words[0]
