"""Pay an invoice with credit, or take applied credit back: asked, confirmed, sent once, and settled by reading.

The provider has no idempotency key and doesn't document its answers. So the request is sent at most once per press,
whatever happens, and only the invoice itself, read again, says how it ended: a refusal may be the answer to the
second arrival of a request that was carried out at its first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from bot.domain.chats import Chat, Link, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.payment_times import FIRST_LOOK_AFTER, LOOK_AT_LEAST_EVERY, SHOW_WITHIN, look_again_after
from bot.domain.payments import Action, Outcome, Payment, PaymentRules, State, ended, in_doubt
from bot.domain.schedule import CheckPlan
from bot.errors import ConfirmationExpired, PressByOther
from bot.ports import Clock, Messenger, Provider
from bot.services.payments.documents import PayingStore, ReceiptDocuments
from bot.services.payments.execute import Executor
from bot.services.payments.notify import PaymentNotifier
from bot.services.payments.quote import Quoter
from bot.services.payments.reconcile import Reconciler
from bot.services.permissions import check_amount, check_may_pay
from bot.services.workers import Workers

log = structlog.get_logger()

ANY = PaymentRules()


class Payments:
    """The whole way of a payment. Every step is a conditional update in the store: who loses the race stops."""

    def __init__(
        self,
        store: PayingStore,
        provider: Provider,
        messenger: Messenger,
        clock: Clock,
        plan: CheckPlan,
        workers: Workers,
        *,
        rules: PaymentRules = ANY,
        show_within: timedelta = SHOW_WITHIN,
    ) -> None:
        self.rules = rules
        self.quoter = Quoter(rules)
        self.reconciler = Reconciler(store, provider, clock)
        self.executor = Executor(store, provider, self.reconciler, clock)
        self.notifier = PaymentNotifier(store, messenger, clock, show_within)
        self._receipt_documents = ReceiptDocuments(store, provider, messenger, plan)
        self._store = store
        self._provider = provider
        self._clock = clock
        self._workers = workers
        self._in_hand: set[str] = set()  # what is carried out or looked at right now needs no (further) look
        self._next_look: dict[str, datetime] = {}
        self._next_reading = datetime.min.replace(tzinfo=UTC)

    def check(self, chat: Chat, user: Member) -> Link:
        """The chat's link, if this person may pay with it. Raises as :func:`check_may_pay` does."""
        return check_may_pay(self.rules, chat, user.id)

    async def ask(
        self, chat: Chat, place: Place, user: Member, action: Action, invoice_id: int
    ) -> tuple[Payment, Invoice]:
        """Store the question whether to do it, bound to who asks, where, and what the invoice says now.

        Raises as :meth:`check` and :meth:`Quoter.question` do, or a :class:`bot.errors.ProviderError`.
        """
        link = self.check(chat, user)
        invoice = await self._provider.invoice(link.token, chat.reply_language, invoice_id)
        payment = self.quoter.question(link, place, user, action, invoice, self._clock())
        payment = replace(payment, doubtful=invoice_id in await self.in_doubt(chat))
        await self._store.add_payment(payment)
        return payment, invoice

    async def in_doubt(self, chat: Chat) -> frozenset[int]:
        """The invoices of which an earlier payment of this chat is under way, or ended nobody knows how."""
        return in_doubt(await self._store.payments_of_chat(chat.id))

    async def cancel(self, payment_id: str, place: Place, user: Member, message_id: int) -> None:
        """Take the question, or that about several, back. Raises as :meth:`confirm` does."""
        asked = await self._asked(payment_id, place, user)
        await self._close(asked, message_id, Outcome.EXPIRED if self._have_expired(asked) else Outcome.CANCELLED)

    async def confirm(
        self, payment_id: str, place: Place, user: Member, message_id: int, chat: Chat
    ) -> Sequence[Payment]:
        """Take the confirmation: of all presses of this button, exactly one gets the payments to carry out.

        None of them: the question had expired, which its message says now. Raises :class:`PressByOther`,
        :class:`ConfirmationExpired`, :class:`bot.errors.PaymentInProgress` or as :meth:`check` does, and then nothing
        was done.
        """
        asked = await self._asked(payment_id, place, user)
        if self._have_expired(asked):
            await self._close(asked, message_id, Outcome.EXPIRED)
            return ()
        link = self.check(chat, user)
        for payment in asked:
            if link.account != payment.account:
                raise ConfirmationExpired
            check_amount(self.rules, payment.action, payment.amount)
        state = State.QUEUED if asked[0].batch else State.CONFIRMED
        now = self._clock()
        confirmed = [
            replace(payment, state=state, since=now, message_id=message_id, pressed_at=now) for payment in asked
        ]
        if not await self._store.advance_payments(confirmed, State.ASKED):
            raise ConfirmationExpired
        self._read_by(now + FIRST_LOOK_AFTER)
        for payment in confirmed:
            log.info("payment confirmed", payment=payment.id, action=payment.action, invoice=payment.invoice_id)
        return confirmed

    def start(self, payments: Sequence[Payment], chat: Chat) -> None:
        """Carry out in the background what was confirmed, at once, however much else there is to do.

        Should that be cut off or fail, :meth:`tick` finds out how it stands.
        """
        if payments:
            self._workers.start(self.carry_out(payments, chat))

    async def carry_out(self, payments: Sequence[Payment], chat: Chat) -> None:
        """Do what was confirmed, and show every step in the message whose button was pressed.

        Several are paid one after the other, up to the first whose end isn't that it is paid.
        """
        with self._hold(payments[0].group):
            last: Payment | None = None
            for payment in payments:
                last = await self._carry_out_one(payment, chat)
                if last is None or last.outcome is not Outcome.DONE:
                    break
            await self.reconciler.end_queued(payments)
            if last is not None and last.state is State.SENT:
                await self.notifier.show_step(last, chat)
            elif last is not None:
                await self._tell(last)

    async def tick(self) -> None:
        """Settle what is unsettled: payments whose end is not known yet, or was not told yet."""
        now = self._clock()
        if now < self._next_reading:
            return
        self._next_reading = now + LOOK_AT_LEAST_EVERY
        groups: defaultdict[str, list[Payment]] = defaultdict(list)
        for payment in await self._store.unsettled_payments():
            groups[payment.group].append(payment)
        since = {group: max(payment.since for payment in payments) for group, payments in groups.items()}
        self._next_look = {group: self._next_look.get(group, since[group] + FIRST_LOOK_AFTER) for group in groups}
        due = [group for group in groups if group not in self._in_hand and self._next_look[group] <= now]
        for group in due[: self._workers.free]:
            self._next_look[group] = now + look_again_after(now - since[group])
            self._in_hand.add(group)
            self._workers.start(self._look(groups[group]))
        self._read_by(*self._next_look.values())

    def _read_by(self, *instants: datetime) -> None:
        """Let a tick read the store by then, and not every second, as a chat that rests may do so for months."""
        self._next_reading = min((self._next_reading, *instants))

    async def _look(self, payments: Sequence[Payment]) -> None:
        with self._hold(payments[0].group):
            looked_at = [await self.reconciler.reconcile(payment) for payment in payments]
            ends = [payment for payment in looked_at if payment is not None and payment.state is State.ENDED]
            # While others of a batch go on, an end is shown when it comes, and not again at every look.
            if len(ends) == len(looked_at) or any(payment not in payments for payment in ends):
                await self._tell(payments[0])

    async def _carry_out_one(self, payment: Payment, chat: Chat) -> Payment | None:
        """As :meth:`Executor.execute`; one that was queued has its turn first."""
        if payment.state is State.QUEUED:
            started = await self.reconciler.start_queued(payment)
            if started is None or started.state is State.ENDED:
                return started
            payment = started
        await self.notifier.show_step(payment, chat)
        return await self.executor.execute(payment, chat)

    async def _tell(self, payment: Payment) -> None:
        await self._receipt_documents.send_documents(await self.notifier.tell(payment))

    @contextmanager
    def _hold(self, group: str) -> Iterator[None]:
        self._in_hand.add(group)
        try:
            yield
        finally:
            self._in_hand.discard(group)

    async def _asked(self, payment_id: str, place: Place, user: Member) -> Sequence[Payment]:
        """The question that was pressed, if it still is one; it may have expired. Its button names the first of it."""
        asked = await self._store.batch_of(payment_id)
        if not asked or asked[0].id != payment_id or not _is_where_it_was_asked(asked[0].place, place):
            raise ConfirmationExpired
        if asked[0].user_id != user.id:
            raise PressByOther
        if any(payment.state is not State.ASKED for payment in asked):
            raise ConfirmationExpired
        return asked

    def _have_expired(self, asked: Sequence[Payment]) -> bool:
        return any(payment.expires_at <= self._clock() for payment in asked)

    async def _close(self, asked: Sequence[Payment], message_id: int, outcome: Outcome) -> None:
        """End a question without an action, and say so in its message."""
        now = self._clock()
        closed = [ended(replace(payment, message_id=message_id), outcome, now) for payment in asked]
        if not await self._store.advance_payments(closed, State.ASKED):
            raise ConfirmationExpired
        self._read_by(now + FIRST_LOOK_AFTER)
        with self._hold(asked[0].group):
            await self.notifier.tell(asked[0])


def _is_where_it_was_asked(asked: Place, pressed: Place) -> bool:
    """A question whose topic is gone is asked in the chat itself, and pressed there."""
    return asked.chat_id == pressed.chat_id and pressed.topic_id in {None, asked.topic_id}
