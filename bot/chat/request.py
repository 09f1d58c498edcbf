"""The library's HTTP client with our transport, and its few judgements of an answer that we don't share."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from telegram import Update
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

log = structlog.get_logger()


class BotApiMissing(NetworkError):
    """404: no Bot API at this address, or the token is malformed; or a proxy in between is being restarted."""


class TelegramRequest(HTTPXRequest):
    """Requests over a transport for so many ``connections``; ``read_timeout`` in seconds.

    A 404 is no refusal of the token, as which the library takes it: only a 401 is. A 5xx stays one line, where the
    library would log a proxy's page with a traceback.
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
        """Status and body. Raises :class:`TelegramError`."""
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
    """For getUpdates: one update that can't be read doesn't take the others with it.

    The library would raise for the whole batch, which then came again for ever. Here an empty update takes the bad
    one's place: no handler wants it, and its id confirms it.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The decoded answer. Raises :class:`TelegramError` where it is no JSON."""
        answer = TelegramRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = [readable_or_empty(update) for update in answer["result"]]
        return answer


def readable_or_empty(update: dict[str, Any]) -> dict[str, Any]:
    """The update itself, or an empty one of the same id. Nothing of a bad one but its id belongs into the log."""
    with suppress(Exception):
        Update.de_json(update)
        return update
    log.error("update can't be read", update_id=update["update_id"])
    return {"update_id": update["update_id"]}
