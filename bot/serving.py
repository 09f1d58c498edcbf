"""Serve an ASGI application within the running event loop, next to everything else in the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def serve_asgi(app: ASGIApplication, host: str, port: int, grace: float = 0.0) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts, and yield the port. Port 0 picks a free one.

    Leaving accepts no more connections, gives requests in progress ``grace`` seconds, and drops the rest. Raise
    :class:`OSError` if the address is not available.

    Only uvicorn's protocol and connection state are used. Its ``Server`` takes over the process's signals, spends 0.1 s
    on every stop, polls until idle connections are gone, and logs an error for the requests that it drops.
    """
    config = Config(app, lifespan="off", ws="none", log_config=None, access_log=False, proxy_headers=False)
    config.load()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

    server = await asyncio.get_running_loop().create_server(protocol, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if grace and state.tasks:
            await asyncio.wait(set(state.tasks), timeout=grace)
        await _drop(state)
        await server.wait_closed()


async def _drop(state: ServerState) -> None:
    """Drop all connections, then cancel their requests. In this order no cancelled request still tries to answer."""
    for connection in list(state.connections):
        connection.transport.abort()
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # the loop informs the aborted transports
