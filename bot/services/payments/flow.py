"""The whole way of a payment: asked, confirmed, sent once, reconciled by reading, told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from bot.domain.chats import Chat, Member, Place
from bot.domain.payment_times import FIRST_LOOK_AFTER, LOOK_AT_LEAST_EVERY, SHOW_WITHIN, look_again_after
from bot.domain.payments import Outcome, Payment, PaymentRules, State
from bot.domain.schedule import CheckPlan
from bot.domain.waits import still_lasts
from bot.errors import ConfirmationExpired
from bot.ports import Clock, EInvoiceReader, Messenger, Provider
from bot.services.documents import Documents
from bot.services.payments import PayingStore
from bot.services.payments.confirm import Confirmer
from bot.services.payments.execute import Executor
from bot.services.payments.notify import PaymentNotifier
from bot.services.payments.quote import QuestionTimer, Quoter
from bot.services.payments.reconcile import Reconciler
from bot.services.payments.selection import PaymentSelection
from bot.services.reading import AccountReads
from bot.services.selecting import Selecting
from bot.services.workers import Workers

DEFAULT_RULES = PaymentRules()


class Payments:
    """Puts the steps together. Every step is a conditional update in the store: whoever loses the race stops.

    ``quoter`` asks about one invoice, ``selection`` about several. The questions are answered here.
    """

    def __init__(  # noqa: PLR0913  # the last ones have names where they are given
        self,
        store: PayingStore,
        provider: Provider,
        messenger: Messenger,
        clock: Clock,
        plan: CheckPlan,
        workers: Workers,
        *,
        rules: PaymentRules = DEFAULT_RULES,
        show_within: timedelta = SHOW_WITHIN,
        einvoices: EInvoiceReader | None = None,
    ) -> None:
        self.rules = rules
        reads = AccountReads(provider, store, clock)
        timer = QuestionTimer(rules.lifetime)
        self.quoter = Quoter(store, reads, clock, rules, timer)
        self.selecting = Selecting(store, clock, rules.lifetime)
        self.selection = PaymentSelection(self.selecting, reads, self.quoter, rules)
        self._confirmer = Confirmer(store, clock, rules, timer)
        self._reconciler = Reconciler(store, reads, clock)
        self._executor = Executor(store, provider, reads, self._reconciler, clock)
        self._notifier = PaymentNotifier(store, Documents(reads, store, einvoices), messenger, clock, plan, show_within)
        self._store = store
        self._clock = clock
        self._workers = workers
        self._in_hand: set[str] = set()  # groups that are carried out or looked at right now, and need no other look
        self._next_look: dict[str, datetime] = {}
        self._next_reading = datetime.min.replace(tzinfo=UTC)

    async def confirm(
        self, payment_id: str, place: Place, user: Member, message_id: int | None, chat: Chat
    ) -> Sequence[Payment]:
        """Return the payments to carry out; none if the question had expired, which its message says now.

        Raise as :meth:`Confirmer.confirm` does.
        """
        confirmed = await self._confirmer.confirm(payment_id, place, user, message_id, chat)
        self._read_by(self._clock() + FIRST_LOOK_AFTER)
        if confirmed[0].state is State.ENDED:
            await self._tell(confirmed[0])
            return ()
        return confirmed

    async def cancel(self, payment_id: str, place: Place, user: Member, message_id: int | None) -> None:
        """Cancel a question, and say so in its message. Raise as :meth:`Confirmer.cancel` does."""
        closed = await self._confirmer.cancel(payment_id, place, user, message_id)
        self._read_by(self._clock() + FIRST_LOOK_AFTER)
        await self._tell(closed[0])

    async def withdraw(self, chat: Chat, user: Member) -> Sequence[Payment]:
        """Cancel what this person was asked here and has not answered. Return those payments."""
        now = self._clock()
        journal = await self._store.payments_of_chat(chat.id)
        asked = [p for p in journal if p.state is State.ASKED and p.user_id == user.id and not p.has_expired(now)]
        withdrawn: list[Payment] = []
        for one in {payment.group: payment for payment in asked}.values():
            batch = await self._store.batch_of(one.id)
            with suppress(ConfirmationExpired):  # it was answered meanwhile
                await self.cancel(batch[0].id, batch[0].place, user, batch[0].message_id)
                withdrawn += batch
        return withdrawn

    def start(self, payments: Sequence[Payment], chat: Chat) -> None:
        """Carry out in the background what was confirmed, at once, however much else there is to do.

        If that is cut off or fails, :meth:`tick` finds out how the payments stand.
        """
        if payments:
            self._workers.start(self.carry_out(payments, chat))

    async def carry_out(self, payments: Sequence[Payment], chat: Chat) -> None:
        """Do what was confirmed, and show every step in the message whose button was pressed.

        Several are paid one after the other. The first that does not end as paid stops the others.
        """
        with self._hold(payments[0].group):
            last: Payment | None = None
            for payment in payments:
                last = await self._carry_out_one(payment, chat)
                if last is None or last.outcome is not Outcome.DONE:
                    break
            await self._reconciler.end_queued(payments)
            if last is not None and last.state is State.SENT:
                await self._notifier.show_step(last, chat)
            elif last is not None:
                await self._notifier.tell(last)

    async def _carry_out_one(self, payment: Payment, chat: Chat) -> Payment | None:
        if payment.state is State.QUEUED:
            started = await self._executor.start_queued(payment)
            if started is None or started.state is State.ENDED:
                return started
            payment = started
        await self._notifier.show_step(payment, chat)
        return await self._executor.execute(payment, chat)

    async def tick(self) -> None:
        """Look at payments whose end is not known yet, or was not told yet."""
        now = self._clock()
        if still_lasts(self._next_reading, now, LOOK_AT_LEAST_EVERY):
            return
        self._next_reading = now + LOOK_AT_LEAST_EVERY
        groups: defaultdict[str, list[Payment]] = defaultdict(list)
        for payment in await self._store.unsettled_payments():
            groups[payment.group].append(payment)
        since = {group: max(payment.since for payment in payments) for group, payments in groups.items()}
        self._next_look = {group: self._next_look.get(group, since[group] + FIRST_LOOK_AFTER) for group in groups}
        waiting = {group for group, look in self._next_look.items() if still_lasts(look, now, LOOK_AT_LEAST_EVERY)}
        due = [group for group in groups if group not in self._in_hand | waiting]
        for group in due[: self._workers.free]:
            self._next_look[group] = now + look_again_after(now - since[group])
            self._in_hand.add(group)
            self._workers.start(self._look(groups[group]))
        self._read_by(*self._next_look.values())

    async def _look(self, payments: Sequence[Payment]) -> None:
        with self._hold(payments[0].group):
            seen = [await self._reconciler.reconcile(payment) for payment in payments]
            ends = [payment for payment in seen if payment is not None and payment.state is State.ENDED]
            # While others of a batch go on, show each end once, not again at every look.
            if len(ends) == len(seen) or any(payment not in payments for payment in ends):
                await self._notifier.tell(payments[0])

    async def _tell(self, payment: Payment) -> None:
        with self._hold(payment.group):
            await self._notifier.tell(payment)

    def _read_by(self, *instants: datetime) -> None:
        """Let a tick read the store by then. Not every second: a payment of a resting chat may stay for months."""
        self._next_reading = min((self._next_reading, *instants))

    @contextmanager
    def _hold(self, group: str) -> Iterator[None]:
        self._in_hand.add(group)
        try:
            yield
        finally:
            self._in_hand.discard(group)
