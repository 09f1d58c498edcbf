"""How python-telegram-bot runs handlers: chats at the same time, the updates of one chat one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import closing
from typing import Any, cast
from weakref import WeakValueDictionary

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.chat.turns import Turn, taking_turn
from bot.chat.update_tracker import UpdateTracker

UPDATES_AT_ONCE = {Turn.CUSTOMER: 224, Turn.OTHER: 32}
"""How many updates are handled at the same time. Those who can wait do so without the others' places."""
LIBRARY_LIMIT = 100_000
"""How many updates the library starts before it waits. With a low limit, one chat's queue would lock out the others."""


class InOrderPerChat(BaseUpdateProcessor):
    """Handles updates of different chats at the same time, and those of one chat one after the other.

    Those of one person are in order. The members of a group take turns.
    """

    def __init__(self, tracker: UpdateTracker) -> None:
        super().__init__(LIBRARY_LIMIT)
        self.tracker = tracker
        self._slots = {turn: asyncio.Semaphore(count) for turn, count in UPDATES_AT_ONCE.items()}
        self._locks: WeakValueDictionary[tuple[int, int | None], asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Wait for the person's earlier updates, and for the chat's turn. Handle this one, and tell the tracker.

        A background job that the handler leaves behind does not block the chat's next updates.
        """
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        person_line, chat_line = self._lines(update)
        handled = True
        try:
            # Closed, because a coroutine that is cancelled before its turn has never begun.
            with closing(cast("Coroutine[Any, Any, Any]", coroutine)):
                async with person_line, chat_line:
                    turn = self.tracker.turn_of(update)
                    async with self._slots[turn]:
                        with taking_turn(turn):
                            await coroutine
            if job := self.tracker.job_left(update):
                await asyncio.wait({job})
                handled = not job.cancelled()
        except asyncio.CancelledError:
            handled = False
            raise
        finally:
            self.tracker.end(update, handled=handled)

    def _lines(self, update: object) -> tuple[asyncio.Lock, asyncio.Lock]:
        chat = update.effective_chat if isinstance(update, Update) else None
        user = update.effective_user if isinstance(update, Update) else None
        if chat is None:
            return asyncio.Lock(), asyncio.Lock()
        person_line = self._locks.setdefault((chat.id, user.id if user else 0), asyncio.Lock())
        return person_line, self._locks.setdefault((chat.id, None), asyncio.Lock())

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Cancel the updates in progress."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
