"""The updates in progress: each is handled once, and is confirmed to Telegram only once it was handled."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TypeVar

import structlog
from telegram import Update

from bot.chat.incoming import Incoming
from bot.turns import Turn

log = structlog.get_logger()

T = TypeVar("T")

ALLOWED_UPDATES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
"""Passed in every request for updates: Telegram remembers the last choice."""

POLL_LIMIT = 100
"""The most updates that Telegram returns to a poll, starting with the first that is not confirmed."""
MAX_UPDATES_PER_CHAT = 50
"""Updates of one chat in progress. Further ones are passed over: they come faster than they can be answered."""
MAX_UPDATES_PER_MEMBER = 20
"""Of these, updates of one member of a group."""
FLOOD_FROM = 10
"""With more updates in progress than this, a chat holds up others, and a person is served after them."""
FEW = 20
"""So few updates that still hold up a full poll are slow: of many, some are always new."""
SLOW_AFTER = 20.0
FEW_ARE_SLOW_AFTER = 1.0
"""Seconds after which an update in progress no longer holds up a full poll."""
MAX_WITH_STRANGERS = 4000
"""Updates in progress, over all chats, up to which those of chats without a link are taken, too."""
MAX_IN_PROGRESS = 5000
"""Updates in progress, over all chats."""
MAX_REMEMBERED = 10_000
"""How many handled updates are remembered, to know them when they come again."""
PASSED_OVER = "More come than can be answered. The others of this flood are not logged."
FLOOD_ENDS_AFTER = 60.0
"""Seconds without a further sign of it. What comes later is another flood, and is logged again."""


@dataclass(slots=True)
class InProgress:
    """An update that is being handled.

    ``stranger``: its chat has no link. ``said_once``: Telegram says it only once, and no person says it again.
    ``since`` is on the tracker's clock. ``ended`` becomes True when the update was handled, False when it was cut off.
    ``job`` is a background job, such as a download, with which the update ends. ``only_job_left`` is set once the
    handler has ended: the update then blocks nothing but itself.
    """

    chat_id: int | None
    person_id: int | None
    stranger: bool
    said_once: bool
    since: float
    ended: asyncio.Future[bool]
    job: asyncio.Future[None] | None = None
    only_job_left: bool = False
    given_back: bool = False


class UpdateTracker:
    """Takes updates from their source (poll or webhook) and puts them into python-telegram-bot's ``queue``.

    ``time`` returns seconds on a monotonic clock. Updates are known by their ids.
    """

    def __init__(self, queue: asyncio.Queue[object], time: Callable[[], float] = monotonic) -> None:
        self.queue = queue
        self._time = time
        self._in_progress: dict[int, InProgress] = {}
        self._unconfirmed: set[int] = set()
        """The updates that the offset must not pass: those in progress, and those that were cut off and come again."""
        self._per_chat: Counter[int | None] = Counter()
        self._per_person: Counter[tuple[int | None, int | None]] = Counter()
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._confirmed_early: set[int] = set()
        self._floods: dict[Hashable, float] = {}
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

    def is_new(self, update: Incoming) -> bool:
        """Return whether an update is neither in progress nor handled."""
        return update.id not in self._in_progress and update.id not in self._handled

    def take_batch(self, updates: Sequence[Incoming], strangers: Collection[int] = ()) -> bool:
        """Take the result of a poll. ``strangers`` are chats without a link.

        If it is full, more may wait behind it. Then confirm what must not hold that up. Return whether so much is
        confirmed now that another poll should follow at once.
        """
        if updates:  # what was cut off is among them, or nowhere
            self._unconfirmed &= self._in_progress.keys()
        for update in updates:
            self.take(update, stranger=update.chat_id in strangers)
            self._next = update.id + 1
        if len(updates) < POLL_LIMIT:
            return False
        if not self.is_full:
            self._make_way()
        offset = self.offset or 0
        return sum(update.id >= offset for update in updates) <= POLL_LIMIT // 2

    def take(self, update: Incoming, *, stranger: bool = False) -> asyncio.Future[bool]:
        """Queue an update, unless it is in progress or was handled. Return its end as :attr:`InProgress.ended`."""
        if update.id in self._in_progress:
            return self._in_progress[update.id].ended
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if update.id in self._handled:
            ended.set_result(True)
        elif self._is_too_much(update, stranger=stranger):
            log.debug("update ended", update_id=update.id, end="passed over")
            self._remember(update.id)
            ended.set_result(True)
        else:
            chat_id, person_id = update.chat_id, update.person_id
            self._in_progress[update.id] = InProgress(
                chat_id, person_id, stranger, update.is_said_once, self._time(), ended
            )
            self._unconfirmed.add(update.id)
            self._per_chat[chat_id] += 1
            self._per_person[chat_id, person_id] += 1
            self._idle.clear()
            self.queue.put_nowait(update)
        return ended

    def turn_of(self, number: int) -> Turn:
        """Return whose turn an update waits for."""
        entry = self._in_progress.get(number)
        if entry is None or entry.said_once:
            return Turn.CUSTOMER
        is_flood = self._per_person[entry.chat_id, entry.person_id] > FLOOD_FROM
        return Turn.OTHER if entry.stranger or is_flood else Turn.CUSTOMER

    def end(self, number: int, *, handled: bool) -> None:
        """Note that an update was handled, or (not ``handled``) was cut off or given back: then it comes again."""
        entry = self._in_progress.pop(number, None)
        if entry is None:
            return
        handled = handled and not entry.given_back
        log.debug("update ended", update_id=number, end="handled" if handled else "cut off")
        _count_down(self._per_chat, entry.chat_id)
        _count_down(self._per_person, (entry.chat_id, entry.person_id))
        if handled:
            self._confirmed_early.discard(number)
            self._remember(number)
        if handled or self._next is None:
            self._unconfirmed.discard(number)
        if not entry.ended.done():
            entry.ended.set_result(handled)
        if not self._unconfirmed:
            self._idle.set()

    def give_back(self, number: int) -> None:
        """Let an update end as not handled, so that it comes again: its handler could not do its work."""
        if entry := self._in_progress.get(number):
            entry.given_back = True

    def wait_for(self, number: int, job: asyncio.Future[None]) -> None:
        """Let an update end with a background job that its handler has started."""
        if entry := self._in_progress.get(number):
            entry.job = job

    def job_left(self, number: int) -> asyncio.Future[None] | None:
        """Return the job that an update still waits for, if any. Its handler has ended, so only that job is left."""
        entry = self._in_progress.get(number)
        if entry is None or entry.job is None:
            return None
        entry.only_job_left = True
        return entry.job

    def confirm_early(self, number: int) -> bool:
        """Confirm an update before its background job has ended. Return False if more than the job is left."""
        entry = self._in_progress.get(number)
        return entry is not None and entry.only_job_left and self._confirm_early({number})

    def confirm_in_crowd(self, number: int, crowd: int) -> bool:
        """Confirm an update early if more than ``crowd`` are not confirmed yet and others go first. Return whether."""
        entry = self._in_progress.get(number)
        is_crowd = len(self._unconfirmed) > crowd
        return entry is not None and is_crowd and self._is_crowd(entry) and self._confirm_early({number})

    def was_confirmed_early(self, number: int) -> bool:
        """Return whether an update was confirmed before it was handled, and so does not come again."""
        return number in self._confirmed_early

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

    def _is_crowd(self, entry: InProgress) -> bool:
        """Return whether an update is one of too many, so that it must not hold up others."""
        return not entry.said_once and (entry.stranger or self._per_chat[entry.chat_id] > FLOOD_FROM)

    def _is_too_much(self, update: Incoming, *, stranger: bool) -> bool:
        """Return whether to pass an update over. The first one in a flood is logged."""
        chat_id = update.chat_id
        if chat_id is None or update.is_said_once:
            return False
        of_member = self._per_person[chat_id, update.person_id] if chat_id < 0 else 0
        if self._per_chat[chat_id] >= MAX_UPDATES_PER_CHAT or of_member >= MAX_UPDATES_PER_MEMBER:
            if self._begins(chat_id):
                log.warning("update passed over", chat=chat_id, meaning=PASSED_OVER)
            return True
        if stranger and len(self._in_progress) >= MAX_WITH_STRANGERS:
            if self._begins("strangers"):
                log.warning("update passed over", chat="all without a link", meaning=PASSED_OVER)
            return True
        return False

    def _begins(self, flood: Hashable) -> bool:
        """Note a sign of a flood, and return whether it is the first one."""
        now = self._time()
        begins = self._floods.get(flood, -inf) <= now - FLOOD_ENDS_AFTER
        if begins:  # now and then, forget the others that have ended
            self._floods = {other: at for other, at in self._floods.items() if at > now - FLOOD_ENDS_AFTER}
        self._floods[flood] = now
        return begins

    def _make_way(self) -> None:
        """Confirm early what others would wait for: who can wait, jobs, and what is slow."""
        held = {number: self._in_progress[number] for number in self._unconfirmed & self._in_progress.keys()}
        early = {number for number, entry in held.items() if entry.only_job_left or self._is_crowd(entry)}
        patience = FEW_ARE_SLOW_AFTER if len(held) - len(early) <= FEW else SLOW_AFTER
        slow = {n for n, entry in held.items() if n not in early and entry.since <= self._time() - patience}
        if slow and self._begins("slow"):
            log.warning("slow updates confirmed", count=len(slow), meaning="Others wait behind them.")
        self._confirm_early(early | slow)

    def _confirm_early(self, numbers: set[int]) -> bool:
        self._confirmed_early |= numbers
        self._unconfirmed -= numbers
        if not self._unconfirmed:
            self._idle.set()
        return True

    def _remember(self, number: int) -> None:
        self._handled[number] = None
        if len(self._handled) > MAX_REMEMBERED:
            self._handled.popitem(last=False)


def _count_down(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
