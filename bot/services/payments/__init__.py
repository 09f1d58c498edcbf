"""Pay an invoice with credit, or take applied credit back.

The files, in the order in which a payment happens:

1. ``quote``: what may be asked, and the question about it. ``selection``: choose several invoices for one question.
2. ``confirm``: take the answer. Of all presses of a button, exactly one gets the payments to carry out.
3. ``execute``: read the invoice again, compare, note the request as sent, send it once.
4. ``reconcile``: read the invoice until it says how the payment ended.
5. ``notify``: show every step, tell the end once, send the PDF.

``flow`` puts these steps together.

The provider has no idempotency key and doesn't document its answers. So a request is sent at most once per press,
whatever happens. Only the invoice itself, read again, says how the payment ended. Even a refusal proves nothing: a
request may arrive twice, be carried out the first time and refused the second.
"""

from __future__ import annotations

from typing import Protocol

from bot.domain.chats import Chat
from bot.domain.payments import Payment
from bot.ports import ChatStore, CheckStore, LeaseStore, PaymentStore, PendingStore


class PayingStore(ChatStore, CheckStore, PendingStore, PaymentStore, LeaseStore, Protocol):
    """What payments need of the store."""


async def chat_of(store: ChatStore, payment: Payment) -> Chat:
    """Return the chat of a payment, with the account that it is about, if the chat still has that."""
    accounts = await store.accounts(payment.place.chat_id)
    return next((chat for chat in accounts if payment.link_in(chat) is not None), accounts[0])
