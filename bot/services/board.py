"""Keep a chat's pinned message up to date: make it, edit it, make it anew if it is gone, and take it away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from bot.domain.board import state_of
from bot.domain.live_messages import Board
from bot.domain.schedule import CheckPlan
from bot.errors import ChatClosed, DeliveryUncertain, NotSent, SendRefused
from bot.ports import Delivery, Messenger

NoteBoard = Callable[[Board | None], Awaitable[None]]
"""Store which message it is now."""


class Boards:
    """The alert sender calls it with a claim on the chat's messages: so there is one writer at a time."""

    def __init__(self, messenger: Messenger, plan: CheckPlan) -> None:
        self._messenger = messenger
        self._plan = plan

    async def draw(self, delivery: Delivery, now: datetime, note: NoteBoard) -> datetime | None:
        """Let the message say how things stand. Return until when that has to wait: nothing new comes in quiet hours.

        Raise :class:`bot.errors.MessengerError`.
        """
        chat, schedule = delivery.chat, self._plan.schedule(delivery.chat)
        state, board = state_of(chat, delivery.known.values(), schedule, now), chat.board
        if not state:
            if board is not None:
                await self._messenger.remove_board(board, chat)
                await note(None)
            return None
        if board is not None and board.state == state:
            return None
        board = None if board is None else await self._edited(board, delivery, now)
        if board is None:
            if schedule.is_quiet(now):
                return schedule.quiet_end(now)
            board = await self._messenger.send_board(delivery, now)
            await note(board)  # at once, so that a kill makes no second one
            board = await self._pinned(board, delivery)
            if not board.is_pinned:
                await self._edited(board, delivery, now)
        await note(replace(board, state=state))
        return None

    async def _edited(self, board: Board, delivery: Delivery, now: datetime) -> Board | None:
        """Return None if the message is gone. A refused edit is not tried again before there is more to say."""
        board = await self._pinned(board, delivery)
        try:
            return board if await self._messenger.edit_board(board, delivery, now) else None
        except ChatClosed as error:
            raise SendRefused(error.reason) from error  # it waits by itself, and holds up nothing that is new
        except SendRefused:
            return board
        except DeliveryUncertain as error:
            raise NotSent from error  # a second edit does no harm

    async def _pinned(self, board: Board, delivery: Delivery) -> Board:
        """Pin it, unless it was pinned before: who has unpinned it since wants it so."""
        if board.is_pinned:
            return board
        try:
            return replace(board, is_pinned=await self._messenger.pin_board(board, delivery.chat))
        except DeliveryUncertain as error:
            raise NotSent from error
