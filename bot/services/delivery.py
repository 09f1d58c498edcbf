"""Send the saved alerts: none is lost, none comes in quiet hours, and each once unless nobody knows whether it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.alerts import AlertKind, SentMessage
from bot.domain.chats import Chat
from bot.domain.deliveries import (
    LONGEST_FLOOD_PAUSE,
    closed_again,
    is_lost,
    is_relevant,
    is_told_elsewhere,
    is_unwanted,
    message_to_edit,
    repeat_at,
    uncertain_message,
)
from bot.domain.schedule import CheckPlan
from bot.errors import (
    ChatClosed,
    ChatGone,
    ChatMigrated,
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    StoreAway,
    TextRefused,
)
from bot.offload import in_turn
from bot.ports import ChatStore, Clock, Delivery, Messenger, Outbox, Sleep
from bot.services.edits import Edits
from bot.services.failures import note_unreachable
from bot.services.workers import Workers
from bot.turns import Turn, taking_turn

log = structlog.get_logger()

DELIVERY_LEASE = timedelta(minutes=2)
SEND_WITHIN = timedelta(seconds=90)
"""A longer delivery is given up with an unknown outcome, before its lease ends and others can claim it. Edits may take
the first half of this time."""
LEASE_MARGIN = DELIVERY_LEASE - SEND_WITHIN
"""This close to the end of its lease, a process that was frozen sends nothing: another may be about to send."""
NOTE_RETRY_WAIT = timedelta(seconds=2)
"""Between two tries to note what became of a message while the database is away."""
MAX_SEND_TRIES = 5
"""How often a message is tried whose text Telegram refuses. Nothing else counts: it says nothing about the alert."""
FIRST_RETRY_WAIT = timedelta(seconds=2)
RETRY_WAIT_GROWTH = 5
"""How much longer the chat waits after each refusal: 2 s, 10 s, 50 s, 4 min. Then the alert is a dead letter."""
EDITED_WITHIN = timedelta(days=3)
"""How long an edit is tried again that Telegram refuses for another reason than that the chat is closed."""
LONGEST_WAIT_UNSENT = timedelta(minutes=1)
"""While there is no connection. These tries reach nobody."""


class LeaseOver(NotSent):
    """The process or its machine stood still since the claim. Whoever claims next sends it; that need not wait."""


class AlertSender:
    """Delivers what the outbox holds, and decides what each error of the messenger leads to."""

    def __init__(
        self,
        outbox: Outbox,
        chats: ChatStore,
        messenger: Messenger,
        clock: Clock,
        plan: CheckPlan,
        workers: Workers,
        *,
        send_within: timedelta = SEND_WITHIN,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._chats = chats
        self._messenger = messenger
        self._clock = clock
        self._plan = plan
        self._workers = workers
        self._send_within = send_within.total_seconds()
        self._edits = Edits(outbox, messenger, clock, plan, within=self._send_within, note=self._note)
        self._sleep = sleep
        self._nothing_until: datetime | None = None

    async def tick(self) -> bool:
        """Start the deliveries that are due, as many as there is room for. Return whether there may be more."""
        now, room, started = self._clock(), self._workers.free, 0
        if self._nothing_until is not None and now < self._nothing_until <= now + LONGEST_FLOOD_PAUSE:
            return False
        if room:
            with taking_turn(Turn.ALERT):
                for delivery in await self._outbox.claim_alerts(now, room, DELIVERY_LEASE):
                    self._workers.start(self._deliver(delivery, now + DELIVERY_LEASE))
                    started += 1
        return started == room

    async def work_off(self, seconds: float) -> None:
        """Start the deliveries that are due as soon as there is room for each, but no longer than this.

        The limits of Telegram alone say how many go out meanwhile.
        """
        await self._workers.keep_busy(self.tick, seconds)

    async def _deliver(self, delivery: Delivery, lease_end: datetime) -> None:
        try:
            await in_turn()  # many are begun at once
            done = await self._edit_and_send(delivery, lease_end)
        except MessengerError as error:
            log.debug("delivery failed", reason=type(error).__name__)
            if isinstance(error, FloodLimited) and error.everywhere:
                self._nothing_until = self._clock() + timedelta(seconds=error.retry_after)
            await self._note(partial(self._handle, delivery, error), lease_end)
        except StoreAway:
            raise  # that says nothing about the alert
        except Exception:
            await self._try_later(delivery)
            raise
        else:
            # Outside the try: an error here is no refusal. A sent message that can't be noted comes again with a mark.
            if done is not None:
                await self._note(lambda: self._outbox.alerts_sent(delivery.claim, *done), lease_end)

    async def _note(self, note: Callable[[], Awaitable[object]], lease_end: datetime) -> None:
        """Note what became of a message, so that it comes once. If the database is away, retry until the lease ends.

        Raise :class:`StoreAway` then. If a lost reply hid a success, the retry finds its claim already closed.
        """
        while True:
            try:
                await note()
            except StoreAway:
                if self._clock() + NOTE_RETRY_WAIT > lease_end:
                    raise
                await self._sleep(NOTE_RETRY_WAIT.total_seconds())
            else:
                return

    async def _edit_and_send(
        self, delivery: Delivery, lease_end: datetime
    ) -> tuple[SentMessage | None, set[int]] | None:
        """Edit earlier messages, which rings nowhere. Then send what is new, unless the chat is quiet.

        Return what to remember of the message, and the invoices that were settled. Return None if it has to wait.
        """
        now, schedule = self._clock(), self._plan.schedule(delivery.chat)
        if self._must_be_dismissed(delivery.chat):
            raise NotSent  # the next check does that
        if delivery.is_edit:
            if now > lease_end - LEASE_MARGIN:
                raise LeaseOver
            until = await self._edits.make(delivery, lease_end)
            if until is None:
                return None, set()
            await self._note(lambda: self._outbox.defer_alerts(delivery.claim, until), lease_end)
            return None
        relevant = [alert for alert in delivery.alerts if is_relevant(alert, delivery, now)]
        settled = {a.invoice_id for a in relevant if a.kind is AlertKind.SETTLED and a.invoice_id is not None}
        begun = asyncio.get_running_loop().time()
        refused = await self._resolve(delivery, settled, begun + self._send_within / 2, lease_end)
        wanted = [alert for alert in relevant if not is_unwanted(alert, schedule.preferences)]
        told = await self._edits.remind_silently(delivery, wanted, begun + self._send_within / 2)
        alerts = [alert for alert in wanted if alert not in told and not is_told_elsewhere(alert, delivery)]
        message: SentMessage | None = uncertain_message(delivery, now)
        if alerts and schedule.is_quiet(now):
            await self._note(lambda: self._outbox.hold_alerts(delivery.claim, schedule.quiet_end(now)), lease_end)
            return None
        if alerts and self._clock() > lease_end - LEASE_MARGIN:
            raise LeaseOver
        if alerts:
            words = self._messenger.words_of(delivery, alerts, now)  # before: nothing may fail once it was sent
            try:
                async with asyncio.timeout_at(begun + self._send_within):
                    message_id = await self._messenger.send_alerts(delivery, alerts, now)
            except TimeoutError as error:
                raise DeliveryUncertain from error
            message = message_to_edit(alerts, delivery, message_id, now, words)
            log.info("alerts sent", chat=delivery.chat.id, kinds=[alert.kind for alert in alerts])
        elif refused is not None and (
            isinstance(refused, ChatClosed) or now < delivery.alerts[0].created_at + EDITED_WITHIN
        ):
            raise SendRefused(refused.reason)  # nothing but edits is left: they wait by themselves
        log.debug("alerts dropped", kinds=[alert.kind for alert in delivery.alerts if alert not in alerts])
        return message, settled

    def _must_be_dismissed(self, chat: Chat) -> bool:
        """Return whether the operator does not let the owner use the bot any more, and that was not said yet."""
        return chat.link is not None and not (self._plan.serves(chat.link) or chat.link.watch.dismissed)

    async def _resolve(
        self, delivery: Delivery, settled: set[int], end: float, lease_end: datetime
    ) -> SendRefused | None:
        """Edit the messages about settled invoices, until ``end`` by the loop's clock.

        A second edit does no harm, so nothing here is uncertain. Each is noted, so that a retry goes on from there. A
        refusal is returned instead of raised: an old message must not hold back what is new.
        """
        refused: SendRefused | None = None
        for message in delivery.sent:
            if message.message_id is None or not any(message.says_of(number) for number in settled):
                continue
            try:
                async with asyncio.timeout_at(end):
                    await self._messenger.resolve(message, delivery)
            except (TimeoutError, DeliveryUncertain) as error:
                raise NotSent from error
            except SendRefused as error:
                log.warning("earlier alert can't be edited", chat=delivery.chat.id, error=str(error))
                refused = error
            else:
                edited = partial(self._outbox.message_edited, delivery.claim, message.message_id, settled)
                await self._note(edited, lease_end)
        return refused

    async def _handle(self, delivery: Delivery, error: MessengerError) -> None:
        """Decide when a delivery that failed is tried again, and note what the error says of the chat."""
        now, chat_id, claim = self._clock(), delivery.chat.id, delivery.claim
        in_outage = now + wait_in_outage(now - delivery.alerts[0].created_at, LONGEST_WAIT_UNSENT)
        repeat = repeat_at(delivery.tries, now, self._plan.schedule(delivery.chat))
        match error:
            case ChatGone() | ChatMigrated():
                await self._later(delivery, now)
                await note_unreachable(self._chats, chat_id, error)
            case FloodLimited():
                await self._later(delivery, now + timedelta(seconds=error.retry_after))
            case ChatClosed():
                await self._wait_for_chat(delivery, error, now)
            case TextRefused():
                log.warning("alerts refused", chat=chat_id, error=str(error))
                await self._try_later(delivery)
            case SendRefused():
                log.warning("alerts refused", chat=chat_id, error=str(error))
                closure = closed_again(delivery.chat.closure, error.reason, now, not_found=False)
                await self._outbox.defer_alerts(claim, repeat, closure=replace(closure, until=now))
            case LeaseOver() if delivery.again or delivery.is_edit:
                await self._outbox.defer_alerts(claim, now)
            case LeaseOver():
                await self._later(delivery, now)
            case NotSent() if delivery.again or delivery.is_edit:
                await self._outbox.defer_alerts(claim, in_outage)
            case NotSent():
                await self._later(delivery, in_outage)
            case _:
                await self._outbox.defer_alerts(claim, repeat, uncertain=True)

    async def _wait_for_chat(self, delivery: Delivery, error: ChatClosed, now: datetime) -> None:
        """Let the chat's alerts wait until it is open again. If it is not found for long enough, let it rest."""
        chat = delivery.chat
        if chat.closure is None:
            log.warning("chat is closed", chat=chat.id, error=str(error))
        closure = closed_again(chat.closure, error.reason, now, not_found=isinstance(error, ChatNotFound))
        await self._outbox.close_chat(delivery.claim, closure)
        if is_lost(closure, now):
            await note_unreachable(self._chats, chat.id, ChatGone(error.reason))

    async def _later(self, delivery: Delivery, at: datetime) -> None:
        """Try again at this time. This try surely delivered nothing, and that says nothing about the alerts."""
        await self._outbox.alerts_failed(delivery.claim, at, uncertain=delivery.again, counts=False)

    async def _try_later(self, delivery: Delivery) -> None:
        attempts = delivery.alerts[0].attempts
        if attempts + 1 >= MAX_SEND_TRIES:
            await self._move_to_dead_letters(delivery)
            return
        later = self._clock() + FIRST_RETRY_WAIT * RETRY_WAIT_GROWTH**attempts
        await self._outbox.alerts_failed(delivery.claim, later, uncertain=delivery.again, counts=True)

    async def _move_to_dead_letters(self, delivery: Delivery) -> None:
        log.warning("alerts set aside", chat=delivery.chat.id, kinds=[alert.kind for alert in delivery.alerts])
        await self._outbox.move_to_dead_letters(delivery.claim)


def wait_in_outage(age: timedelta, longest: timedelta) -> timedelta:
    """Return half of the time that the alert has waited, so that first tries come soon and later ones rarely."""
    return min(max(age / 2, FIRST_RETRY_WAIT), longest)
