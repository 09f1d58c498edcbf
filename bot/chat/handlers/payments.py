"""/pay and /removecredit, their buttons, the confirmation, and the journal."""

from __future__ import annotations

from bot.chat.dispatch import Handle
from bot.chat.handlers.numbers import invoice_number
from bot.chat.talk import Talk
from bot.chat.views import groups
from bot.chat.views.journal import journal
from bot.chat.views.payments import question
from bot.domain.chats import Member, Place
from bot.domain.payments import Action
from bot.errors import ConfirmationExpired, NotAPayer, NotLinked
from bot.ports import Clock, PaymentStore
from bot.services.paying import Payments


class PaymentHandlers:
    """What moves money."""

    def __init__(self, payments: Payments, store: PaymentStore, clock: Clock) -> None:
        self._payments = payments
        self._store = store
        self._clock = clock

    def guarded(self, handle: Handle) -> Handle:
        """For those who may pay: others are told so, and the owner in a group can let them."""

        async def handle_if_allowed(talk: Talk) -> None:
            try:
                self._payments.check(talk.chat, talk.person)
            except NotAPayer:
                if talk.query is not None or talk.chat.link is None:
                    raise
                await talk.reply(groups.pay_request(talk.t, talk.chat.link, talk.person))
            else:
                await handle(talk)

        return handle_if_allowed

    async def pay(self, talk: Talk) -> None:
        """/pay NUMBER."""
        await self._ask(talk, Action.PAY, "pay")

    async def remove_credit(self, talk: Talk) -> None:
        """/removecredit NUMBER."""
        await self._ask(talk, Action.REMOVE_CREDIT, "removecredit")

    async def confirm(self, talk: Talk) -> None:
        """The button that says yes: taken in the chat's order, carried out in the background."""
        self._payments.start(await self._payments.confirm(*_press(talk), chat=talk.chat), talk.chat)

    async def cancel(self, talk: Talk) -> None:
        """The button that says no."""
        await self._payments.cancel(*_press(talk))

    async def journal(self, talk: Talk) -> None:
        """/payments, and the buttons that turn its pages."""
        if talk.chat.link is None:
            raise NotLinked
        page = int(talk.words[0]) if talk.query is not None and talk.words[:1] and talk.words[0].isdecimal() else 0
        await talk.show(journal(talk.t, await self._store.payments_of_chat(talk.chat.id), page))

    async def _ask(self, talk: Talk, action: Action, command: str) -> None:
        number = invoice_number(talk.words, command)
        payment, invoice = await self._payments.ask(talk.chat, talk.place, talk.person, action, number)
        # A message of its own, so that the alert or the list that it came from stays.
        await talk.reply(question(talk.t, payment, invoice, self._clock()))


def _press(talk: Talk) -> tuple[str, Place, Member, int]:
    if not talk.words or talk.message is None:
        raise ConfirmationExpired
    return talk.words[0], talk.place, talk.person, talk.message.message_id
