"""How python-telegram-bot runs handlers: chats at the same time, the updates of one chat one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, cast
from weakref import WeakValueDictionary

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.chat.incoming import Incoming
from bot.chat.update_tracker import UpdateTracker
from bot.turns import Turn, taking_turn

Handle = Callable[[Update], Awaitable[None]]

UPDATES_AT_ONCE = {Turn.CUSTOMER: 240, Turn.OTHER: 16}
"""How many updates are handled at the same time. Those who can wait do so without the others' places."""
LIBRARY_LIMIT = 100_000
"""How many updates the library starts before it waits. With a low limit, one chat's queue would lock out the others."""


class InOrderPerChat(BaseUpdateProcessor):
    """Handles updates of different chats at the same time, and those of one chat one after the other.

    Those of one person are in order. The members of a group take turns. ``handle`` is how the library handles an update
    that was read.
    """

    def __init__(self, tracker: UpdateTracker) -> None:
        super().__init__(LIBRARY_LIMIT)
        self.tracker = tracker
        self.handle: Handle = _handle_nothing
        self._slots = {turn: asyncio.Semaphore(count) for turn, count in UPDATES_AT_ONCE.items()}
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Read and handle an update in its turn. Report its end to the tracker.

        The library's ``coroutine`` would handle it unread. A background job that the handler leaves behind does not
        block the chat's next updates.
        """
        cast("Coroutine[Any, Any, Any]", coroutine).close()
        if not isinstance(update, Incoming):
            return
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        handled = True
        try:
            async with self._line(update.chat_id, update.person_id or 0), self._line(update.chat_id):
                turn = self.tracker.turn_of(update.id)
                async with self._slots[turn]:
                    with taking_turn(turn):
                        await self.handle(update.read())
            if job := self.tracker.job_left(update.id):
                await asyncio.wait({job})
                handled = not job.cancelled()
        except asyncio.CancelledError:
            handled = False
            raise
        finally:
            self.tracker.end(update.id, handled=handled)

    def _line(self, chat_id: int | None, *person: int) -> asyncio.Lock:
        """Return where a chat, or a person in it, stands in line. What is of no chat waits for nothing."""
        return asyncio.Lock() if chat_id is None else self._locks.setdefault((chat_id, *person), asyncio.Lock())

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Cancel the updates in progress."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _handle_nothing(_: Update) -> None:
    """Before the library is built there is nothing to handle updates."""
