"""The Messenger port over Telegram: it puts alerts and payments into the chat's language and sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from telegram import Bot

from bot.chat import boards, sending
from bot.chat.account_marks import finished
from bot.chat.screens import Screen, join
from bot.chat.texts import Texts, TextsFor
from bot.chat.views import alerts as views, payments
from bot.chat.views.board import board as board_view
from bot.chat.views.documents import caption
from bot.chat.views.redrawing import redrawn
from bot.domain.alerts import Alert, AlertKind, SentMessage
from bot.domain.chats import Chat, Loudness, Place
from bot.domain.covered import is_silent
from bot.domain.credit import Credit
from bot.domain.invoices import Listing, size_of
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.payments import Payment
from bot.domain.schedule import CheckPlan
from bot.offload import HEAVY_COUNT, in_turn, off_loop
from bot.ports import Delivery, InvoiceDocument
from bot.turns import Turn, taking_turn


class TelegramMessenger:
    """Implements :class:`bot.ports.Messenger`."""

    def __init__(self, bot: Bot, texts_for: TextsFor, plan: CheckPlan) -> None:
        self._bot = bot
        self._texts_for = texts_for
        self._plan = plan

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        """Send alerts as one message. A lone alert that an invoice is settled replies to the last message about it.

        What may have arrived is not sent into an outage: that would only add to the doubt.
        """
        await self._may_begin(delivery)
        t = self._unasked(delivery.chat)
        screen = finished(t, views.alerts(t, delivery, alerts, now))
        covered = [alert for alert in alerts if self._is_silent(alert, delivery, now)]
        heard = [alert for alert in alerts if alert not in covered]
        silent = not rings(heard, delivery, self._plan.preferences(delivery.chat).loudness)
        reply_to = _message_about(alerts[0], delivery) if len(alerts) == 1 else None
        with taking_turn(Turn.ALERT):
            return await sending.send(self._bot, alerts[0].place, screen, silent=silent, reply_to=reply_to)

    def words_of(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Mapping[int, str]:
        """Return what that message says of each invoice, as HTML."""
        return views.words_of(self._unasked(delivery.chat), delivery, alerts, now)

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        """Strike the settled invoices out of an earlier message, and fold what newer ones tell."""
        if message.message_id is not None:
            await in_turn()
            t = self._unasked(delivery.chat)
            screen = finished(t, views.struck_through(t, message, delivery))
            with taking_turn(Turn.ALERT):
                await sending.edit(self._bot, message.place, message.message_id, screen)

    async def remind_silently(
        self, message: SentMessage, delivery: Delivery, alerts: Sequence[Alert], now: datetime
    ) -> bool:
        """Give an earlier message a line for each of these alerts. Return False if it is out of reach."""
        if message.message_id is None:
            return False
        await in_turn()
        t = self._unasked(delivery.chat)
        screen = finished(t, views.reminded_silently(t, message, delivery, alerts, now))
        with taking_turn(Turn.ALERT):
            return await sending.edit(self._bot, message.place, message.message_id, screen)

    async def _may_begin(self, delivery: Delivery) -> None:
        """Wait for a turn of the loop: many are sent at once. What may have arrived waits for a sign of Telegram."""
        await in_turn()
        if delivery.again:
            await sending.make_sure_of_telegram(self._bot)
            await in_turn()

    def _unasked(self, chat: Chat) -> Texts:
        """Return the texts for what nobody asked for just now. Whoever holds the phone may see it."""
        return replace(self._texts_for(chat), discreet=self._plan.preferences(chat).discreet)

    def _is_silent(self, alert: Alert, delivery: Delivery, now: datetime) -> bool:
        return is_silent(alert, delivery, self._plan.schedule(delivery.chat), self._plan.currency, now)

    async def delete(self, message: SentMessage) -> bool:
        """Delete an earlier message. Return whether it is gone."""
        if message.message_id is None:
            return False
        with taking_turn(Turn.ALERT):
            return await sending.delete_own(self._bot, message.place, message.message_id)

    async def edit_board(self, board: Board, delivery: Delivery, now: datetime) -> bool:
        """Draw the pinned message anew."""
        await in_turn()
        t = self._unasked(delivery.chat)
        screen = finished(t, board_view(t, delivery, now, is_pinned=board.is_pinned is not False))
        with taking_turn(Turn.ALERT):
            return await sending.edit(self._bot, Place(delivery.chat.id, board.topic_id), board.message_id, screen)

    async def send_board(self, delivery: Delivery, now: datetime) -> Board:
        """Send the message that is to be pinned. What may have arrived is not sent into an outage."""
        await self._may_begin(delivery)
        t = self._unasked(delivery.chat)
        screen = finished(t, board_view(t, delivery, now, is_pinned=True))
        place = delivery.alerts[0].place
        with taking_turn(Turn.ALERT):
            message_id = await sending.send(self._bot, place, screen, silent=True)
        return Board(message_id, place.topic_id, "")

    async def pin_board(self, board: Board, chat: Chat) -> bool:
        """Pin it without a sound."""
        with taking_turn(Turn.ALERT):
            return await sending.pin(self._bot, chat.id, board.message_id)

    async def remove_board(self, board: Board, chat: Chat) -> None:
        """Unpin it, and delete it or say that it is old."""
        with taking_turn(Turn.ALERT):
            await boards.remove(self._bot, board, chat.id, self._texts_for(chat))

    async def redraw(self, message: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> bool:
        """Draw a message with the invoices in it as they stand now."""
        place = Place(chat.id, message.topic_id)
        heavy = size_of(shown.invoices) > HEAVY_COUNT
        t = self._texts_for(chat)
        screen = finished(t, await off_loop(heavy, redrawn, t, message, shown, chat, now))
        with taking_turn(Turn.ALERT):
            return await sending.edit(self._bot, place, message.message_id, screen)

    async def send_document(self, place: Place, chat: Chat, now: datetime, document: InvoiceDocument) -> str:
        """Send an invoice's PDF, with a caption."""
        t, protected = self._unasked(chat), self._plan.preferences(chat).protected
        screen = finished(t, caption(t, document, now))
        sent = await sending.send_document(self._bot, place, document.file, screen, protected=protected)
        return sending.file_id_of(sent)

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        """Edit the message that shows the payments. Return False if it is out of reach."""
        payment = batch[0]
        if payment.message_id is None:
            return False
        t = self._texts_for(chat)
        screen = finished(t, payments.progress(t, batch, _credit_of(chat)))
        return await sending.edit(self._bot, payment.place, payment.message_id, screen)

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool, again: bool = False) -> None:
        """Send how a payment ended: in full, or in a line that replies to the message that shows it."""
        payment, t = batch[0], self._unasked(chat)
        screen = payments.progress(t, batch, _credit_of(chat)) if in_full else Screen(payments.headline(t, batch))
        if again:
            await sending.make_sure_of_telegram(self._bot)
            screen = replace(screen, text=join([screen.text, t("alert.again")]))
        screen = finished(t, screen)
        await sending.send(self._bot, payment.place, screen, reply_to=None if in_full else payment.message_id)


def _credit_of(chat: Chat) -> Credit | None:
    return chat.link.credit.credit if chat.link is not None else None


def rings(alerts: Sequence[Alert], delivery: Delivery, loudness: Loudness) -> bool:
    """Return whether a message with these alerts rings.

    A new invoice that is already paid never makes it ring. A warning always does, and what somebody asked for.
    """
    if any(alert.is_warning or alert.kind is AlertKind.CREDIT_THERE for alert in alerts):
        return True
    heard = [alert for alert in alerts if not _is_new_and_paid(alert, delivery)]
    if loudness is Loudness.URGENT:
        return any(alert.is_urgent for alert in heard)
    return loudness is Loudness.ALL and bool(heard)


def _is_new_and_paid(alert: Alert, delivery: Delivery) -> bool:
    known = delivery.known_of(alert)
    return alert.kind is AlertKind.NEW and known is not None and not known.is_open


def _message_about(alert: Alert, delivery: Delivery) -> int | None:
    """Return the id of the latest message about the invoice that an alert calls settled."""
    if alert.kind is not AlertKind.SETTLED or alert.invoice_id is None:
        return None
    about = [m.message_id for m in delivery.sent if m.message_id and m.mentions(alert.invoice_id)]
    return about[-1] if about else None
