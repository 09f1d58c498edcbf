"""The updates in hand: each is handled once, and only one that was handled is confirmed to Telegram."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from telegram import Update

log = structlog.get_logger()

POLL_LIMIT = 100
"""Updates that Telegram hands out at most, beginning with the first that is not confirmed."""
SLOW_AFTER = 20.0
"""Seconds after which an update that is still in hand no longer holds up those behind a full window; an errand does so
at no time."""
MAX_IN_PROGRESS = 1000
"""Updates in hand at most, over all chats."""
MAX_UPDATES_PER_CHAT = 50
"""Updates of one chat in hand at most; what comes faster than it can be answered is passed over."""
MAX_REMEMBERED = 10 * MAX_IN_PROGRESS
"""Updates that were handled and would be known again."""


@dataclass(slots=True)
class InProgress:
    """An update that is being handled, since when by the loop's clock; ``ended`` tells whether it was to its end.

    One that is set ``aside`` holds up nothing but itself: an errand, such as a download, is all that is left of it.
    """

    chat_id: int | None
    since: float
    ended: asyncio.Future[bool]
    aside: bool = False


class UpdateTracker:
    """Between what brings updates (a poll, a webhook) and python-telegram-bot's ``queue`` of what is to be handled."""

    def __init__(self, queue: asyncio.Queue[object], time: Callable[[], float] | None = None) -> None:
        self._queue = queue
        self._time = time or asyncio.get_running_loop().time
        self._in_progress: dict[int, InProgress] = {}
        self._per_chat: Counter[int | None] = Counter()
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._confirmed_early: set[int] = set()
        self._next: int | None = None
        self._idle = asyncio.Event()
        self._closed = False

    @property
    def offset(self) -> int | None:
        """The first update that is not to be confirmed yet; None: none was seen."""
        return min(self._holding, default=self._next)

    @property
    def is_busy(self) -> bool:
        """Whether something is not confirmed yet because it is in hand."""
        return bool(self._holding)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken now: there is no room, or the process is about to end."""
        return self._closed or len(self._in_progress) >= MAX_IN_PROGRESS

    def take_batch(self, updates: Sequence[Update]) -> None:
        """Take what a poll brought. A full one without news means that what is in hand holds up all others."""
        is_news = any(
            not (update.update_id in self._handled or update.update_id in self._in_progress) for update in updates
        )
        for update in updates:
            self.take(update)
            self._next = update.update_id + 1
        if len(updates) >= POLL_LIMIT and not is_news and not self.is_full:
            self._let_go_of_the_slow()

    def take(self, update: Update) -> asyncio.Future[bool]:
        """Have an update handled, unless it is in hand or was handled. Gives its end; False: it was cut off."""
        number = update.update_id
        if number in self._in_progress:
            return self._in_progress[number].ended
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        chat_id = update.effective_chat.id if update.effective_chat else None
        if number in self._handled:
            ended.set_result(True)
        elif self._is_too_much(update, chat_id):
            log.warning("update passed over", update_id=number, chat=chat_id, meaning="Its chat sends too many.")
            log.debug("update ended", update_id=number, end="passed over")
            self._remember(number)
            ended.set_result(True)
        else:
            self._in_progress[number] = InProgress(chat_id, self._time(), ended)
            self._per_chat[chat_id] += 1
            self._idle.clear()
            self._queue.put_nowait(update)
        return ended

    def end(self, update: object, *, handled: bool) -> None:
        """Note that the handlers of an update have ended, or (not ``handled``) were cut off: then it comes again."""
        if not isinstance(update, Update) or (in_progress := self._in_progress.pop(update.update_id, None)) is None:
            return
        log.debug("update ended", update_id=update.update_id, end="handled" if handled else "cut off")
        self._per_chat -= Counter([in_progress.chat_id])
        if handled:
            self._confirmed_early.discard(update.update_id)
            self._remember(update.update_id)
        elif self._next is not None:
            self._next = min(self._next, update.update_id)
        if not in_progress.ended.done():
            in_progress.ended.set_result(handled)
        if not self._holding:
            self._idle.set()

    def set_aside(self, update: Update) -> None:
        """Note that of an update only an errand is left."""
        if in_progress := self._in_progress.get(update.update_id):
            in_progress.aside = True

    def confirm_early(self, update: Update) -> bool:
        """Let an update be confirmed if only an errand is left of it; False: it has to wait."""
        in_progress = self._in_progress.get(update.update_id)
        if in_progress is None or not in_progress.aside:
            return False
        self._confirmed_early.add(update.update_id)
        return True

    def was_confirmed_early(self, update: Update) -> bool:
        """Whether an update was confirmed before it was handled to its end."""
        return update.update_id in self._confirmed_early

    async def wait_until_idle(self, within: float) -> None:
        """Wait until nothing is in hand that holds others up, at most ``within`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()

    def close(self) -> None:
        """The process is about to end."""
        self._closed = True

    def cut_off(self) -> None:
        """Nothing more is handled: whoever waits for an end hears so."""
        for in_progress in self._in_progress.values():
            if not in_progress.ended.done():
                in_progress.ended.set_result(False)

    def _is_too_much(self, update: Update, chat_id: int | None) -> bool:
        """That the bot was blocked, or let back in, is never too much: nobody would say it again."""
        return chat_id is not None and self._per_chat[chat_id] >= MAX_UPDATES_PER_CHAT and update.my_chat_member is None

    @property
    def _holding(self) -> set[int]:
        return self._in_progress.keys() - self._confirmed_early

    def _let_go_of_the_slow(self) -> None:
        long_ago = self._time() - SLOW_AFTER
        slow = {n for n in self._holding if self._in_progress[n].aside or self._in_progress[n].since <= long_ago}
        if slow:
            log.warning("slow updates confirmed", count=len(slow), meaning="Others wait behind them.")
            self._confirmed_early |= slow

    def _remember(self, number: int) -> None:
        self._handled[number] = None
        if len(self._handled) > MAX_REMEMBERED:
            self._handled.popitem(last=False)
