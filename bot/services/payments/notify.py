"""Show a payment in its message, and tell its end once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.chats import Chat
from bot.domain.payments import Payment, State, ends_late
from bot.errors import ChatGone, ChatMigrated, StoreAway
from bot.ports import Clock, Messenger
from bot.services.failures import log_failure, note_unreachable
from bot.services.payments.documents import PayingStore

log = structlog.get_logger()

SHOW_WITHIN = timedelta(seconds=30)
"""How long a payment waits for the messenger at each step."""

TELL_FOR = timedelta(days=1)
"""How long it is tried to tell an end that can't be shown."""


class PaymentNotifier:
    """Brings messages up to date. No failure here stops a payment: none is ever raised."""

    def __init__(self, store: PayingStore, messenger: Messenger, clock: Clock, show_within: timedelta) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._show_within = show_within.total_seconds()
        self._lease = show_within + timedelta(seconds=30)
        self._holder = secrets.token_hex(8)

    async def show_step(self, payment: Payment, chat: Chat) -> None:
        """Show that a payment is under way; unless it is further by now, as others may look at it too."""
        await self._show(await self._batch_with(payment), chat)
        stored = await self._store.payment(payment.id)
        if stored is not None and stored.state is State.ENDED:
            await self._show(await self._batch_with(stored), chat)

    async def tell(self, payment: Payment) -> Sequence[Payment]:
        """Show an end. Once all of a batch is at its end the records say that it was told, and nobody looks again.

        Gives those that are told for good with this. A resting chat hears it once it is back. Of several replicas one
        tells at a time.
        """
        name = f"telling {payment.group}"
        lease = await self._store.take_lease(name, self._holder, self._clock(), self._lease)
        if lease is None:
            return ()
        try:
            return await self._tell(await self._store.batch_of(payment.id))
        finally:
            with suppress(StoreAway):  # then it runs out
                await self._store.give_back_lease(lease)

    async def _tell(self, batch: Sequence[Payment]) -> Sequence[Payment]:
        if not any(payment.state is State.ENDED and not payment.told for payment in batch):
            return ()
        chat = await self._store.chat(batch[0].place.chat_id)
        if chat.resting is not None:
            return ()
        over = all(payment.state is State.ENDED for payment in batch)
        shown = await self._show(batch, chat, over=over)
        if not over:
            return ()
        if not shown and self._clock() - max(payment.since for payment in batch) > TELL_FOR:
            log.warning("payment's end can't be told", payment=batch[0].id, outcome=batch[0].outcome)
            shown = True
        if not shown:
            return ()
        told = [replace(payment, told=True) for payment in batch]
        return batch if await self._store.advance_payments(told, State.ENDED) else ()

    async def _batch_with(self, payment: Payment) -> Sequence[Payment]:
        """All of its batch as they are stored, and this one as given."""
        if not payment.batch:
            return [payment]
        batch = await self._store.batch_of(payment.id)
        return [payment if other.id == payment.id else other for other in batch]

    async def _show(self, batch: Sequence[Payment], chat: Chat, *, over: bool = False) -> bool:
        """Bring the message up to date; False: the person may not have seen it.

        Once all is ``over`` it is told in a message of its own where nobody would see, or hear of, the edit.
        """
        payment = batch[0]
        try:
            async with asyncio.timeout(self._show_within):
                if payment.batch:
                    seen = await self._messenger.show_batch(batch, chat)
                else:
                    seen = await self._messenger.show_payment(payment, chat)
                if over and (not seen or ends_late(batch)):
                    await self._messenger.tell_end(batch, chat, in_full=not seen)
        except (ChatGone, ChatMigrated) as error:
            await note_unreachable(self._store, payment.place.chat_id, error)
            return False
        except Exception as error:  # noqa: BLE001  # it is logged
            log_failure("payment can't be shown", error, payment=payment.id, state=payment.state)
            return False
        return True
