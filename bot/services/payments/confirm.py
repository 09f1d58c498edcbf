"""The answer to a question: the press that confirms it, or the one that cancels it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.domain.chats import Chat, Member, Place
from bot.domain.payments import UNFINISHED, Outcome, Payment, PaymentRules, State, ended
from bot.errors import AlreadyUnderWay, ConfirmationExpired, PressByOther, QuestionOver
from bot.ports import Clock, PaymentStore
from bot.services.payments.quote import QuestionTimer
from bot.services.permissions import check_amount, check_may_pay

log = structlog.get_logger()


class Confirmer:
    """Takes the answer: of all presses on a question, exactly one counts."""

    def __init__(self, store: PaymentStore, clock: Clock, rules: PaymentRules, timer: QuestionTimer) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._timer = timer

    async def confirm(
        self, payment_id: str, place: Place, user: Member, message_id: int | None, chat: Chat
    ) -> Sequence[Payment]:
        """Return the payments to carry out. If the question has expired, return them as ended.

        Raise :class:`PressByOther`, :class:`ConfirmationExpired`, :class:`bot.errors.PaymentInProgress`, or as
        :func:`check_may_pay` and :func:`check_amount` do. Nothing was done then.
        """
        asked = await self._asked(payment_id, place, user)
        if self._have_expired(asked):
            return await self._close(asked, message_id, Outcome.EXPIRED)
        check_may_pay(self._rules, chat, user.id)
        for payment in asked:
            if payment.link_in(chat) is None:
                raise QuestionOver
            check_amount(self._rules, payment.action, payment.amount)
        state = State.QUEUED if asked[0].batch else State.CONFIRMED
        now = self._clock()
        confirmed = [
            replace(payment, state=state, since=now, message_id=message_id, pressed_at=now) for payment in asked
        ]
        await self._advance(confirmed)
        for payment in confirmed:
            log.info("payment confirmed", payment=payment.id, action=payment.action, invoice=payment.invoice_id)
        return confirmed

    async def cancel(self, payment_id: str, place: Place, user: Member, message_id: int | None) -> Sequence[Payment]:
        """Return the payments as ended: cancelled, or expired.

        Raise :class:`PressByOther` or :class:`ConfirmationExpired`. Nothing was done then.
        """
        asked = await self._asked(payment_id, place, user)
        outcome = Outcome.EXPIRED if self._have_expired(asked) else Outcome.CANCELLED
        return await self._close(asked, message_id, outcome)

    async def _asked(self, payment_id: str, place: Place, user: Member) -> Sequence[Payment]:
        """Return the payments of the question, which may have expired. Its button names the first of them."""
        asked = await self._store.batch_of(payment_id)
        if not asked or asked[0].id != payment_id or not _is_where_it_was_asked(asked[0].place, place):
            raise QuestionOver
        if asked[0].user_id != user.id:
            raise PressByOther
        if any(payment.state is not State.ASKED for payment in asked):
            raise _was_answered(asked)
        return asked

    def _have_expired(self, asked: Sequence[Payment]) -> bool:
        now = self._clock()
        return any(payment.has_expired(now) or self._timer.is_up(payment.id) for payment in asked)

    async def _close(self, asked: Sequence[Payment], message_id: int | None, outcome: Outcome) -> Sequence[Payment]:
        now = self._clock()
        closed = [ended(replace(payment, message_id=message_id), outcome, now) for payment in asked]
        await self._advance(closed)
        return closed

    async def _advance(self, payments: Sequence[Payment]) -> None:
        if not await self._store.advance_payments(payments, State.ASKED):
            raise _was_answered(await self._store.batch_of(payments[0].id))


def _was_answered(payments: Sequence[Payment]) -> ConfirmationExpired:
    """Return the error for a press on a question that was answered before."""
    under_way = any(payment.state in UNFINISHED for payment in payments)
    return AlreadyUnderWay() if under_way else ConfirmationExpired()


def _is_where_it_was_asked(asked: Place, pressed: Place) -> bool:
    """Return whether the press came from the question's place, or from the chat itself if the topic is gone."""
    return asked.chat_id == pressed.chat_id and pressed.topic_id in {None, asked.topic_id}
