"""One request to the provider's API: headers, retries, deadline, and the one method for all requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import TypeVar, cast

import httpx
import stamina
import structlog

from bot import logs
from bot.domain.chats import Token
from bot.errors import (
    AnswerCut,
    AnswerNotUnderstood,
    ForeignAnswer,
    ProviderDown,
    ProviderError,
    RateLimited,
    TokenRefused,
)
from bot.limiter import Limiter, WaitTooLong
from bot.offload import HEAVY_BYTES, off_loop
from bot.ports import Clock
from bot.provider import envelope, error_mapping, values

MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
"""A refusal may hold a whole trace of the provider's program beside its words."""

URLS_KEPT = 256
"""Parsed addresses. The one of the list comes again with every check."""

T = TypeVar("T")
ReadBody = Callable[[httpx.Response], Awaitable[T]]
"""Turns a 2xx answer into a value while its body can still be read."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long calls may take, in seconds, and how reads are retried.

    A deadline covers a whole call, with its retries and pages. The wait after try n is ``first_wait`` * 2 ** (n - 1)
    plus up to ``jitter``, and at most ``longest_wait``, unless the provider asks for another wait. If the status alone
    decides the outcome, the body may take ``drain_timeout``.
    """

    deadline: float = 30.0
    download_deadline: float = 120.0
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 5.0
    jitter: float = 0.5
    drain_timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """What differs between requests. ``path`` is relative to the base URL. ``body`` is sent as JSON."""

    name: str
    method: str
    path: str
    token: Token
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, int] | None = None
    accept_encoding: str = "gzip, deflate"


@asynccontextmanager
async def deadline(seconds: float, call: Call) -> AsyncIterator[float]:
    """Limit a call's time, and yield the loop time of its end. Raise :class:`ProviderDown` at that end.

    No step has a limit of its own except for connecting: the provider may take the whole time for its first byte.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield asyncio.get_running_loop().time() + seconds
    except TimeoutError:
        log.debug("provider call took too long", call=call.name, seconds=seconds)
        raise ProviderDown(detail=f"no answer within {seconds:g} s", timed_out=True) from None


class Caller:
    """Makes calls on a shared client. It asks no URL outside ``base_url``, so the token can't go anywhere else."""

    def __init__(
        self, http: httpx.AsyncClient, base_url: str, retries: RetryPolicy, clock: Clock, limiter: Limiter | None = None
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._retrying = stamina.AsyncRetryingCaller(
            attempts=retries.attempts,
            timeout=None,  # the deadline sees to that
            wait_initial=retries.first_wait,
            wait_max=retries.longest_wait,
            wait_jitter=retries.jitter,
        )
        self._headers = dict(http.headers)
        self._timeouts = http.timeout.as_dict()
        self._drain_timeout = retries.drain_timeout
        self._deadline = retries.deadline

    async def read(self, call: Call, read_body: ReadBody[T], ends: float) -> T:
        """Make a call that changes nothing. Retry it where that may help, until the loop time ``ends``."""
        tries = _Tries(ends)

        async def try_once() -> T:
            await self.make_room()
            tries.begin()
            return await self._request(call, read_body)

        try:
            return await try_once()
        except ProviderError as error:  # to be ready for more tries costs a sixth of a request, so only now
            failed = [error]

        async def try_next() -> T:
            if failed:
                raise failed.pop()
            return await try_once()

        return await self._retrying(tries.wait_after, try_next)

    async def send_once(self, call: Call) -> None:
        """Make a call that changes something. It is never retried or delayed.

        Any 2xx is success, unless it says that it is a failure or is about another invoice. Neither proves what was
        done.
        """
        body = await self._request(call, self._accept)
        if await off_loop(len(body) > HEAVY_BYTES, error_mapping.is_about_another, body, call.body):
            raise AnswerNotUnderstood("an answer about another invoice")

    async def make_room(self) -> None:
        """Wait for a turn within the limit that all replicas share. Raise :class:`RateLimited` if that takes long."""
        if self._limiter is not None:
            try:
                await self._limiter.wait(self._deadline / 2)
            except WaitTooLong as busy:
                raise RateLimited(busy.seconds) from None

    async def _request(self, call: Call, read_body: ReadBody[T]) -> T:
        logs.add_secret(call.token.reveal())
        try:
            response = await self._http.send(self._made(call), stream=True, follow_redirects=False)
            try:
                log.debug("provider answered", call=call.name, status=response.status_code)
                if response.is_success:
                    return await read_body(response)
                body = await self._drain(response)
                heavy = len(body) > HEAVY_BYTES
                failure = await off_loop(heavy, error_mapping.of_status, response, body, self._clock())
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            log.debug("provider call failed", call=call.name, reason=type(error).__name__, detail=str(error))
            failure = error_mapping.of_transport(error)
        raise failure  # not within the handler: httpx's error as context would hold the request, and so the token

    def _made(self, call: Call) -> httpx.Request:
        """Return the request of a call. The client's own way to make one would copy its headers one by one."""
        return httpx.Request(
            call.method,
            _url(f"{self._base_url}/{call.path}"),
            params=call.parameters or None,
            json=call.body,
            headers={**self._headers, **_headers(call)},
            extensions={"timeout": self._timeouts},
        )

    async def _accept(self, response: httpx.Response) -> bytes:
        body = await self._drain(response)
        refusal = await off_loop(len(body) > HEAVY_BYTES, error_mapping.in_success, response, body)
        if refusal is not None:
            raise refusal
        return body

    async def _drain(self, response: httpx.Response) -> bytes:
        """Return as much of a body as arrives within the limits. A drained connection can be used again."""
        body = bytearray()
        with suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(self._drain_timeout):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) >= MAX_ERROR_BYTES:
                        break
        return bytes(body[:MAX_ERROR_BYTES])


async def json_body(response: httpx.Response) -> bytes:
    """Return the body. Raise :class:`AnswerNotUnderstood` if it is no whole answer in JSON, or is too long."""
    content_type = response.headers.get("content-type", "")
    if response.status_code != HTTPStatus.OK or not envelope.is_json(content_type):
        media_type = values.media_type(content_type)
        raise AnswerNotUnderstood(f"status {response.status_code}, content type {media_type[:60]!r} for JSON")
    received = bytearray()
    # The transport has decoded it, so httpx need not look at each piece.
    async for piece in cast("httpx.AsyncByteStream", response.stream):
        received += piece
        if len(received) > MAX_JSON_BYTES:
            raise AnswerNotUnderstood(f"JSON above {MAX_JSON_BYTES} bytes")
    return bytes(received)


@lru_cache(URLS_KEPT)
def _url(spelled: str) -> httpx.URL:
    return httpx.URL(spelled)


def _headers(call: Call) -> dict[str, str]:
    token = call.token.reveal()
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise TokenRefused  # no header can carry it, so the provider can't know it
    return {
        "authorization": f"Bearer {token}",
        "accept": "application/json",
        "accept-language": f"{call.language}; *;q=0.5",
        "accept-encoding": call.accept_encoding,
        "cache-control": "no-cache",  # what something in between has kept may be another customer's
    }


class _Tries:
    """Decides after each failed try of a read whether there is another one, until the loop time ``ends``."""

    def __init__(self, ends: float) -> None:
        self._ends = ends
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._was_cut = False

    def begin(self) -> None:
        self._began = self._time()

    def wait_after(self, error: Exception) -> bool | float:
        """Return False for no more tries, True for one after the usual wait, or the wait in seconds."""
        now = self._time()
        took, left = now - self._began, self._ends - now
        was_cut, self._was_cut = self._was_cut, isinstance(error, AnswerCut)
        if took > left:
            return False  # another try would be cut off before its end
        match error:
            case AnswerCut():
                return not was_cut
            case ProviderDown(timed_out=True):
                return False  # asked again, the provider would do all the work again
            case RateLimited(retry_after=float(wait)) | ProviderDown(retry_after=float(wait)):
                return wait if wait < left else False
            case ForeignAnswer():
                return False  # a firewall's page does not go away within seconds
            case RateLimited() | ProviderDown():
                return True
            case _:
                return False
