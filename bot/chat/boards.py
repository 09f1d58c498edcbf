"""Take a chat's pinned message away: once it is switched off, and once the chat is unlinked."""

from __future__ import annotations

from contextlib import suppress

from telegram import Bot

from bot.chat import sending
from bot.chat.screens import Screen
from bot.chat.texts import Texts
from bot.domain.chats import Chat, Place
from bot.domain.live_messages import Board
from bot.errors import MessengerError, SendRefused


async def remove(bot: Bot, board: Board, chat_id: int, t: Texts) -> None:
    """Unpin and delete it. One that is too old for that says that it is not kept up to date. Raise a messenger's error.

    A refusal leaves it as it is.
    """
    await sending.unpin(bot, chat_id, board.message_id)
    try:
        if not await sending.delete_own(bot, Place(chat_id, board.topic_id), board.message_id):
            await sending.edit(bot, Place(chat_id, board.topic_id), board.message_id, Screen(t("board.over")))
    except SendRefused:
        return


async def take_away(bot: Bot, chat: Chat, t: Texts) -> None:
    """Remove the pinned message of an account that is gone, as far as that is possible."""
    if chat.board is not None:
        with suppress(MessengerError):
            await remove(bot, chat.board, chat.id, t)
