"""/pay and /removecredit, their buttons, choosing several invoices, the confirmation, and the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.invoice_numbers import for_each, numbers_of, packed_numbers_of
from bot.chat.remembering import forget_live, keep_live
from bot.chat.screens import Screen
from bot.chat.views import groups, payment_questions as questions
from bot.chat.views.payment_journal import journal as journal_page
from bot.chat.views.selecting import ALL_OFFERED
from bot.domain.chats import Member, Place
from bot.domain.live_messages import ASK
from bot.domain.payments import Action
from bot.domain.selections import Selection
from bot.errors import ConfirmationExpired, NotAPayer, QuestionOver
from bot.ports import ChatStore, Clock, PaymentStore
from bot.services.credit import Credits
from bot.services.payments.flow import Payments
from bot.services.payments.selection import Asked
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
        begin = self._payments.selection.begin
        selection, asked = await begin(context.chat, context.place, context.person, wanted)
        if missing := [str(number) for number in wanted if number not in selection.chosen]:
            text = context.t.count("select.not_offered", len(missing), ids=context.t.listing(missing))
            await context.reply(Screen(text))
        message_id = await context.reply(await self._screen(context, selection, asked))
        await self._payments.selecting.keep(selection, message_id=message_id)
        await self._payments.quoter.shown([payment for payment, _ in asked], message_id)

    async def pay_these(self, context: Context) -> None:
        """Take the button that pays several invoices: ask about those that can be paid, and name the others."""
        wanted = packed_numbers_of(context, "pay")
        asked = await self._payments.selection.ask_these(context.chat, context.place, context.person, wanted)
        if left_out := [str(number) for number in wanted if number not in {invoice.id for _, invoice in asked}]:
            text = context.t.count("pay.left_out", len(left_out), ids=context.t.listing(left_out))
            await context.reply(Screen(text))
        credit = await self._credits.of(context.chat)
        message_id = await context.reply(questions.question(context.t, asked, self._clock(), credit))
        await self._payments.quoter.shown([payment for payment, _ in asked], message_id)

    async def tick(self, context: Context, selection: Selection, number: int | None, *, chosen: bool) -> None:
        """Tick or clear a box, or all of them: the message asks about what is ticked now."""
        chat, place, person = context.chat, context.place, context.person
        await self._show(
            context, *await self._payments.selection.choose(selection, chat, place, person, number, chosen=chosen)
        )

    async def tick_first(self, context: Context) -> None:
        """Take the first tick in a list that /pay has offered: the message becomes a selection.

        A second one that was quicker than the new buttons adds to it.
        """
        everything = context.words[:1] == [ALL_OFFERED]
        wanted = [] if everything else await numbers_of(context, "pay")
        begun = await self._payments.selecting.shown_in(context.message_id, context.chat, context.person)
        if begun is not None:
            await self.tick(context, begun, None if everything else wanted[0], chosen=True)
            return
        selection, asked = await self._payments.selection.begin(
            context.chat, context.place, context.person, wanted, everything=everything, message_id=context.message_id
        )
        if not set(wanted).issubset(selection.chosen):
            await self._ask(context, Action.PAY, *wanted)  # it says why not
            return
        await forget_live(self._chats, context)
        await self._show(context, selection, asked)

    async def draw(self, context: Context, selection: Selection) -> None:
        """Show what is ticked once more."""
        await self._show(
            context, *await self._payments.selection.show(selection, context.chat, context.place, context.person)
        )

    async def drop(self, context: Context, selection: Selection) -> None:
        """Choose nothing after all."""
        await self._payments.selection.drop(selection)
        await self.drop_unbegun(context)

    async def drop_unbegun(self, context: Context) -> None:
        """End a list in which nothing was ticked yet."""
        await forget_live(self._chats, context)
        await context.show(Screen(context.t("batch.cancelled")))

    async def tell_when_there(self, context: Context) -> None:
        """Take the button that wants to hear when the credit suffices."""
        check_in_charge(context.chat, context.user_id)
        (number,) = await numbers_of(context, "pay")
        await self._credits.wish(context.chat, number)
        await context.answer_press(context.t.plain("credit.wished"), alert=True)

    async def confirm(self, context: Context) -> None:
        """Take the button that says yes. The press is taken in the chat's order and carried out in the background."""
        with _boxes_kept(context):
            confirmed = await self._payments.confirm(*_press(context), chat=context.chat)
        self._payments.start(confirmed, context.chat)
        await forget_live(self._chats, context)  # from now on it shows the payment

    async def cancel(self, context: Context) -> None:
        """Take the button that says no."""
        with _boxes_kept(context):
            await self._payments.cancel(*_press(context))
        await forget_live(self._chats, context)

    async def journal(self, context: Context) -> None:
        """Show /payments, and turn its pages."""
        link = link_of(context.chat)
        word = context.words[0] if context.query is not None and context.words else ""
        page = int(word) if word.isdecimal() else 0
        journal = await self._store.payments_of_chat(context.chat.id, link.account)
        await context.show(journal_page(context.t, journal, page))

    async def _ask(self, context: Context, action: Action, number: int) -> None:
        quoter = self._payments.quoter
        asked = await quoter.ask(context.chat, context.place, context.person, action, number)
        # A new message, so that the alert or the list with the button stays as it is.
        credit = await self._credits.of(context.chat)
        message_id = await context.reply(questions.question(context.t, asked, self._clock(), credit))
        await quoter.shown([payment for payment, _ in asked], message_id)
        await keep_live(self._chats, context, message_id, f"{ASK}:{number}", [invoice for _, invoice in asked])

    async def _show(self, context: Context, selection: Selection, asked: Asked) -> None:
        await context.show(await self._screen(context, selection, asked))

    async def _screen(self, context: Context, selection: Selection, asked: Asked) -> Screen:
        if not asked:
            return questions.selection(context.t, selection, self._clock())
        credit = await self._credits.of(context.chat)
        return questions.question(context.t, asked, self._clock(), credit, selection)


@contextmanager
def _boxes_kept(context: Context) -> Iterator[None]:
    """Leave a message with boxes its buttons: a tick may have put another question in the place of the pressed one."""
    try:
        yield
    except QuestionOver as error:
        if len(context.words) > 1:
            raise ConfirmationExpired from error
        raise


def _press(context: Context) -> tuple[str, Place, Member, int | None]:
    if context.message is None:
        raise ConfirmationExpired
    return _id(context), context.place, context.person, context.message_id


def _id(context: Context) -> str:
    """Return the id of the question that the button is about."""
    if not context.words:
        raise ConfirmationExpired
    return context.words[0]
