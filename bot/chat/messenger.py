"""The Messenger port over Telegram: alerts and payments put into the chat's language and sent."""

from __future__ import annotations

from datetime import datetime

from telegram import Bot

from bot.chat import sending
from bot.chat.texts import Phrasebook
from bot.chat.views import alerts, payments
from bot.domain.alerts import Alert, AlertKind
from bot.domain.chats import Chat
from bot.domain.payments import Payment
from bot.ports import Delivery


class TelegramMessenger:
    """Implements :class:`bot.ports.Messenger`."""

    def __init__(self, bot: Bot, phrasebook: Phrasebook) -> None:
        self._bot = bot
        self._phrasebook = phrasebook

    async def send_alert(self, delivery: Delivery, now: datetime) -> None:
        """Send an alert where the chat was linked."""
        screen = alerts.alert(self._phrasebook[delivery.chat.speaks], delivery, now)
        await sending.send(self._bot, delivery.alert.place, screen, silent=not rings(delivery.alert))

    async def show_payment(self, payment: Payment, chat: Chat) -> None:
        """Edit the message that shows the payment; send a new one where that is out of reach."""
        screen = payments.progress(self._phrasebook[chat.speaks], payment)
        if payment.message_id is None or not await sending.edit(self._bot, payment.place, payment.message_id, screen):
            await sending.send(self._bot, payment.place, screen)


def rings(alert: Alert) -> bool:
    """All but a new invoice that has time; one that stands for a reminder as well has none."""
    return alert.kind is not AlertKind.NEW or alert.threshold is not None
