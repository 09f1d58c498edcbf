"""aiohttp's connections, used again only if nothing arrived on them that nobody asked for.

aiohttp sends the next request on any idle connection that is still open. Whatever came in meanwhile (an answer that was
sent twice, a 408 for idleness, the rest of something) would count as the answer to that request, and each later answer
as the answer to the request after its own: one customer would see another's data.

So here a connection ends as soon as anything arrives on it before a request or behind its answer. Shortly after an
answer something may still be on its way. So a connection rests before it serves another customer. If none has rested,
another one is opened.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections import deque
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, cast

import structlog
from aiohttp import ClientPayloadError, ClientRequest, ClientTimeout, ServerDisconnectedError, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.hdrs import AUTHORIZATION
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

KEEP_ALIVE_SECONDS = 30.0
"""How long an idle connection is kept."""

REST_SECONDS = 0.5
"""How long a connection stays with its customer after an answer."""

RESTING = 4
"""How many connections may rest for each that may be in use. Opening one takes longer than a request."""

END_OF_HEAD = b"\r\n\r\n"
LINE_ENDS = (b"\n", b"\r")

log = structlog.get_logger()


class Connector(TCPConnector):
    """Keeps connections open, a few for each of up to ``max_connections`` requests at once.

    More requests than that at once are the caller's matter.

    Customers are told apart by their ``Authorization``. If requests have none, ``always_rest`` takes each of them for
    another customer's.
    """

    def __init__(self, max_connections: int, verify: ssl.SSLContext, *, always_rest: bool) -> None:
        super().__init__(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=verify)
        self._factory = cast("partial[ResponseHandler]", partial(_Connection, loop=self._loop))
        self._kept = max_connections * (1 + RESTING)
        self._always_rest = always_rest
        self._next_customer: object = None

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """Return a connection for this request, and note whose it is."""
        customer = object() if self._always_rest else req.headers.get(AUTHORIZATION)
        self._next_customer = customer  # the inherited method asks for an idle connection before it waits for anything
        connection = await super().connect(req, traces, timeout)
        cast("_Connection", connection.protocol).customer = customer
        return connection

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return an idle connection, or None to open another one, perhaps in the place of an idle one."""
        idle = cast("deque[tuple[_Connection, float]]", self._conns.get(key, deque()))
        while idle and not _can_be_used(*idle[0]):
            connection, _ = idle.popleft()
            connection.close()
        if idle and _seconds_since(idle[0][1]) < REST_SECONDS:
            own = next((one for one in idle if one[0].customer == self._next_customer and _can_be_used(*one)), None)
            if own is None:
                if self._count() >= self._kept:
                    idle.popleft()[0].close()
                return None
            idle.remove(own)
            idle.appendleft(own)
        return await super()._get(key, traces)

    def _count(self) -> int:
        return len(self._acquired) + sum(map(len, self._conns.values()))


def _can_be_used(connection: _Connection, idle_since: float) -> bool:
    return connection.is_quiet() and _seconds_since(idle_since) <= KEEP_ALIVE_SECONDS


def _seconds_since(moment: float) -> float:
    return monotonic() - moment


class _Connection(ResponseHandler):
    """A connection that ends when anything arrives that nobody asked for."""

    customer: object = None
    """Whose the latest request is."""

    _used = False
    """Whether it carried a request before the latest one."""

    _body: StreamReader | None = None
    """The body of the answer to the latest request. None until the answer's head is here."""

    _has_second_answer = False

    def set_response_params(self, **parameters: Any) -> None:
        """Expect the answer to a request."""
        self._used, self._body = self._body is not None, None
        super().set_response_params(**parameters)

    def is_quiet(self) -> bool:
        """Return whether this idle connection is open and nothing has arrived on it."""
        return self.is_connected() and not self.should_close and not self._has_unread()

    def data_received(self, data: bytes) -> None:
        """Pass on what arrived, up to the end of the answer. Without data, aiohttp goes on with what it has kept."""
        was_idle = self._is_answered()
        if not data:
            super().data_received(data)
        while data and not self._is_answered() and self.exception() is None:
            piece, data = _head_apart(data) if self._body is None else _line_end_apart(data)
            super().data_received(piece)
        if self._is_answered() and (data or self._has_more()):
            self._end(doubtful=self._used and not was_idle)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of an answer. Any number of interim ones (1xx) may come before it."""
        message, body = data
        if self._body is not None:
            self._has_second_answer = True
            return
        if message.code >= HTTPStatus.OK or message.code == HTTPStatus.SWITCHING_PROTOCOLS:
            self._body = body
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """End the request. If what arrived breaks HTTP, tell the body's reader too: aiohttp would let it wait."""
        if isinstance(exc, HttpProcessingError):
            exc.__cause__ = exc_cause
            if self._body is not None and not self._body.is_eof():
                broken = ClientPayloadError("the body breaks HTTP")
                broken.__cause__ = exc
                self._body.set_exception(broken)
            elif (
                self._body is None and self._used
            ):  # perhaps the rest of something that nobody asked for; aiohttp repeats a read elsewhere
                exc = ServerDisconnectedError("the answer breaks HTTP")
        super().set_exception(exc, exc_cause or exc)

    def _is_answered(self) -> bool:
        return self._body is not None and self._body.is_eof()

    def _has_more(self) -> bool:
        """Return whether more than the answer went to aiohttp's parser: another one, a part of one, or garbage."""
        if self._has_second_answer or self.exception() is not None:
            return True
        try:
            return self._parser is not None and self._parser.feed_eof() is not None  # what it has begun to read
        except HttpProcessingError:
            return True

    def _has_unread(self) -> bool:
        """Return whether anything arrived that the event loop has not read yet, the connection's end included."""
        arrived = select.poll()
        arrived.register(cast("asyncio.Transport", self.transport).get_extra_info("socket"), select.POLLIN)
        return bool(arrived.poll(0))

    def _end(self, *, doubtful: bool) -> None:
        """Close the connection. If it carried a request before, nobody knows which of two answers is the right one."""
        log.debug("connection ended: something arrived that nobody asked for")
        self.force_close()
        self.close()
        if doubtful:
            error = ServerDisconnectedError("more than one answer to a request")
            self._buffer.clear()
            self.set_exception(error)
            cast("StreamReader", self._body).set_exception(error)


def _head_apart(data: bytes) -> tuple[bytes, bytes]:
    """Split at the end of a head, so that the parser has passed it on before it meets garbage behind the answer."""
    head, end, rest = data.partition(END_OF_HEAD)
    return head + end, rest


def _line_end_apart(data: bytes) -> tuple[bytes, bytes]:
    """Split before a last line end, the only thing that the parser would pass over without a trace."""
    return (data[:-1], data[-1:]) if data.endswith(LINE_ENDS) and len(data) > 1 else (data, b"")
