"""The library's HTTP client with our transport, and our own judgement of some answers."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from telegram import Update
from telegram.error import NetworkError, RetryAfter
from telegram.request import HTTPXRequest

log = structlog.get_logger()


class BotApiMissing(NetworkError):
    """404: there is no Bot API at this address, the token is malformed, or a proxy in between is restarting."""


class TelegramRequest(HTTPXRequest):
    """Requests over ``transport`` on up to ``connections`` connections; ``read_timeout`` is in seconds.

    The library takes a 404 for a refused token, but only a 401 is that. For a 5xx with a proxy's page, it would log a
    traceback; here the error is one line.
    """

    def __init__(self, transport: object, connections: int, read_timeout: float) -> None:
        super().__init__(
            connection_pool_size=connections,
            read_timeout=read_timeout,
            write_timeout=20,
            connect_timeout=10,
            pool_timeout=10,
            media_write_timeout=120,
            httpx_kwargs={"transport": transport},
        )

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Return status and body. Raise :class:`TelegramError`."""
        try:
            status, body = await super().do_request(*args, **kwargs)
        except NetworkError as error:
            log.debug("Telegram call failed", reason=type(error.__cause__ or error).__name__)
            raise
        if status >= HTTPStatus.BAD_REQUEST:
            log.debug("Telegram call failed", reason=str(status))
        if status == HTTPStatus.NOT_FOUND:
            raise BotApiMissing("HTTP status 404")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NetworkError(f"HTTP status {status}")
        return status, body


class UpdatesRequest(TelegramRequest):
    """For getUpdates: one unreadable update does not block the others.

    The library would raise for the whole batch, and the batch would come again for ever. Here an empty update replaces
    the unreadable one: no handler wants it, and its id confirms it.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return the decoded answer. Raise :class:`TelegramError` if it is no JSON."""
        answer = TelegramRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = [readable_or_empty(update) for update in answer["result"]]
        return answer


def pause_of(error: RetryAfter) -> float:
    """Return the seconds that Telegram asks to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def readable_or_empty(update: dict[str, Any]) -> dict[str, Any]:
    """Return the update, or an empty one with its id if it can't be read. Only its id may be logged."""
    with suppress(Exception):
        Update.de_json(update)
        return update
    log.error("update can't be read", update_id=update["update_id"])
    return {"update_id": update["update_id"]}
