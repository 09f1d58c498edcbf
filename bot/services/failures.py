"""What follows from a failure that the bot survives: a line in the log, and a chat that rests or moves."""

from __future__ import annotations

import structlog

from bot.errors import BotError, ChatGone, ChatMigrated, MessengerError
from bot.ports import ChatStore

log = structlog.get_logger()


def log_failure(event: str, error: Exception, **fields: object) -> None:
    """Log a warning: in one line for an error of the kinds we know, with its traceback for any other."""
    unknown = None if isinstance(error, BotError) else error
    log.warning(event, error=str(error), exc_info=unknown, **fields)


async def note_unreachable(chats: ChatStore, chat_id: int, error: MessengerError) -> None:
    """Let a chat rest if it is gone, or give it its new id if it has migrated. Any other error changes nothing."""
    match error:
        case ChatGone():
            await chats.rest(chat_id, error.reason)
            log.info("chat rests", chat=chat_id, reason=error.reason)
        case ChatMigrated():
            await chats.move_chat(chat_id, error.new_chat_id)
            log.info("chat moved", chat=chat_id, to=error.new_chat_id)
