"""Serve an ASGI application on loopback, within the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.serving import Application, Receive, Scope, Send, serve_asgi

LOOPBACK = "127.0.0.1"

CUT = "invoice-bot.cut"
"""``await scope["extensions"][CUT]()`` drops the connection at once, as a crash or a pulled cable would."""


@asynccontextmanager
async def serve(app: Application, port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` while the context lasts and give its base URL, such as ``http://127.0.0.1:40123``.

    Port 0 takes a free one. Leaving drops every connection and cancels the requests in hand. Raises
    :class:`OSError` where the port is taken.
    """
    async with serve_asgi(_with_cut(app), LOOPBACK, port) as taken:
        yield f"http://{LOOPBACK}:{taken}"


def _with_cut(app: Application) -> Application:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn passes a bound method of the request's cycle, which knows the transport.
        cycle: Any = send.__self__  # type: ignore[attr-defined]

        async def cut() -> None:
            cycle.transport.abort()
            await asyncio.sleep(0)  # lets uvicorn learn of it, so that it misses no answer

        scope.setdefault("extensions", {})[CUT] = cut
        with suppress(asyncio.CancelledError):  # cancelled by `_drop` only; uvicorn would log it as a failure
            await app(scope, receive, send)

    return wrapped
