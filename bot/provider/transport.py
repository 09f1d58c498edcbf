"""The httpx transport: aiohttp's connections under httpx's interface.

``httpx-aiohttp`` carries several times as many requests as httpx's own pool, whose cost grows with the square of the
concurrent requests (encode/httpcore issue #1035). On its own it has faults that matter to this bot. This module mends
them:

- Errors. A connection that breaks after the request has left is reported as a connect time-out: a payment that may have
  happened would count as certainly not sent. Malformed answers raise aiohttp's own errors. Here each error is mapped
  anew. Its cause is dropped, because that holds the request's headers.
- Time-outs. The connect time-out leaves out name resolution, and the pool time-out includes connecting. Without a write
  time-out, an upload hangs if the peer stops reading.
- Cookies. aiohttp's session keeps them, for all accounts together.
- Proxies. Those of the environment are ignored: httpx looks for them only if it makes the transport itself.

It has no HTTP/2 and no SOCKS proxies. Both need packages that aren't installed for httpx's own transport either.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bot.provider.connections import Connector

WRITE_CHUNK = 64 * 1024
"""Bytes that aiohttp takes without waiting for the peer. Longer bodies are written, and timed, in such pieces."""

Timeouts = Mapping[str, float | None]


def make_transport(
    max_connections: int,
    *,
    always_rest: bool = False,
    verify: ssl.SSLContext | None = None,
    proxies: Mapping[str, str] | None = None,
) -> httpx.AsyncBaseTransport:
    """Return a transport for at most ``max_connections`` requests at once. Another one waits up to the pool time-out.

    After an answer, a connection rests before it is used for another ``Authorization``, or before any request if
    ``always_rest``. ``verify`` defaults to httpx's own context. ``proxies`` maps ``http``, ``https`` or ``all`` to a
    proxy's URL, and defaults to the environment's (``HTTPS_PROXY`` …, minus ``NO_PROXY``). Loopback is always reached
    directly. The transport connects when it is first used. After it was closed, it can be used again.
    """
    verify = verify or httpx.create_ssl_context()
    return _Transport(max_connections, verify, proxies, always_rest=always_rest)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(
        self, max_connections: int, verify: ssl.SSLContext, proxies: Mapping[str, str] | None, *, always_rest: bool
    ) -> None:
        self._max_connections = max_connections
        self._always_rest = always_rest
        self._slots = asyncio.Semaphore(max_connections)
        self._verify = verify
        self._proxies = getproxies() if proxies is None else proxies
        self._routes: dict[str | None, AiohttpTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts: Timeouts = request.extensions.get("timeout", {})
        await self._take_slot(request, timeouts.get("pool"))
        try:
            response = await self._send(request, timeouts)
        except BaseException:
            self._slots.release()
            raise
        response.stream = _Body(cast("httpx.AsyncByteStream", response.stream), request, self._slots)
        return response

    async def aclose(self) -> None:
        routes, self._routes = list(self._routes.values()), {}
        for route in routes:
            await route.aclose()

    async def _take_slot(self, request: httpx.Request, timeout: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
                return
        raise httpx.PoolTimeout("No connection became free in time", request=request)

    async def _send(self, request: httpx.Request, timeouts: Timeouts) -> httpx.Response:
        # httpx-aiohttp passes "pool" on as aiohttp's limit for all of connecting, name resolution and TLS included.
        connect = timeouts.get("connect")
        times = {"connect": connect, "pool": connect, "read": timeouts.get("read")}
        upload = _Upload(request, timeouts.get("write"))
        inner = upload.copy_of(request, request.extensions | {"timeout": times})
        try:
            async with upload.guard:
                return await self._route(request.url).handle_async_request(inner)
        except TimeoutError:
            failure: httpx.TransportError = httpx.WriteTimeout("The peer stopped reading", request=request)
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            failure = _mapped(error, request)
        finally:
            upload.end()
        raise failure

    def _route(self, url: httpx.URL) -> AiohttpTransport:
        proxy = self._proxy_for(url)
        if proxy not in self._routes:
            self._routes[proxy] = AiohttpTransport(
                client=self._session, verify=self._verify, proxy=httpx.Proxy(proxy) if proxy else None
            )
        return self._routes[proxy]

    def _session(self) -> aiohttp.ClientSession:
        connector = Connector(self._max_connections, self._verify, always_rest=self._always_rest)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    def _proxy_for(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if proxy is None or _is_loopback(url.host) or proxy_bypass(url.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


class _Upload(httpx.AsyncByteStream):
    """A request's body in pieces. ``guard`` ends the request when the peer does not take a piece in time."""

    def __init__(self, request: httpx.Request, timeout: float | None) -> None:
        self.guard = asyncio.timeout(None)
        self._write_timeout = timeout
        self._over = False
        self._source = cast("httpx.AsyncByteStream", request.stream)

    def copy_of(self, request: httpx.Request, extensions: dict[str, Any]) -> httpx.Request:
        """Return the request with other extensions. Unless its body is short, this object is the new body."""
        method, url, headers = request.method, request.url, request.headers
        with suppress(httpx.RequestNotRead):
            if len(request.content) <= WRITE_CHUNK:
                return httpx.Request(method, url, headers=headers, content=request.content, extensions=extensions)
        return httpx.Request(method, url, headers=headers, stream=self, extensions=extensions)

    def end(self) -> None:
        """Stop setting the guard: the answer is here, or none will come."""
        self._over = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._source:
            for start in range(0, len(part), WRITE_CHUNK):
                self._allow(self._write_timeout)
                yield part[start : start + WRITE_CHUNK]
                self._allow(None)

    def _allow(self, seconds: float | None) -> None:
        if not self._over:
            self.guard.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class _Body(httpx.AsyncByteStream):
    """An answer's body. Closing it gives the slot back, once."""

    def __init__(self, inner: httpx.AsyncByteStream, request: httpx.Request, slots: asyncio.Semaphore) -> None:
        self._inner = inner
        self._request = request
        self._slots: asyncio.Semaphore | None = slots

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield chunk
            return
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            failure = _mapped(error, self._request)
        raise failure

    async def aclose(self) -> None:
        slots, self._slots = self._slots, None
        if slots is None:
            return
        try:
            await self._inner.aclose()
        finally:
            slots.release()


def _mapped(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """Return httpx's error for aiohttp's original one. It is a connect error only if surely nothing was sent."""
    original = error.__cause__ if isinstance(error, httpx.TransportError) and error.__cause__ else error
    text = type(original).__name__
    if isinstance(original, aiohttp.ClientConnectorError):
        text = f"{text}: {original}"  # names host and port; others hold the whole URL, perhaps with the bot's token
    found = next((ours for theirs, ours in _ERRORS if isinstance(original, theirs)), httpx.ReadError)
    return found(text, request=request)


_ERRORS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], type[httpx.TransportError]]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), httpx.ProxyError),
    ((aiohttp.ClientConnectorError, aiohttp.ServerFingerprintMismatch), httpx.ConnectError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), httpx.UnsupportedProtocol),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError), httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
)
"""The first match counts: a proxy's errors are subclasses of a connector's."""


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
