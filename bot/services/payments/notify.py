"""Show every step of a payment in its message, tell its end once, and send the PDF."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from bot.domain.chats import Chat
from bot.domain.deliveries import repeat_at
from bot.domain.payment_times import NOTE_TOLD_WITHIN, TELL_FOR
from bot.domain.payments import Action, Outcome, Payment, State, ends_late
from bot.domain.schedule import CheckPlan
from bot.domain.waits import LONG_AGO, Wait
from bot.errors import BotError, ChatGone, ChatMigrated, DeliveryUncertain, MessengerError, StoreAway
from bot.ports import Clock, Messenger
from bot.services.documents import Documents
from bot.services.failures import log_failure, note_unreachable
from bot.services.payments import PayingStore, chat_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Doubt:
    """An end was sent so many times without a known outcome. It may be sent once more after the ``wait``."""

    tries: int
    wait: Wait


NO_DOUBT = Doubt(0, Wait(LONG_AGO))


class PaymentNotifier:
    """Brings messages up to date. It never raises a failure of the messenger, so none stops a payment."""

    def __init__(
        self,
        store: PayingStore,
        documents: Documents,
        messenger: Messenger,
        clock: Clock,
        plan: CheckPlan,
        show_within: timedelta,
    ) -> None:
        self._store = store
        self._documents = documents
        self._messenger = messenger
        self._clock = clock
        self._plan = plan
        self._show_within = show_within.total_seconds()
        self._lease = show_within + NOTE_TOLD_WITHIN
        self._holder = secrets.token_hex(8)
        self._doubts: dict[str, Doubt] = {}
        """By group. A restart forgets them: then one more repetition may come, without a mark."""

    async def show_step(self, payment: Payment, chat: Chat) -> None:
        """Show that a payment is under way. If somebody else has ended it meanwhile, show that."""
        await self._show(await self._batch_with(payment), chat)
        stored = await self._store.payment(payment.id)
        if stored is not None and stored.state is State.ENDED:
            await self._show(await self._batch_with(stored), chat)

    async def tell(self, payment: Payment) -> None:
        """Show an end. If all of its batch have ended, note them as told, and send the PDFs.

        A resting chat is told once it is back. Of several replicas, one tells at a time.
        """
        name = f"telling {payment.group}"
        lease = await self._store.take_lease(name, self._holder, self._clock(), self._lease)
        if lease is None:
            return
        try:
            told = await self._tell(await self._store.batch_of(payment.id))
        finally:
            with suppress(StoreAway):  # then it runs out
                await self._store.give_back_lease(lease)
        await self._send_documents(told)

    async def _tell(self, batch: Sequence[Payment]) -> Sequence[Payment]:
        """Return the payments whose end is told now, for good."""
        if not any(payment.state is State.ENDED and not payment.told for payment in batch):
            return ()
        chat = await chat_of(self._store, batch[0])
        if chat.resting is not None:
            return ()
        over = all(payment.state is State.ENDED for payment in batch)
        shown = await self._show(batch, chat, over=over)
        if not over:
            return ()
        if not shown:
            if self._clock() - max(payment.since for payment in batch) <= TELL_FOR:
                return ()
            log.warning("payment's end can't be told", payment=batch[0].id, outcome=batch[0].outcome)
        told = [replace(payment, told=True) for payment in batch]
        return told if await self._store.advance_payments(told, State.ENDED) else ()

    async def _batch_with(self, payment: Payment) -> Sequence[Payment]:
        """Return its batch as stored, but this payment as given."""
        if not payment.batch:
            return [payment]
        batch = await self._store.batch_of(payment.id)
        return [payment if other.id == payment.id else other for other in batch]

    async def _show(self, batch: Sequence[Payment], chat: Chat, *, over: bool = False, moved: bool = False) -> bool:
        """Bring the message up to date. Return False if the person may not have seen it.

        Once all is ``over``, tell it in a message of its own if the person would not notice the edit. If the chat has a
        new id by now, do so there; ``moved``: it is there already.
        """
        payment = batch[0]
        if over and not self._doubts.get(payment.group, NO_DOUBT).wait.is_over(self._clock()):
            return False
        try:
            async with asyncio.timeout(self._show_within):
                seen = await self._messenger.show_payments(batch, chat)
                if over and (not seen or ends_late(batch)):
                    await self._tell_end(batch, chat, in_full=not seen)
        except ChatGone as error:
            await note_unreachable(self._store, payment.place.chat_id, error)
            return False
        except ChatMigrated as error:
            await note_unreachable(self._store, payment.place.chat_id, error)
            there = [replace(each, place=each.place.in_chat(error.new_chat_id), message_id=None) for each in batch]
            return not moved and await self._show(there, chat, over=over, moved=True)
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("payment can't be shown", error, payment=payment.id, state=payment.state)
            return False
        return True

    async def _tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool) -> None:
        """Tell the end in a message. If nobody knows whether that arrived, repeat it rarely, and marked, as alerts are.

        Raise :class:`MessengerError`.
        """
        group, now = batch[0].group, self._clock()
        tries = self._doubts.get(group, NO_DOUBT).tries
        self._doubts[group] = Doubt(tries + 1, Wait(repeat_at(tries, now, self._plan.schedule(chat)), set_at=now))
        try:
            await self._messenger.tell_end(batch, chat, in_full=in_full, again=tries > 0)
        except DeliveryUncertain:
            raise
        except MessengerError:
            self._doubts[group] = Doubt(tries, Wait(now))  # that one surely did not arrive
            raise
        del self._doubts[group]
        if chat.closure is not None:
            with suppress(StoreAway):  # then the next alert finds out by itself
                await self._store.wake(chat.id, now)

    async def _send_documents(self, told: Sequence[Payment]) -> None:
        """Send the PDF of each paid invoice if the chat wants it.

        A courtesy: it is never repeated, and no failure of it touches a payment. The receipt has a button for it, too.
        """
        paid = [payment for payment in told if payment.action is Action.PAY and payment.outcome is Outcome.DONE]
        if not paid:
            return
        chat = await chat_of(self._store, paid[0])
        if not self._plan.preferences(chat).pdf_after_payment:
            return
        for payment in paid:
            if payment.link_in(chat) is None:
                return
            try:
                post = partial(self._messenger.send_document, payment.place.in_chat(chat.id), chat, self._clock())
                await self._documents.send(chat, payment.invoice_id, post)
            except BotError as error:
                log_failure("PDF after a payment not sent", error, payment=payment.id)
