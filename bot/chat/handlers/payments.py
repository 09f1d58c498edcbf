"""/pay and /removecredit, their buttons, and the confirmation."""

from __future__ import annotations

from bot.chat.handlers.numbers import invoice_number
from bot.chat.talk import Talk
from bot.chat.views.payments import question
from bot.domain.chats import Place
from bot.domain.payments import Action
from bot.errors import ConfirmationExpired
from bot.ports import Clock
from bot.services.paying import Payments


class PaymentHandlers:
    """What moves money."""

    def __init__(self, payments: Payments, clock: Clock) -> None:
        self._payments = payments
        self._clock = clock

    async def pay(self, talk: Talk) -> None:
        """/pay NUMBER."""
        await self._ask(talk, Action.PAY, "pay")

    async def remove_credit(self, talk: Talk) -> None:
        """/removecredit NUMBER."""
        await self._ask(talk, Action.REMOVE_CREDIT, "removecredit")

    async def confirm(self, talk: Talk) -> None:
        """The button that says yes: taken in the chat's order, carried out in the background."""
        payment = await self._payments.confirm(*_press(talk), chat=talk.chat)
        if payment is not None:
            self._payments.start(payment, talk.chat)

    async def cancel(self, talk: Talk) -> None:
        """The button that says no."""
        await self._payments.cancel(*_press(talk))

    async def _ask(self, talk: Talk, action: Action, command: str) -> None:
        number = invoice_number(talk.words, command)
        payment, invoice = await self._payments.ask(talk.chat, talk.place, talk.user_id, action, number)
        # A message of its own, so that the alert or the list that it came from stays.
        await talk.reply(question(talk.t, payment, invoice, self._clock()))


def _press(talk: Talk) -> tuple[str, Place, int, int]:
    if not talk.words or talk.message is None:
        raise ConfirmationExpired
    return talk.words[0], talk.place, talk.user_id, talk.message.message_id
