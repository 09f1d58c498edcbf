"""How a failure that is survived gets into the log."""

from __future__ import annotations

import structlog

from bot.errors import BotError

log = structlog.get_logger()


def log_failure(event: str, error: Exception, **fields: object) -> None:
    """Log a warning: in one line for an error of the kinds we know, with its traceback for any other."""
    unknown = None if isinstance(error, BotError) else error
    log.warning(event, error=str(error), exc_info=unknown, **fields)
