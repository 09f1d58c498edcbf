"""An HTTP client that sends each request just once, and as it is."""

from __future__ import annotations

from typing import Any

import httpx


class ExchangeClient(httpx.AsyncClient):
    """Hands requests to the transport.

    httpx's own way there is prepared for cookies, redirects and logins that take several requests. Customers share this
    client, so nothing of that may happen here, and being prepared for it takes as long as decoding an answer.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, trust_env=False, **options)
        self._exchange = transport.handle_async_request

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Return the answer, whatever it is. Unless it is to be read as a ``stream``, it is read and closed."""
        if self.is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        response = await self._exchange(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response
