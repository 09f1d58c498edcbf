"""The library's requests on our transport, and our own judgement of answers.

An answer is Telegram's only if it is JSON with ``ok``. Anything else is a page of something in between (a firewall, a
captive portal, a proxy), whatever its status says. It is an outage: nobody knows what became of the call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol, cast

import msgspec
import structlog
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.chat.incoming import CLOSED

log = structlog.get_logger()

UNKNOWN_PAUSE = 10
"""Seconds to wait after a 429 that names no wait."""
LONGEST_FOREIGN_PAUSE = 60
"""Seconds that a 429 of something in between may ask for."""

SUCCESS = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
"""Statuses that the library reads rightly. Of any other refusal it would not say that nothing was carried out."""

PAUSE_IN_WORDS = re.compile(r"retry after (\d{1,9})", re.IGNORECASE)
WHOLE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)

CONNECT_TIMEOUT, POOL_TIMEOUT, WRITE_TIMEOUT = 10.0, 10.0, 20.0
UPLOAD_TIMEOUT = 120.0
"""Seconds in which Telegram must take a piece of a file."""

NEEDED_OF_SENT = ("message_id", "date", "chat", "document")
"""The fields of a message of the bot's own. It knows what it has sent, but not the id of the file in it."""


class NotTelegram(NetworkError):
    """A page that is not Telegram's, or a 5xx. The call may have been carried out all the same."""


class BotApiMissing(NetworkError):
    """404: there is no Bot API at this address, the token is malformed, or a server in between is restarting."""


class RequestTooLarge(NetworkError):
    """413: the request was too large to be read, as the server in front of the Bot API says, mostly in HTML."""


class Answer(msgspec.Struct):
    """What all answers of the Bot API look like. Other parts of it are the library's to read."""

    ok: bool
    result: Any = msgspec.UNSET
    error_code: int | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Body(bytes):
    """Stands for the body of an answer that was read: the library takes nothing but bytes, and would read it again."""

    answer: Answer

    @classmethod
    def of(cls, answer: Answer) -> Body:
        """Return an empty body with its answer."""
        body = cls()
        body.answer = answer
        return body


class PlainParameters:
    """Stands for the parameters of a call without files: the library makes an object of each."""

    contains_files = False

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters


class SendRequest(Protocol):
    """Sends a request. ``timeouts`` are seconds to connect, read and write, and to wait for a connection (pool).

    Return the answer's status, its body, and its field ``Retry-After``. Any exception means that there was none.
    """

    async def __call__(
        self,
        method: str,
        url: str,
        timeouts: Mapping[str, float | None],
        *,
        json: bytes = b"",
        form: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> tuple[int, bytes, str]: ...

    async def close(self) -> None:
        """Close all connections."""


class TelegramRequest(BaseRequest):
    """How the library sends requests; ``read_timeout`` is in seconds.

    The library believes any answer by its status: it takes a foreign 401 or 404 for a refused token. Here it only gets
    to see answers of Telegram's.
    """

    def __init__(self, send: SendRequest, read_timeout: float) -> None:
        self._send = send
        self._read_timeout = read_timeout
        self._is_shut_down = False

    @property
    def read_timeout(self) -> float:
        """What the library adds to the time for which a poll is kept open."""
        return self._read_timeout

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return an answer. Of a message that was sent, keep what is needed: the library would read all of it."""
        answer = cast("Body", payload).answer  # what do_request has returned
        result = answer.result
        if isinstance(result, dict) and "message_id" in result:
            result = {name: result[name] for name in NEEDED_OF_SENT if name in result}
        return {"result": result, "description": answer.description, "parameters": answer.parameters}

    async def call(self, url: str, parameters: Mapping[str, Any]) -> Any:
        """Call a method with parameters that are plain JSON, and return its result. Raise :class:`TelegramError`."""
        return await self.post(url, cast("RequestData", PlainParameters(parameters)))

    async def initialize(self) -> None:
        """Allow requests again after a shutdown. The first one connects."""
        self._is_shut_down = False

    async def shutdown(self) -> None:
        """Close all connections. A late request opens none."""
        self._is_shut_down = True
        await self._send.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return the status that Telegram's answer has, and its body. Raise :class:`TelegramError`."""
        if self._is_shut_down:
            raise RuntimeError("requests are shut down, or not initialized")
        is_upload = request_data is not None and request_data.contains_files
        timeouts = {
            "connect": _chosen(connect_timeout, CONNECT_TIMEOUT),
            "read": _chosen(read_timeout, self._read_timeout),
            "write": _chosen(write_timeout, UPLOAD_TIMEOUT if is_upload else WRITE_TIMEOUT),
            "pool": _chosen(pool_timeout, POOL_TIMEOUT),
        }
        content = _content(request_data) if request_data is not None else {}
        try:
            status, body, retry_after = await self._send(method, url, timeouts, **content)
        except Exception as error:
            name = type(error).__name__  # those of the transport's errors; this module does not know its library
            log.debug("Telegram call failed", reason=name)
            raise (TimedOut() if name.endswith("Timeout") else NetworkError(f"{name}: {error}")) from error
        answer = answer_in(body)
        if status >= HTTPStatus.BAD_REQUEST or answer is None:
            log.debug("Telegram call failed", reason=str(status))
        if answer is not None:
            _check_subject(answer, request_data)
        status = _status(status, answer, retry_after)
        return status, Body.of(cast("Answer", answer))


class UpdatesRequest(TelegramRequest):
    """For getUpdates: leaves the updates closed in a single one, so that each is read by itself, and only if wanted.

    The library would read all of them, those in progress with every poll again. One that can't be read would make it
    raise for the whole batch, and the batch would come again for ever.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return an answer with its updates closed."""
        answer = TelegramRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = [{"update_id": 0, CLOSED: answer["result"]}]
        return answer


def _content(data: RequestData) -> dict[str, Any]:
    """Return the parameters as JSON, which is written faster, or as a form if files are uploaded with them."""
    if data.contains_files:
        return {"form": data.json_parameters, "files": data.multipart_data}
    parameters = data.parameters
    return {"json": json.dumps(parameters).encode()} if parameters else {}


def _chosen(given: float | object, default: float) -> Any:
    """Return the seconds that the library gives for a call, if it does."""
    return default if given is BaseRequest.DEFAULT_NONE else given


def answer_in(body: bytes) -> Answer | None:
    """Return Telegram's answer. None: the body is something else."""
    try:
        # As lenient as the library: an odd sign in somebody's message must not make an answer unreadable.
        answer = msgspec.convert(json.loads(body.decode(errors="replace")), Answer)
    except (ValueError, RecursionError):
        return None
    return None if answer.ok and answer.result is msgspec.UNSET else answer


def _status(status: int, answer: Answer | None, header: str) -> int:
    """Return the status for the library. Raise an error of ours where it would misread the answer."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise RequestTooLarge("Request Entity Too Large")
    if answer is not None and not answer.ok:
        status = answer.error_code or status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RetryAfter(timedelta(seconds=_pause(answer, header)))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NotTelegram(f"HTTP status {status}")
    if answer is None or answer.ok is not (status in SUCCESS):
        raise NotTelegram(f"a page that is not Telegram's, with HTTP status {status}")
    if status == HTTPStatus.NOT_FOUND:
        raise BotApiMissing("HTTP status 404")
    if not answer.ok and status not in REFUSALS:
        raise BadRequest(answer.description or f"HTTP status {status}")
    return status


def _check_subject(answer: Answer, asked: RequestData | None) -> None:
    """Raise :class:`NotTelegram` if the answer is about another chat, message or person: it is another request's."""
    match answer.result:
        case {"chat": {"id": chat}, "message_id": message}:
            told = {"chat_id": chat, "message_id": message}
        case {"user": {"id": user}, "status": str()}:
            told = {"user_id": user}
        case {"id": chat, "type": str()}:
            told = {"chat_id": chat}
        case _:
            return
    given = asked.parameters if asked is not None else {}
    for name, about in told.items():
        if isinstance(about, int) and isinstance(given.get(name), int) and about != given[name]:
            raise NotTelegram(f"an answer about another {name}")


def _pause(answer: Answer | None, header: str) -> int:
    """Return the seconds that a 429 asks to wait: in its parameters, in its words, or in its header."""
    in_header = int(header) if WHOLE_NUMBER.fullmatch(header.strip()) else UNKNOWN_PAUSE
    if answer is None:
        return max(1, min(in_header, LONGEST_FOREIGN_PAUSE))
    named = (answer.parameters or {}).get("retry_after")
    if isinstance(named, int | float) and named > 0:
        return max(1, round(named))
    in_words = PAUSE_IN_WORDS.search(answer.description or "")
    return max(1, int(in_words[1]) if in_words else in_header)


def pause_of(error: RetryAfter) -> float:
    """Return the seconds that Telegram asks to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
