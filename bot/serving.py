"""Serve an ASGI application within the running event loop, next to everything else in the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take: ``connections`` at once, and the seconds for the head of a request and for the rest."""

    connections: int
    head: float
    request: float


KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays without limits: longer than any client keeps one. A server that closes it first can
do so while a request is on its way, and then nobody knows whether that arrived."""


class _LimitedConnection(H11Protocol):
    """A connection that is dropped when it exceeds the limits.

    If there are too many, the one that has been without a request for the longest goes. So half-sent requests lock out
    nobody who sends a whole one.
    """

    def __init__(self, limits: Limits, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {})
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self.idle_since: float | None = None
        """When the last request ended; None during a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._expect_head()
        all_open = [c for c in self.connections if isinstance(c, _LimitedConnection) and not c.transport.is_closing()]
        if len(all_open) > self._limits.connections:
            idle = [(c.idle_since, id(c), c) for c in all_open if c.idle_since is not None]
            min(idle)[2].transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self.idle_since = None
            self._set_timer(self._limits.request)

    def on_response_complete(self) -> None:
        self._expect_head()
        super().on_response_complete()

    def _expect_head(self) -> None:
        self.idle_since = self.loop.time()
        self._set_timer(self._limits.head)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


@asynccontextmanager
async def serve_asgi(
    app: ASGIApplication, host: str, port: int, grace: float = 0.0, limits: Limits | None = None
) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts, and yield the port. Port 0 picks a free one.

    Leaving accepts no more connections, gives requests in progress ``grace`` seconds, and drops the rest. Raise
    :class:`OSError` if the address is not available. Without ``limits``, clients may take what they want.

    Only uvicorn's protocol and connection state are used. Its ``Server`` takes over the process's signals, spends 0.1 s
    on every stop, polls until idle connections are gone, and logs an error for the requests that it drops.
    """
    config = Config(app, http="h11", lifespan="off", ws="none", log_config=None, access_log=False, proxy_headers=False)
    if limits is None:
        config.timeout_keep_alive = KEEP_ALIVE_SECONDS
    config.load()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return H11Protocol(config, state, {}) if limits is None else _LimitedConnection(limits, config, state)

    server = await asyncio.get_running_loop().create_server(protocol, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await _stop_accepting(server)
        if grace and state.tasks:
            await asyncio.wait(set(state.tasks), timeout=grace)
        await _drop(state)
        await server.wait_closed()


async def _stop_accepting(server: asyncio.Server) -> None:
    """Accept no more, and wait until each connection that was accepted just now is known.

    A server that is closed at once forgets these connections: asyncio fails to attach them, and nobody closes them.
    """
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(2):  # the loop makes a connection's transport in one turn, and tells its protocol in the next
        await asyncio.sleep(0)
    server.close()


async def _drop(state: ServerState) -> None:
    """Drop all connections, then cancel their requests. In this order no cancelled request still tries to answer."""
    for connection in list(state.connections):
        connection.transport.abort()
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # the loop informs the aborted transports
