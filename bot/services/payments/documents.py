"""What follows once credit has moved: other messages about the invoice are brought up to date, and its PDF is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bot.domain.chats import Chat
from bot.domain.payments import Action, Outcome, Payment
from bot.domain.schedule import CheckPlan
from bot.errors import BotError
from bot.ports import ChatStore, CheckStore, LeaseStore, Messenger, PaymentStore, Provider
from bot.services.failures import log_failure


class PayingStore(ChatStore, CheckStore, PaymentStore, LeaseStore, Protocol):
    """What paying needs of the store."""


class ReceiptDocuments:
    """Comfort only: nothing here is repeated, and no failure here touches a payment."""

    def __init__(self, store: PayingStore, provider: Provider, messenger: Messenger, plan: CheckPlan) -> None:
        self._store = store
        self._provider = provider
        self._messenger = messenger
        self._plan = plan

    async def send_documents(self, told: Iterable[Payment]) -> None:
        """The PDF of each invoice that was paid, to chats that want it. Below the receipt is a button for it, too."""
        for payment in told:
            if payment.action is Action.PAY and payment.outcome is Outcome.DONE:
                chat = await self._store.chat(payment.place.chat_id)
                if self._plan.preferences(chat).pdf_after_payment:
                    await self._send(payment, chat)

    async def _send(self, payment: Payment, chat: Chat) -> None:
        if chat.link is None or chat.link.account != payment.account:
            return
        try:
            async with self._provider.pdf(chat.link.token, chat.reply_language, payment.invoice_id) as document:
                await self._messenger.send_document(payment.place, document)
        except BotError as error:
            log_failure("PDF after a payment not sent", error, payment=payment.id)
