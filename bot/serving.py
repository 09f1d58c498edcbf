"""Serve an ASGI application within the running event loop, beside whatever else the process does."""

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
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def serve_asgi(app: Application, host: str, port: int, grace: float = 0.0) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts and give the port; 0 takes a free one.

    Leaving takes no more connections, gives requests in hand ``grace`` seconds, and drops the rest. uvicorn's
    own ``Server`` isn't used because it takes over the process's signals and polls for its end. Raises
    :class:`OSError` where the address can't be had.
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
    """Drop all connections first, so that what is cancelled next no longer tries to answer."""
    for connection in list(state.connections):
        connection.transport.abort()
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # lets the loop tell the aborted transports
