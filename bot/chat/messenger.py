"""The Messenger port over Telegram: alerts and payments put into the chat's language and sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telegram import Bot

from bot.chat import sending
from bot.chat.screens import Screen
from bot.chat.texts import Phrasebook
from bot.chat.views import alerts as views, batches, payments
from bot.domain.alerts import Alert, SentMessage
from bot.domain.chats import Chat
from bot.domain.payments import Payment
from bot.domain.preferences import Loudness
from bot.ports import Delivery
from bot.services.plan import CheckPlan


class TelegramMessenger:
    """Implements :class:`bot.ports.Messenger`."""

    def __init__(self, bot: Bot, phrasebook: Phrasebook, plan: CheckPlan) -> None:
        self._bot = bot
        self._phrasebook = phrasebook
        self._plan = plan

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        """Send alerts where the chat was linked."""
        screen = views.alerts(self._phrasebook[delivery.chat.speaks], delivery, alerts, now)
        loudness = self._plan.preferences(delivery.chat).loudness
        silent = not rings(alerts, delivery, loudness)
        return (await sending.send(self._bot, alerts[0].place, screen, silent=silent)).message_id

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        """Strike out what is settled."""

    async def show_payment(self, payment: Payment, chat: Chat) -> None:
        """Edit the message that shows the payment; send a new one where that is out of reach."""
        await self._show(payment, payments.progress(self._phrasebook[chat.speaks], payment))

    async def show_batch(self, batch: Sequence[Payment], chat: Chat) -> None:
        """The same for the message that shows several."""
        await self._show(batch[0], batches.progress(self._phrasebook[chat.speaks], batch))

    async def _show(self, payment: Payment, screen: Screen) -> None:
        if payment.message_id is None or not await sending.edit(self._bot, payment.place, payment.message_id, screen):
            await sending.send(self._bot, payment.place, screen)


def rings(alerts: Sequence[Alert], delivery: Delivery, loudness: Loudness) -> bool:
    """Whether a message with these alerts rings: most often if anything in it is urgent."""
    if loudness is Loudness.URGENT:
        return any(alert.is_urgent for alert in alerts)
    return loudness is Loudness.ALL
