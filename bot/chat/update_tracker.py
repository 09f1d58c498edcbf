"""The updates in progress: each is handled once, and is confirmed to Telegram only once it was handled."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog
from telegram import Update

log = structlog.get_logger()

ALLOWED_UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
"""Passed in every request for updates: Telegram remembers the last choice."""

POLL_LIMIT = 100
"""The most updates that Telegram returns to a poll, starting with the first that is not confirmed."""
SLOW_AFTER = 20.0
"""Seconds after which an update in progress no longer blocks a full poll. A background job never blocks one."""
MAX_IN_PROGRESS = 1000
"""Updates in progress, over all chats."""
MAX_UPDATES_PER_CHAT = 50
"""Updates of one chat in progress. Further ones are passed over: they come faster than they can be answered."""
MAX_REMEMBERED = 10 * MAX_IN_PROGRESS
"""How many handled updates are remembered, to know them when they come again."""


@dataclass(slots=True)
class InProgress:
    """An update that is being handled.

    ``since`` is on the tracker's clock. ``ended`` becomes True when the update was handled, False when it was cut off.
    ``job`` is a background job, such as a download, with which the update ends. ``only_job_left`` is set once the
    handler has ended: the update then blocks nothing but itself.
    """

    chat_id: int | None
    since: float
    ended: asyncio.Future[bool]
    job: asyncio.Future[None] | None = None
    only_job_left: bool = False
    given_back: bool = False


class UpdateTracker:
    """Takes updates from their source (poll or webhook) and puts them into python-telegram-bot's ``queue``.

    ``time`` returns seconds on a monotonic clock.
    """

    def __init__(self, queue: asyncio.Queue[object], time: Callable[[], float] = monotonic) -> None:
        self.queue = queue
        self._time = time
        self._in_progress: dict[int, InProgress] = {}
        self._per_chat: Counter[int | None] = Counter()
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._confirmed_early: set[int] = set()
        self._next: int | None = None
        self._idle = asyncio.Event()
        self._closed = False

    @property
    def offset(self) -> int | None:
        """The id of the first update that may not be confirmed yet; None before any update came."""
        return min(self._unconfirmed, default=self._next)

    @property
    def is_busy(self) -> bool:
        """Whether an update in progress keeps something from being confirmed."""
        return bool(self._unconfirmed)

    @property
    def is_full(self) -> bool:
        """Whether no more updates should be taken now: too many are in progress, or the process is about to end."""
        return self._closed or len(self._in_progress) >= MAX_IN_PROGRESS

    def take_batch(self, updates: Sequence[Update]) -> None:
        """Take the result of a poll. If it is full and holds nothing new, updates in progress block all others."""
        is_news = any(
            not (update.update_id in self._handled or update.update_id in self._in_progress) for update in updates
        )
        for update in updates:
            self.take(update)
            self._next = update.update_id + 1
        if len(updates) >= POLL_LIMIT and not is_news and not self.is_full:
            self._confirm_slow()

    def take(self, update: Update) -> asyncio.Future[bool]:
        """Queue an update, unless it is in progress or was handled. Return its end as :attr:`InProgress.ended`."""
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
            self.queue.put_nowait(update)
        return ended

    def end(self, update: object, *, handled: bool) -> None:
        """Note that an update was handled, or (not ``handled``) was cut off or given back: then it comes again."""
        if not isinstance(update, Update) or (entry := self._in_progress.pop(update.update_id, None)) is None:
            return
        handled = handled and not entry.given_back
        log.debug("update ended", update_id=update.update_id, end="handled" if handled else "cut off")
        self._per_chat -= Counter([entry.chat_id])
        if handled:
            self._confirmed_early.discard(update.update_id)
            self._remember(update.update_id)
        elif self._next is not None:
            self._next = min(self._next, update.update_id)
        if not entry.ended.done():
            entry.ended.set_result(handled)
        if not self._unconfirmed:
            self._idle.set()

    def give_back(self, update: Update) -> None:
        """Let an update end as not handled, so that it comes again: its handler could not do its work."""
        if entry := self._find(update):
            entry.given_back = True

    def wait_for(self, update: Update, job: asyncio.Future[None]) -> None:
        """Let an update end with a background job that its handler has started."""
        if entry := self._find(update):
            entry.job = job

    def job_left(self, update: object) -> asyncio.Future[None] | None:
        """Return the job that an update still waits for, if any. Its handler has ended, so only that job is left."""
        entry = self._find(update)
        if entry is None or entry.job is None:
            return None
        entry.only_job_left = True
        return entry.job

    def confirm_early(self, update: Update) -> bool:
        """Confirm an update before its background job has ended. Return False if more than the job is left."""
        entry = self._find(update)
        if entry is None or not entry.only_job_left:
            return False
        self._confirmed_early.add(update.update_id)
        return True

    def was_confirmed_early(self, update: Update) -> bool:
        """Return whether an update was confirmed before it was handled, and so does not come again."""
        return update.update_id in self._confirmed_early

    async def wait_until_idle(self, within: float) -> None:
        """Wait until no update blocks others, at most ``within`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()

    def close(self) -> None:
        """Take no more updates: the process is about to end."""
        self._closed = True

    def cut_off(self) -> None:
        """Report all updates in progress as not handled: the process ends now."""
        for entry in self._in_progress.values():
            if not entry.ended.done():
                entry.ended.set_result(False)

    @property
    def _unconfirmed(self) -> set[int]:
        return self._in_progress.keys() - self._confirmed_early

    def _find(self, update: object) -> InProgress | None:
        return self._in_progress.get(update.update_id) if isinstance(update, Update) else None

    def _is_too_much(self, update: Update, chat_id: int | None) -> bool:
        """Return whether to pass it over. Never do so if the bot was blocked or let in: Telegram says that once."""
        return chat_id is not None and self._per_chat[chat_id] >= MAX_UPDATES_PER_CHAT and update.my_chat_member is None

    def _confirm_slow(self) -> None:
        long_ago, entries = self._time() - SLOW_AFTER, self._in_progress
        slow = {n for n in self._unconfirmed if entries[n].only_job_left or entries[n].since <= long_ago}
        if slow:
            log.warning("slow updates confirmed", count=len(slow), meaning="Others wait behind them.")
            self._confirmed_early |= slow

    def _remember(self, number: int) -> None:
        self._handled[number] = None
        if len(self._handled) > MAX_REMEMBERED:
            self._handled.popitem(last=False)
