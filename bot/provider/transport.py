"""The httpx transport: aiohttp's connections under httpx's interface.

aiohttp carries several times as many requests as httpx's own pool, whose cost grows with the square of the concurrent
requests (encode/httpcore issue #1035). What it does otherwise than this bot needs is mended here:

- Connections are shared by all customers: ``connections.py`` says when one is used again. Cookies are not shared. They
  are dropped from answers, so nobody can send them back.
- Errors become httpx's. A connect error means that surely nothing was sent. The original error is dropped, because it
  holds the request's headers.
- The connect time-out includes name resolution, and the pool time-out does not include connecting. An upload whose peer
  stops reading is a write time-out.
- An answer is decoded step by step, and has one content coding at most, which the request must have allowed.
- Proxies of the environment are found as httpx does, if it makes the transport itself (``proxies.py``).

There is no HTTP/2 and no SOCKS proxy.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Self, cast

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError, PayloadEncodingError

from bot.errors import StartError
from bot.provider.connections import Connector
from bot.provider.proxies import Proxies, Proxy

WRITE_CHUNK = 64 * 1024
"""Bytes that aiohttp takes without waiting for the peer. Longer bodies are written, and timed, in such pieces."""

READ_CHUNK = 256 * 1024
"""Bytes of an answer after which others get a turn."""

MAX_FIELD = 128 * 1024
"""Bytes that a line of an answer's head may have. aiohttp's own limit of 8 KiB is less than some policies need."""

MAX_FIELDS = 512
"""How many fields an answer's head may have."""

DECODED = frozenset({"gzip", "deflate", "br", "zstd"})
"""Content codings that aiohttp decodes, the last two where their libraries are installed."""

Timeouts = Mapping[str, float | None]
Fields = Sequence[tuple[str, str]]
Body = bytes | httpx.AsyncByteStream


class AnswerRefused(httpx.RemoteProtocolError):
    """An answer that breaks HTTP. The text has the name that aiohttp gives to the fault."""


class TlsFailed(httpx.ConnectError):
    """No trusted TLS connection came about."""


def make_transport(
    max_connections: int,
    *,
    always_rest: bool = False,
    verify: ssl.SSLContext | None = None,
    proxies: Mapping[str, str] | None = None,
) -> Transport:
    """Return a transport for at most ``max_connections`` requests at once. Another one waits up to the pool time-out.

    After an answer, a connection rests before it is used for another ``Authorization``, or before any request if
    ``always_rest``. ``verify`` defaults to httpx's own context. ``proxies`` maps ``http``, ``https`` or ``all`` to a
    proxy's URL, and defaults to the environment's (``HTTPS_PROXY`` …, minus ``NO_PROXY``). Loopback is always reached
    directly. The transport connects when it is first used. After it was closed, it can be used again.

    Raise :class:`StartError` if the trusted certificates can't be read.
    """
    return Transport(max_connections, verify or trusted_certificates(), proxies, always_rest=always_rest)


def trusted_certificates() -> ssl.SSLContext:
    """Return httpx's own context. Reading it takes a while. Raise :class:`StartError` if it can't be read."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise StartError(
            f"The trusted certificates for SSL can't be read ({error}). Check SSL_CERT_FILE and SSL_CERT_DIR."
        ) from None


class Transport(httpx.AsyncBaseTransport):
    """Sends requests of httpx, or (:meth:`exchange`) of those who need no more than a status and a body."""

    def __init__(
        self, max_connections: int, verify: ssl.SSLContext, proxies: Mapping[str, str] | None, *, always_rest: bool
    ) -> None:
        self._max_connections = max_connections
        self._always_rest = always_rest
        self._slots = asyncio.Semaphore(max_connections)
        self._verify = verify
        self._proxies = Proxies(proxies)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts: Timeouts = request.extensions.get("timeout", {})
        headers = request.headers.multi_items()
        answer = await self.exchange(request.method, request.url, headers, body_of(request), timeouts)
        return httpx.Response(
            answer.status,
            headers=answer.fields,
            stream=answer,
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": answer.reason.encode(errors="surrogateescape"),
            },
        )

    async def exchange(self, method: str, url: httpx.URL, headers: Fields, body: Body, timeouts: Timeouts) -> Answer:
        """Send a request, and return its answer as soon as its head is here. Close it: until then it has a slot.

        Raise :class:`httpx.RequestError`.
        """
        proxy = self._proxies.leading_to(url)
        await self._take_slot(timeouts.get("pool"))
        try:
            answer = await self._send(method, url, _sent(headers, url, proxy), body, timeouts, proxy)
            if proxy and answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                answer.close()
                raise httpx.ProxyError(f"{proxy} asks for a password")
            return Answer(answer, headers, self._slots)
        except BaseException:
            self._slots.release()
            raise

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _take_slot(self, timeout: float | None) -> None:
        if not self._slots.locked():  # nobody waits, so there is no time to measure
            await self._slots.acquire()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
                return
        raise httpx.PoolTimeout("No connection became free in time")

    async def _send(
        self, method: str, url: httpx.URL, headers: Fields, body: Body, timeouts: Timeouts, proxy: Proxy | None
    ) -> aiohttp.ClientResponse:
        connect = timeouts.get("connect")  # aiohttp's own "connect" covers name resolution and TLS too
        request = partial(
            self._open_session().request,
            method,
            str(url),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(connect=connect, sock_connect=connect, sock_read=timeouts.get("read")),
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,  # those of a tunnel
        )
        try:
            if isinstance(body, bytes) and len(body) <= WRITE_CHUNK:
                return await request(data=body or None)
            async with _Upload(body, timeouts.get("write")) as upload:
                return await request(data=upload)
        except aiohttp.ClientError as error:
            failure: httpx.RequestError = _mapped(error, proxy)
        except TimeoutError:
            failure = httpx.WriteTimeout("The peer stopped reading")
        except OSError as error:
            failure = _mapped(error, proxy)
        raise failure

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(self._max_connections, self._verify, always_rest=self._always_rest),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                max_line_size=MAX_FIELD,
                max_field_size=MAX_FIELD,
                max_headers=MAX_FIELDS,
            )
        return self._session


def body_of(request: httpx.Request) -> Body:
    """Return what a request carries: whole if it is in memory, else in pieces."""
    try:
        return request.content
    except httpx.RequestNotRead:
        return cast("httpx.AsyncByteStream", request.stream)


def _sent(headers: Fields, url: httpx.URL, proxy: Proxy | None) -> Fields:
    """Return the headers as they are sent. How a body is sent is aiohttp's matter."""
    if proxy is not None and url.scheme == "http":
        headers = [*headers, *proxy.headers.items()]  # such a request goes to the proxy itself
    return [field for field in headers if field[0].lower() != "transfer-encoding"]


class _Upload:
    """A request's body in pieces. As a context, it ends the request when the peer does not take a piece in time."""

    def __init__(self, body: Body, timeout: float | None) -> None:
        self._stream = httpx.ByteStream(body) if isinstance(body, bytes) else body
        self._guard = asyncio.timeout(None)
        self._write_timeout = timeout
        self._over = False

    async def __aenter__(self) -> Self:
        await self._guard.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True  # the answer is here, or none will come
        await self._guard.__aexit__(kind, error, trace)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            for start in range(0, len(part), WRITE_CHUNK):
                self._allow(self._write_timeout)
                yield part[start : start + WRITE_CHUNK]
                self._allow(None)

    def _allow(self, seconds: float | None) -> None:
        if not self._over:
            self._guard.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class Answer(httpx.AsyncByteStream):
    """An answer, and its body in pieces, decoded. Closing it gives the slot back, once.

    ``asked`` are the request's headers. A body in a coding that they don't allow can't be read.
    """

    def __init__(self, answer: aiohttp.ClientResponse, asked: Fields, slots: asyncio.Semaphore) -> None:
        self.status = answer.status
        self.reason = answer.reason or ""
        self._answer = answer
        self._slots: asyncio.Semaphore | None = slots
        self._coding = ", ".join(answer.headers.getall("Content-Encoding", ())).lower()
        self._is_decoded = self._coding in DECODED and self._coding in _codings(asked)

    @property
    def fields(self) -> Sequence[tuple[bytes, bytes]]:
        """The fields of its head, without those that are only about the coded body."""
        dropped = {b"set-cookie"} | ({b"content-encoding", b"content-length"} if self._is_decoded else set())
        return [(name, value) for name, value in self._answer.raw_headers if name.lower() not in dropped]

    def field(self, name: str) -> str:
        """Return a field of its head. Empty: it has none."""
        return self._answer.headers.get(name, "")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        since_turn = 0
        try:
            async for chunk in self._answer.content.iter_any():
                if not self._is_decoded and self._coding not in {"", "identity"}:
                    break
                yield chunk
                since_turn += len(chunk)
                if since_turn >= READ_CHUNK:
                    since_turn = 0
                    await asyncio.sleep(0)
            else:
                return
            failure: httpx.RequestError = httpx.DecodingError(f"content coding {self._coding[:60]!r} was not asked for")
        except (aiohttp.ClientError, OSError) as error:
            failure = _mapped(error)
        raise failure

    async def aclose(self) -> None:
        slots, self._slots = self._slots, None
        if slots is None:
            return
        try:
            self._answer.release()
            await self._answer.wait_for_close()
        finally:
            slots.release()


def _codings(asked: Fields) -> Iterable[str]:
    """Return the content codings that the answer may have. A request that names none allows any."""
    fields = [value for name, value in asked if name.lower() == "accept-encoding"]
    return [each.partition(";")[0].strip().lower() for each in ",".join(fields).split(",")] if fields else DECODED


def _mapped(error: Exception, proxy: Proxy | None = None) -> httpx.RequestError:
    """Return httpx's error for aiohttp's. It is a connect error only if surely nothing was sent.

    Its text names what failed, but no path: that may hold the bot's token.
    """
    words, found = _words(error), next((ours for theirs, ours in _ERRORS if isinstance(error, theirs)), httpx.ReadError)
    fault = _fault_in_http(error)
    if isinstance(fault, ContentEncodingError):
        return httpx.DecodingError("the compressed body can't be read")
    if fault is not None and not isinstance(fault, PayloadEncodingError):  # that is a body cut short
        words, found = f"{type(fault).__name__}: {_first_words(fault.message)}", AnswerRefused
    if proxy is not None and found in {httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError}:
        return httpx.ProxyError(f"{proxy} does not connect: {words}")
    return found(words if proxy is None else f"{words}, through {proxy}")


def _fault_in_http(error: BaseException | None) -> HttpProcessingError | None:
    """Return what broke HTTP according to aiohttp's parser, which is the first cause."""
    fault = None
    while error is not None:
        fault = error if isinstance(error, HttpProcessingError) else fault
        error = error.__cause__
    return fault


def _first_words(message: str) -> str:
    """Return the beginning of aiohttp's message, without the bytes that it quotes."""
    return message.strip().partition("\n")[0].partition(": b")[0].rstrip(": ")[:100]


def _words(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as reason):
            return f"SSL: {error.host}:{error.port}: {reason.verify_message}"
        case aiohttp.ClientSSLError():
            return f"SSL: {error.host}:{error.port}: {error.strerror or type(error.os_error).__name__}"
        case aiohttp.ClientConnectorError():
            return f"{type(error).__name__}: {error.host}:{error.port}: {_reason(error.os_error)}"
        case aiohttp.ClientHttpProxyError():
            return f"{type(error).__name__}: status {error.status}"
        case _:
            return type(error).__name__


def _reason(error: OSError) -> str:
    """Return the system's words. asyncio's own quote the address as Python writes it."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or "unknown"
    return os.strerror(error.errno)


_ERRORS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], type[httpx.TransportError]]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), httpx.ProxyError),
    (aiohttp.ClientSSLError, TlsFailed),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), httpx.UnsupportedProtocol),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError), httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
)
"""The first match counts: errors of a proxy and of TLS are subclasses of a connector's."""
