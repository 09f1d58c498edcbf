"""Payments from the question to the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.payments import Payment, State


class PaymentStore(Protocol):
    """Payments, kept by account: two chats of one account share them."""

    async def add_payment(self, payment: Payment) -> None:
        """Store a question that was just asked. Raises ValueError if its id is taken."""

    async def payment(self, payment_id: str) -> Payment | None: ...

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        """The payment with all that were asked for together with it, in their order; alone where it has no batch."""

    async def payments_of_chat(self, chat_id: int) -> Sequence[Payment]:
        """The chat's journal, the newest first: all that was asked there, whatever became of it."""

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        """Replace the record with ``payment`` if its stored state is ``expected``; else nothing changes: False.

        One whose end was told never changes: that was the last word.

        The place stays as it is stored, as the chat may have moved since the payment was read; then it has no message.

        Moving to ``confirmed`` raises :class:`bot.errors.PaymentInProgress` while another payment of the same
        account and invoice is confirmed or sent. This is the one place that keeps two presses from both paying.
        """

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        """The same for several of one account, in one transaction: all of them, or none."""

    async def unsettled_payments(self) -> Sequence[Payment]:
        """Payments that are queued, confirmed or sent, or ended and not yet told, oldest first."""
