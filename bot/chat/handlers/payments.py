"""/pay and /removecredit, their buttons, choosing several invoices, the confirmation, and the journal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.invoice_numbers import for_each, numbers_of, packed_numbers_of
from bot.chat.remembering import forget_live, keep_live
from bot.chat.screens import Screen
from bot.chat.views import groups, payments as views
from bot.domain.chats import Member, Place
from bot.domain.live_messages import ASK
from bot.domain.payments import Action
from bot.errors import ConfirmationExpired, NotAPayer, QuestionOver
from bot.ports import ChatStore, Clock, PaymentStore
from bot.services.credit import Credits
from bot.services.payments.flow import Payments
from bot.services.permissions import check_in_charge, check_may_pay, link_of


class PaymentHandlers:
    """The commands and buttons that move money, and the journal."""

    def __init__(
        self, payments: Payments, store: PaymentStore, chats: ChatStore, credit: Credits, clock: Clock
    ) -> None:
        self._payments = payments
        self._chats = chats
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
        """Answer /pay NUMBER, and its button. Several numbers are offered, ticked already, to be paid together."""
        numbers = await numbers_of(context, "pay")
        if len(numbers) > 1:
            await self.offer_several(context, numbers)
        else:
            await self._ask(context, Action.PAY, numbers[0])

    async def remove_credit(self, context: Context) -> None:
        """Answer /removecredit NUMBER, and its button. Each of several numbers has a question of its own."""
        numbers = await numbers_of(context, "removecredit")
        await for_each(context, numbers, partial(self._ask, context, Action.REMOVE_CREDIT))

    async def offer_several(self, context: Context, wanted: Sequence[int] = ()) -> None:
        """Offer the open invoices, to choose several. The ``wanted`` ones are ticked, or named if they can't be."""
        selection = await self._payments.selection.begin(context.chat, context.place, context.person, wanted)
        if missing := [str(number) for number in wanted if number not in selection.chosen]:
            text = context.t.count("select.not_offered", len(missing), ids=context.t.listing(missing))
            await context.reply(Screen(text))
        await context.reply(views.selection(context.t, selection))

    async def pay_these(self, context: Context) -> None:
        """Take the button that pays several invoices: ask about those that can be paid, and name the others."""
        wanted = packed_numbers_of(context, "pay")
        asked = await self._payments.selection.ask_these(context.chat, context.place, context.person, wanted)
        if left_out := [str(number) for number in wanted if number not in {invoice.id for _, invoice in asked}]:
            text = context.t.count("pay.left_out", len(left_out), ids=context.t.listing(left_out))
            await context.reply(Screen(text))
        credit = await self._credits.of(context.chat)
        await context.reply(views.question(context.t, asked, self._clock(), credit))

    def selecting(self, handle: Handle) -> Handle:
        """Guard a button of a selection: once that has expired, it loses its buttons.

        A selection that is gone may have led to a question in the same message. That too expires with time.
        """

        async def handle_in_time(context: Context) -> None:
            try:
                await handle(context)
            except ConfirmationExpired as error:
                shown_at = context.message.date if context.message is not None else None
                if shown_at is not None and shown_at + self._payments.rules.lifetime <= self._clock():
                    raise QuestionOver from error
                raise

        return handle_in_time

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

    async def tell_when_there(self, context: Context) -> None:
        """Take the button that wants to hear when the credit suffices."""
        check_in_charge(context.chat, context.user_id)
        (number,) = await numbers_of(context, "pay")
        await self._credits.wish(context.chat, number)
        await context.answer_press(context.t.plain("credit.wished"), alert=True)

    async def drop(self, context: Context) -> None:
        """Choose nothing after all."""
        await self._payments.selection.drop(_id(context), context.place, context.person)
        await context.show(Screen(context.t("batch.cancelled")))

    async def confirm(self, context: Context) -> None:
        """Take the button that says yes. The press is taken in the chat's order and carried out in the background."""
        confirmed = await self._payments.confirm(*_press(context), chat=context.chat)
        self._payments.start(confirmed, context.chat)
        await forget_live(self._chats, context)  # from now on it shows the payment

    async def cancel(self, context: Context) -> None:
        """Take the button that says no."""
        await self._payments.cancel(*_press(context))
        await forget_live(self._chats, context)

    async def journal(self, context: Context) -> None:
        """Show /payments, and turn its pages."""
        link = link_of(context.chat)
        word = context.words[0] if context.query is not None and context.words else ""
        page = int(word) if word.isdecimal() else 0
        journal = await self._store.payments_of_chat(context.chat.id, link.account)
        await context.show(views.journal(context.t, journal, page))

    async def _ask(self, context: Context, action: Action, number: int) -> None:
        quoter = self._payments.quoter
        asked = await quoter.ask(context.chat, context.place, context.person, action, number)
        # A new message, so that the alert or the list with the button stays as it is.
        credit = await self._credits.of(context.chat)
        message_id = await context.reply(views.question(context.t, asked, self._clock(), credit))
        await keep_live(self._chats, context, message_id, f"{ASK}:{number}", [invoice for _, invoice in asked])


def _press(context: Context) -> tuple[str, Place, Member, int | None]:
    if context.message is None:
        raise ConfirmationExpired
    return _id(context), context.place, context.person, context.message_id


def _id(context: Context) -> str:
    """Return the id of the question or selection that the button is about."""
    if not context.words:
        raise ConfirmationExpired
    return context.words[0]
