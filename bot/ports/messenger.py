"""Speaking to chats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.alerts import Alert, SentMessage
from bot.domain.chats import Chat, Place
from bot.domain.payments import Payment
from bot.ports.outbox import Delivery
from bot.ports.provider import Document


class Messenger(Protocol):
    """Speaks to chats of its own accord. All methods raise :class:`bot.errors.MessengerError`."""

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        """Put these of the delivery's alerts into words and send them as one message. Gives the message's id."""

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        """Edit an earlier message: what is settled is struck through, its buttons go. Out of reach: nothing is done."""

    async def show_payment(self, payment: Payment, chat: Chat) -> bool:
        """Bring the message that shows a payment up to date; False where that is out of reach."""

    async def send_document(self, place: Place, document: Document) -> None:
        """Send a file."""

    async def show_batch(self, batch: Sequence[Payment], chat: Chat) -> bool:
        """The same for several that were asked for together, and share one message."""

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool) -> None:
        """Send how a payment, or several, ended: in full, or in a line that replies to the message that shows them."""
