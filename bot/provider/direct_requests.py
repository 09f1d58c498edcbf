"""Single requests to an API of few addresses, such as Telegram's, straight over a transport.

Even a client that keeps nothing between requests (``exchange.py``) merges its settings into each, and reads its address
anew. That takes as long as the transport itself, and is of use only where settings or addresses differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import httpx

HEADERS = {"Accept-Encoding": "gzip, deflate"}
JSON = {"Content-Type": "application/json"}

MAX_BYTES = 32 * 1024 * 1024
"""Of an answer, decoded. Telegram's are far shorter; a page of something in between may have no end."""


class Answered(NamedTuple):
    """An answer: its status, its body, and what the field ``Retry-After`` says, if it is there."""

    status: int
    body: bytes
    retry_after: str


class DirectRequests:
    """Sends requests as ``agent``, over a transport that decodes answers.

    Raise :class:`httpx.HTTPError` if no whole answer comes, or one that is far too long.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, agent: str) -> None:
        self._transport = transport
        self._headers = {**HEADERS, "User-Agent": agent}

    async def __call__(
        self,
        method: str,
        url: str,
        timeouts: Mapping[str, float | None],
        *,
        json: bytes = b"",
        form: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> Answered:
        """Send one request, with a body of JSON or a form with files. ``timeouts`` are httpx's, by their names."""
        request = httpx.Request(
            method,
            _read_url(url),
            headers={**self._headers, **JSON} if json else self._headers,
            content=json or None,
            data=form,
            files=files,
            extensions={"timeout": timeouts},
        )
        response = await self._transport.handle_async_request(request)
        try:  # the transport has decoded it, so httpx need not look at each piece
            body = bytearray()
            async for piece in cast("httpx.AsyncByteStream", response.stream):
                body += piece
                if len(body) > MAX_BYTES:
                    raise httpx.ReadError(f"the answer is longer than {MAX_BYTES} bytes", request=request)
        finally:
            await response.aclose()
        return Answered(response.status_code, bytes(body), response.headers.get("retry-after", ""))

    async def close(self) -> None:
        """Close all connections. The next request opens new ones."""
        await self._transport.aclose()


@lru_cache(maxsize=128)
def _read_url(url: str) -> httpx.URL:
    """Return a URL. An API has few, and reading one takes as long as sending a request."""
    return httpx.URL(url)
