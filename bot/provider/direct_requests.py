"""Single requests to an API of few addresses, such as Telegram's, straight over a transport.

Even a client that keeps nothing between requests (``exchange.py``) merges its settings into each, and reads its address
anew. That takes as long as the transport itself, and is of use only where settings or addresses differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import httpx

from bot.provider.transport import Body, Timeouts, Transport, body_of

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

    def __init__(self, transport: Transport, agent: str) -> None:
        self._transport = transport
        self._headers = [("Accept-Encoding", "gzip, deflate"), ("User-Agent", agent)]
        self._json_headers = [*self._headers, ("Content-Type", "application/json")]

    async def __call__(
        self,
        method: str,
        url: str,
        timeouts: Timeouts,
        *,
        json: bytes = b"",
        form: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> Answered:
        """Send one request, with a body of JSON or a form with files. ``timeouts`` are httpx's, by their names."""
        read_url = _read_url(url)
        headers, content = self._json_headers if json else self._headers, cast("Body", json)
        if form is not None:
            request = httpx.Request(method, read_url, headers=headers, data=form, files=files)
            headers, content = request.headers.multi_items(), body_of(request)
        answer = await self._transport.exchange(method, read_url, headers, content, timeouts)
        try:
            body = bytearray()
            async for piece in answer:
                body += piece
                if len(body) > MAX_BYTES:
                    raise httpx.ReadError(f"the answer is longer than {MAX_BYTES} bytes")
        finally:
            await answer.aclose()
        return Answered(answer.status, bytes(body), answer.field("Retry-After"))

    async def close(self) -> None:
        """Close all connections. The next request opens new ones."""
        await self._transport.aclose()


@lru_cache(maxsize=128)
def _read_url(url: str) -> httpx.URL:
    """Return a URL. An API has few, and reading one takes as long as sending a request."""
    return httpx.URL(url)
