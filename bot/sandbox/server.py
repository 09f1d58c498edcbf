"""Serve an ASGI application on loopback, within the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.serving import ASGIApplication, Receive, Scope, Send, serve_asgi

LOOPBACK = "127.0.0.1"

CUT = "invoice-bot.cut"
"""``await scope["extensions"][CUT]()`` drops the connection at once, like a crash or a pulled cable."""

WRITE = "invoice-bot.write"
"""``scope["extensions"][WRITE](data)`` puts any bytes on the connection."""

END = "invoice-bot.end"
"""``await scope["extensions"][END]()`` ends the connection as soon as all was sent."""


@asynccontextmanager
async def serve(app: ASGIApplication, port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` while the context lasts. Yield its base URL, such as ``http://127.0.0.1:40123``.

    Port 0 means any free port. On leaving, every connection is dropped and the requests in progress are cancelled.
    Raise :class:`OSError` if the port is taken.
    """
    async with serve_asgi(_with_extensions(app), LOOPBACK, port) as taken:
        yield f"http://{LOOPBACK}:{taken}"


def _with_extensions(app: ASGIApplication) -> ASGIApplication:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn passes a bound method. Its object, the request's cycle, has the transport.
        cycle: Any = send.__self__  # type: ignore[attr-defined]

        async def cut() -> None:
            cycle.transport.abort()
            await asyncio.sleep(0)  # uvicorn must notice, or it would complain about the missing answer

        def write(data: bytes) -> None:
            cycle.transport.write(data)

        async def end() -> None:
            cycle.transport.close()
            while not cycle.disconnected:  # noqa: ASYNC110  # uvicorn publishes no event
                await asyncio.sleep(0.001)

        scope["extensions"] = {CUT: cut, WRITE: write, END: end}
        with suppress(asyncio.CancelledError):  # only leaving cancels; uvicorn would log it as a failure
            await app(scope, receive, send)

    return wrapped
