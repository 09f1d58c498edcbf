"""Serve an ASGI application on loopback, within the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

LOOPBACK = "127.0.0.1"

CUT = "invoice-bot.cut"
"""``await scope["extensions"][CUT]()`` drops the connection at once, as a crash or a pulled cable would."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def serve(app: Application, port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` while the context lasts and give its base URL, such as ``http://127.0.0.1:40123``.

    Port 0 takes a free one. Leaving drops every connection and cancels the requests in hand. uvicorn's own
    ``Server`` isn't used because it takes over the process's signals and polls for its end. Raises :class:`OSError`
    where the port is taken.
    """
    config = Config(_with_cut(app), lifespan="off", ws="none", log_config=None, access_log=False, proxy_headers=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.Protocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

    server = await loop.create_server(protocol, LOOPBACK, port)
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await _drop(state)
        await server.wait_closed()


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


async def _drop(state: ServerState) -> None:
    """Drop all connections first, so that what is cancelled next no longer tries to answer."""
    for connection in list(state.connections):
        connection.transport.abort()
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # lets the loop tell the aborted transports
