"""The Bot API's errors.

The texts are those of the official server, word for word, because programs compare them. Each was compared with its
source (github.com/tdlib/telegram-bot-api of May 2026, Bot API 10.0, and tdlib/td of July 2026). Those in CAPITALS come
from Telegram itself and pass through that server as they are. Two are not in the source: a token of another form is
``Not Found`` at api.telegram.org, and what a bot's too long description is called, nobody has published.
"""

from __future__ import annotations

from collections.abc import Mapping

_PREFIXES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


class ApiError(Exception):
    """A refusal: the HTTP status, the whole description including its prefix, and any ``ResponseParameters``."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        self.code = code
        self.description = description
        self.parameters = parameters
        super().__init__(code, description)

    def as_json(self) -> dict[str, object]:
        body: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        return body | {"parameters": dict(self.parameters)} if self.parameters else body


def refusal(code: int, text: str) -> ApiError:
    """Return an error. Its description is the code's usual prefix and ``text``."""
    return ApiError(code, f"{_PREFIXES[code]}: {text}")


def bad_request(text: str) -> ApiError:
    return refusal(400, text)


def forbidden(text: str) -> ApiError:
    return refusal(403, text)


def flood_limit(retry_after: int) -> ApiError:
    """Return error 429: nothing was done, and the next call may come in ``retry_after`` seconds."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def upgraded(new_chat_id: int) -> ApiError:
    return ApiError(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        {"migrate_to_chat_id": new_chat_id},
    )


UNAUTHORIZED = (401, "Unauthorized")
NOT_FOUND = (404, "Not Found")
NO_SUCH_METHOD = (404, "Not Found: method not found")
POLLED_BY_ANOTHER = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_IS_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
NO_RIGHT_TO_WRITE = "not enough rights to send text messages to the chat"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
