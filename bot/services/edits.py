"""Edit earlier messages: fold what a newer one tells, add silent reminders, keep the pinned one up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog

from bot.domain.alerts import Alert, AlertKind, SentMessage
from bot.domain.covered import is_silent, message_to_extend
from bot.domain.folding import may_be_deleted, superseded
from bot.domain.live_messages import Board
from bot.domain.schedule import CheckPlan
from bot.errors import ChatClosed, DeliveryUncertain, MessengerError, NotSent, SendRefused
from bot.ports import Clock, Delivery, Messenger, Outbox
from bot.services.board import Boards

log = structlog.get_logger()

Note = Callable[[Callable[[], Awaitable[object]], datetime], Awaitable[None]]
"""Note what was done, again and again until the lease ends."""


class Edits:
    """Works for the alert sender, under its claim on the chat's messages. Nothing here rings."""

    def __init__(
        self, outbox: Outbox, messenger: Messenger, clock: Clock, plan: CheckPlan, *, within: float, note: Note
    ) -> None:
        self._outbox = outbox
        self._messenger = messenger
        self._clock = clock
        self._plan = plan
        self._boards = Boards(messenger, plan)
        self._within = within
        self._note = note

    async def make(self, delivery: Delivery, lease_end: datetime) -> datetime | None:
        """Edit what the alerts of the delivery name. Return until when that has to wait, if it has to."""
        kinds = {alert.kind for alert in delivery.alerts}
        if AlertKind.FOLD in kinds:
            await self._fold(delivery, lease_end)
        if AlertKind.BOARD not in kinds:
            return None

        async def note(board: Board | None) -> None:
            await self._note(lambda: self._outbox.board_shown(delivery.claim, board), lease_end)

        try:
            async with asyncio.timeout(self._within):
                return await self._boards.draw(delivery, self._clock(), note)
        except TimeoutError as error:
            raise DeliveryUncertain from error

    async def remind_silently(self, delivery: Delivery, alerts: Sequence[Alert], end: float) -> list[Alert]:
        """Put reminders of what the credit covers into the messages that show these invoices. Return those.

        Where that fails, they come as messages. A second edit does no harm.
        """
        now, schedule = self._clock(), self._plan.schedule(delivery.chat)
        silent = [alert for alert in alerts if is_silent(alert, delivery, schedule, self._plan.currency, now)]
        told = list[Alert]()
        for message in delivery.sent:
            here = [alert for alert in silent if message_to_extend(alert, delivery) is message]
            if not here:
                continue
            with suppress(TimeoutError, MessengerError):
                async with asyncio.timeout_at(end):
                    told += here if await self._messenger.remind_silently(message, delivery, here, now) else []
        return told

    async def _fold(self, delivery: Delivery, lease_end: datetime) -> None:
        """Delete what a newer message tells in the place of an older one, or leave a line of it.

        What Telegram refuses stays as it is. A second edit does no harm, so nothing here is uncertain.
        """
        end = asyncio.get_running_loop().time() + self._within
        for message, numbers in superseded(delivery.sent):
            try:
                async with asyncio.timeout_at(end):
                    await self._fold_in(message, numbers, delivery)
            except (TimeoutError, DeliveryUncertain) as error:
                raise NotSent from error
            except ChatClosed as error:
                raise SendRefused(error.reason) from error  # it waits by itself, and holds up nothing that is new
            except SendRefused as error:
                log.debug("earlier alert can't be folded", chat=delivery.chat.id, error=str(error))
            if message.message_id is not None:
                noted = partial(self._outbox.message_folded, delivery.claim, message.message_id, numbers)
                await self._note(noted, lease_end)

    async def _fold_in(self, message: SentMessage, numbers: frozenset[int], delivery: Delivery) -> None:
        if may_be_deleted(message, numbers, self._clock()) and await self._messenger.delete(message):
            return
        await self._messenger.resolve(message.folding(numbers), delivery)
