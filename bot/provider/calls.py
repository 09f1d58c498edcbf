"""One call of the provider's API: headers, retries, deadline, and the one method that every request goes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import stamina
import structlog

from bot import logs
from bot.domain.chats import Token
from bot.errors import AnswerNotUnderstood, ProviderDown, RateLimited, TokenRefused
from bot.limiter import Limiter, WaitTooLong
from bot.ports import Clock
from bot.provider import failures

MEGABYTE = 1024 * 1024
LONGEST_JSON = 16 * MEGABYTE
LONGEST_ERROR = 64 * 1024

T = TypeVar("T")
Reader = Callable[[httpx.Response], Awaitable[T]]
"""Makes something of a 2xx answer while it is open."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls may take, in seconds, and how reads are tried again.

    The deadlines are for a call as a whole, with its retries and pages. The wait after the n-th try is
    ``first_wait`` * 2 ** (n - 1) plus up to ``jitter``, at most ``longest_wait``, unless the provider names one.
    ``linger`` is what the body may take where the status already tells the outcome.
    """

    deadline: float = 30.0
    download_deadline: float = 120.0
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 5.0
    jitter: float = 0.5
    linger: float = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """What differs from request to request. ``path`` is below the base URL, ``body`` is sent as JSON."""

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
    """Give the loop time at which the call's time is up. Raises :class:`ProviderDown` then."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield asyncio.get_running_loop().time() + seconds
    except TimeoutError:
        log.debug("provider call took too long", call=call.name, seconds=seconds)
        raise ProviderDown from None


class Caller:
    """Makes calls on a shared client. The token goes to ``base_url`` only, as no other URL is ever asked."""

    def __init__(
        self, http: httpx.AsyncClient, base_url: str, patience: Patience, clock: Clock, limiter: Limiter | None = None
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._retrying = stamina.AsyncRetryingCaller(
            attempts=patience.attempts,
            timeout=None,  # the deadline sees to that
            wait_initial=patience.first_wait,
            wait_max=patience.longest_wait,
            wait_jitter=patience.jitter,
        )
        self._linger = patience.linger
        self._deadline = patience.deadline

    async def read(self, call: Call, reader: Reader[T], ends: float) -> T:
        """A call that changes nothing, tried again where that may help before the loop time ``ends``."""
        loop = asyncio.get_running_loop()

        async def try_once() -> T:
            await self.make_room()
            return await self._request(call, reader)

        return await self._retrying(lambda error: _wait_after(error, ends - loop.time()), try_once)

    async def once(self, call: Call) -> None:
        """A call that changes something: never tried again, nor made to wait. Any 2xx is fine, whatever its body is."""
        await self._request(call, self._rest_of)

    async def make_room(self) -> None:
        """Wait for a turn in what all replicas together may ask. Raises :class:`RateLimited` where that takes long."""
        if self._limiter is not None:
            try:
                await self._limiter.wait(self._deadline / 2)
            except WaitTooLong as busy:
                raise RateLimited(busy.seconds) from None

    async def _request(self, call: Call, reader: Reader[T]) -> T:
        logs.add_secret(call.token.reveal())
        try:
            async with self._http.stream(
                call.method,
                f"{self._base_url}/{call.path}",
                params=call.parameters or None,
                json=call.body,
                headers=_headers(call),
                follow_redirects=False,
            ) as response:
                log.debug("provider answered", call=call.name, status=response.status_code)
                if response.is_success:
                    return await reader(response)
                words = (await self._rest_of(response)).replace(call.token.reveal().encode(), b"***")
                failure = failures.of_status(response, words, self._clock())
        except httpx.HTTPError as error:
            log.debug("provider call failed", call=call.name, reason=type(error).__name__)
            failure = failures.of_transport(error)
        raise failure  # out here, so that it has no context: httpx's errors hold the request, and that the token

    async def _rest_of(self, response: httpx.Response) -> bytes:
        """As much of a body as comes in reasonable length and time. Taking it also spares the connection."""
        body = bytearray()
        with suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(self._linger):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) >= LONGEST_ERROR:
                        break
        return bytes(body[:LONGEST_ERROR])


async def json_body(response: httpx.Response) -> bytes:
    """A body that says it is JSON. Raises :class:`AnswerNotUnderstood` where it doesn't, or has no end."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json" and not kind.endswith("+json"):
        raise AnswerNotUnderstood(f"status {response.status_code}, content type {kind[:60]!r} for JSON")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LONGEST_JSON:
            raise AnswerNotUnderstood(f"JSON above {LONGEST_JSON // MEGABYTE} MB")
    return bytes(body)


def _headers(call: Call) -> dict[str, str]:
    token = call.token.reveal()
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise TokenRefused  # no header can carry it, so the provider can't know it
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Accept-Language": f"{call.language}; *;q=0.5",
        "Accept-Encoding": call.accept_encoding,
    }


def _wait_after(error: Exception, left: float) -> bool | float:
    """Whether to try again after this error: no; yes, after the usual wait; or after so many seconds."""
    match error:
        case RateLimited(retry_after=float(wait)) | failures.DownFor(retry_after=wait):
            return wait if wait < left else False
        case RateLimited() | ProviderDown():
            return True
        case _:
            return False
