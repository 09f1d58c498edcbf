"""Payments, as the services need them stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from bot.domain.payments import Payment, State


class PaymentStore(Protocol):
    """Payments by account. Two chats of one account share them."""

    async def add_payment(self, payment: Payment) -> None:
        """Store a question that was just asked. Raise ValueError if its id is taken."""

    async def add_payments(self, payments: Sequence[Payment], instead_of: Collection[str] = ()) -> bool:
        """Store one question about several invoices of an account, in the place of an earlier one of that account.

        ``instead_of`` are the ids of the payments that the earlier one was about. Change nothing and return False if
        it was answered meanwhile. Raise ValueError if an id is taken.
        """

    async def drop_questions(self, account: str, payment_ids: Collection[str]) -> bool:
        """Forget a question that nobody has answered. Change nothing and return False if it was answered."""

    async def payment(self, payment_id: str) -> Payment | None: ...

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        """Return all payments of this one's batch, in the order of asking.

        Return the payment alone if it has no batch, and nothing if it is not stored.
        """

    async def payments_of_chat(self, chat_id: int, account: str | None = None) -> Sequence[Payment]:
        """Return the chat's journal: all payments asked for there, ended or not, the newest first.

        With an ``account``, only those with it.
        """

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        """Replace the record with ``payment`` if its stored state is ``expected``. Else change nothing, return False.

        A payment whose end was told never changes: that was the last word.

        Keep the stored place: the chat may have moved meanwhile. Then drop the message id.

        For a move to ``confirmed``, raise :class:`bot.errors.PaymentInProgress` while another payment of the same
        account and invoice is confirmed or sent. Only this check keeps two presses from both paying.
        """

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        """Advance several payments of one account in one transaction: all of them, or none."""

    async def unsettled_payments(self) -> Sequence[Payment]:
        """Return the payments that still need work, the oldest first.

        They are queued, confirmed or sent, or they ended and nobody was told yet.
        """
