"""Bring the saved alerts to their chats: once each, in order within a chat, none lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot.domain.alerts import AlertKind
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    TelegramDown,
)
from bot.ports import ChatStore, Clock, Delivery, Messenger, Outbox
from bot.services.workers import Workers

log = structlog.get_logger()

LEASE = timedelta(minutes=2)
SEND_WITHIN = timedelta(seconds=90)
"""A send that takes longer is given up, with unknown outcome, before its lease ends and it is claimed again."""
PER_TICK = 25
"""With one tick a second this keeps the whole below Telegram's 30 messages a second; a chat has one claim a tick."""
TRIES = 5
"""Of a send that is refused. What an outage costs doesn't count: it says nothing about the alert."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT_UNSENT = timedelta(minutes=1)
LONGEST_WAIT_MARKED = timedelta(minutes=10)
"""Longer, since each of these tries may be one more message to the person."""


class Courier:
    """Delivers what the outbox holds. What each error of the messenger leads to is decided here, in one place."""

    def __init__(
        self,
        outbox: Outbox,
        chats: ChatStore,
        messenger: Messenger,
        clock: Clock,
        workers: Workers,
        *,
        send_within: timedelta = SEND_WITHIN,
    ) -> None:
        self._outbox = outbox
        self._chats = chats
        self._messenger = messenger
        self._clock = clock
        self._workers = workers
        self._send_within = send_within.total_seconds()

    async def tick(self) -> None:
        """Start the deliveries that are due, as many as there is room for."""
        if room := min(self._workers.free, PER_TICK):
            for delivery in await self._outbox.claim_alerts(self._clock(), room, LEASE):
                self._workers.start(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        if is_pointless(delivery):
            await self._outbox.alert_sent(delivery.claim)
            return
        try:
            await self._send(delivery)
        except MessengerError as error:
            await self._resolve(delivery, error)
        except Exception:
            await self._try_later(delivery)
            raise
        else:
            await self._outbox.alert_sent(delivery.claim)
            log.info("alert sent", chat=delivery.chat.id, kind=delivery.alert.kind, invoice=delivery.alert.invoice_id)

    async def _send(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(self._send_within):
                await self._messenger.send_alert(delivery, self._clock())
        except TimeoutError as error:
            raise DeliveryUncertain from error

    async def _resolve(self, delivery: Delivery, error: MessengerError) -> None:
        now, chat_id = self._clock(), delivery.chat.id
        match error:
            case ChatGone():
                await self._outbox.alert_failed(delivery.claim, now, uncertain=False, counts=False)
                await self._chats.rest(chat_id, error.reason)
                log.info("chat rests", chat=chat_id, reason=error.reason)
            case ChatMigrated():
                await self._outbox.alert_failed(delivery.claim, now, uncertain=delivery.again, counts=False)
                await self._chats.move_chat(chat_id, error.new_chat_id)
                log.info("chat moved", chat=chat_id, to=error.new_chat_id)
            case FloodLimited():
                later = now + timedelta(seconds=error.retry_after)
                await self._outbox.alert_failed(delivery.claim, later, uncertain=delivery.again, counts=False)
            case DeliveryUncertain() if delivery.again and delivery.alert.attempts:
                await self._set_aside(delivery)
            case DeliveryUncertain():
                await self._outbox.alert_failed(delivery.claim, now + FIRST_WAIT, uncertain=True, counts=True)
            case NotSent():
                later = now + wait_in_outage(now - delivery.alert.created_at, LONGEST_WAIT_UNSENT)
                await self._outbox.alert_failed(delivery.claim, later, uncertain=delivery.again, counts=False)
            case TelegramDown():
                later = now + wait_in_outage(now - delivery.alert.created_at, LONGEST_WAIT_MARKED)
                await self._outbox.alert_failed(delivery.claim, later, uncertain=True, counts=False)
            case _:
                log.warning("alert refused", chat=chat_id, error=str(error))
                await self._try_later(delivery)

    async def _try_later(self, delivery: Delivery) -> None:
        attempts = delivery.alert.attempts
        if attempts + 1 >= TRIES:
            await self._set_aside(delivery)
            return
        later = self._clock() + FIRST_WAIT * 2**attempts
        await self._outbox.alert_failed(delivery.claim, later, uncertain=delivery.again, counts=True)

    async def _set_aside(self, delivery: Delivery) -> None:
        log.warning("alert set aside", chat=delivery.chat.id, kind=delivery.alert.kind)
        await self._outbox.set_alert_aside(delivery.claim)


def wait_in_outage(age: timedelta, longest: timedelta) -> timedelta:
    """Half as long as the alert has waited so far, so that the first tries come soon and the later ones rarely."""
    return min(max(age / 2, FIRST_WAIT), longest)


def is_pointless(delivery: Delivery) -> bool:
    """Whether things have moved on since the alert was saved: the link is another, or the invoice is settled.

    A reminder is pointless too once a later one of the same due date was found, which stands behind it.
    """
    link, alert, known = delivery.chat.link, delivery.alert, delivery.known
    if link is None or link.account != alert.account:
        return True
    if alert.kind in {AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING}:
        return link.trouble is None
    if known is None or not known.is_open or known.gone:
        return True
    if alert.kind is AlertKind.NEW:
        return False
    overtaken = alert.threshold is not None and known.told is not None and known.told < alert.threshold
    return known.due != alert.due or known.left == 0 or overtaken
